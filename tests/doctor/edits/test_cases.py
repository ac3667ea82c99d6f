"""The shipped cases: for each fault that an edit can mend, some candidate at the true lines equals the mended program."""

from __future__ import annotations

import ast
import json
import pathlib
from itertools import islice
from typing import Any

import pytest

from unstuck.doctor.handwritten.edits.base import Edit, Facts, candidates

CASES = pathlib.Path(__file__).parents[2] / "cases" / "handwritten"

# case -> (place of the fault in truth.json, shapes that the running program would tell)
MENDABLE: dict[str, tuple[int, dict[tuple[int, str], tuple[int, ...]]]] = {
    "bracket-char-rnn": (0, {}),
    "bump-curve-by-units": (0, {(12, "y"): (80,), (12, "x"): (80, 1)}),
    "cancer-gradient-descent": (1, {}),
    "circles-index-loops": (0, {}),
    "diabetes-full-batch": (0, {}),
    "digits-batches-of-ten": (0, {}),
    "digits-network-class": (0, {}),
    "digits-preallocated-arrays": (0, {}),
    "digits-sample-by-sample": (0, {}),
    "digits-stacked-layers": (0, {}),
    "digits-tanh-script": (0, {}),
    "digits-ten-units-a-layer": (0, {}),
    "digits-tiny-convnet": (0, {}),
    "parity-three-bits": (0, {}),
    "sinuskurve-mit-schwung": (0, {}),
    "spiral-layer-objects": (0, {}),
    "xor-clouds-any-depth": (0, {}),
}


class Plain(ast.NodeTransformer):
    """One spelling for what means the same: 1.0 and 1, a * a and a ** 2, factors in any order."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        value: Any = node.value
        return ast.Constant(float(value)) if type(value) in (int, float) else ast.Constant(value)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Mult):
            return node
        parts = sorted(factors(node), key=ast.dump)
        if len(parts) == 2 and ast.dump(parts[0]) == ast.dump(parts[1]):
            return ast.BinOp(parts[0], ast.Pow(), ast.Constant(2.0))
        return ast.Call(ast.Name("product", ast.Load()), parts, [])


def factors(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*factors(node.left), *factors(node.right)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "product":
        return node.args
    return [node]


def meaning(source: str) -> str:
    return ast.dump(Plain().visit(ast.parse(source)))


def mended_text(case: str) -> list[str]:
    """Sources that count as mended: the shipped one, or for some cases another spelling of the same numbers."""
    faulty = (CASES / case / "faulty.py").read_text()
    fixed = (CASES / case / "fixed.py").read_text()
    found = [fixed]
    if case == "cancer-gradient-descent":  # the other fault of this program stays in
        found.append(faulty.replace("db1 = b1 -", "b1 = b1 -").replace("db2 = b2 -", "b2 = b2 -"))
    if case == "digits-network-class":
        found.append(faulty.replace("range(n // size)", "range(0, n, size)"))
    if case == "parity-three-bits":
        found.append(faulty.replace("return s * (1 - s)", "return v * (1 - v)"))
    if case == "bump-curve-by-units":
        y = "target(x).ravel() + rng.normal(0.0, 0.02, len(x))"
        found.append(faulty.replace(y, f"({y}).reshape(-1, 1)"))
    if case == "digits-stacked-layers":
        head = "        for s in range(0, n, batch):\n"
        moved = faulty.replace("        net.zero_grad()\n" + head, head + "            net.zero_grad()\n")
        found.append(moved)
    return found


@pytest.mark.parametrize("case", MENDABLE)
def test_an_early_candidate_at_the_true_lines_mends_the_case(case: str) -> None:
    place, shapes = MENDABLE[case]
    fault = json.loads((CASES / case / "truth.json").read_text())["faults"][place]
    faulty = (CASES / case / "faulty.py").read_text()
    lines = list(range(fault["lines"][0], fault["lines"][1] + 1))
    wanted = {meaning(text) for text in mended_text(case)}
    tried: list[Edit] = list(islice(candidates(faulty, "faulty.py", Facts(suspect_lines=lines, shapes=shapes)), 40))
    right = [edit for edit in tried if meaning(edit.source) in wanted]
    assert right, f"none of {len(tried)} candidates"
    assert right[0].cause in {fault["cause"], *fault["accept"]}
    spans = [fault["lines"], *fault["also_lines"]]
    assert any(right[0].line <= b + 1 and right[0].end_line >= a - 1 for a, b in spans)
