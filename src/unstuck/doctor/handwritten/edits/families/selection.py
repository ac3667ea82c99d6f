"""What a pool or a mask picks: the largest for the smallest, and the share of each place under a mean."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ..making import change, is_number, times
from ..model import Change
from ..reading import Reading, called, canonical
from ..text import ATOM, Piece, bracketed, walk

OPPOSITE = {"max": "min", "amax": "amin", "argmax": "argmin", "nanmax": "nanmin"}
OPPOSITE |= {other: name for name, other in OPPOSITE.items()}
PICKED = ("conv-index-wrong", "activation-derivative-wrong", "gradient-operand-wrong", "wrong-variable")
SHARED = ("gradient-scale-wrong", "conv-index-wrong")


@dataclass(frozen=True)
class Mean:
    """``value.mean(axis=axis)`` somewhere in the forward pass; ``count`` is the text of how many places it takes together."""

    value: str
    count: str


def propose(reading: Reading) -> Iterator[Change]:
    means = list(_means(reading))
    for statement in reading.sites():
        role = reading.role(statement)
        for value in reading.values(statement):
            for node in walk(value):
                if isinstance(node, ast.Call):
                    yield from _opposite(reading, node, role)
            if role != "forward" and isinstance(statement, ast.Assign | ast.Return):
                yield from _shares(reading, statement, value, means)


def _opposite(reading: Reading, node: ast.Call, role: str) -> Iterator[Change]:
    """``a == a.min(axis=2)`` where the forward pass took the largest, and the reverse."""
    call = called(node)
    if call is None or call[0] not in OPPOSITE or not (node.args or call[1] is not None):
        return
    own, other = call[0], OPPOSITE[call[0]]
    if call[1] is None and any(is_number(a) for a in node.args):
        return  # a bound: max(0, x)
    end = reading.text.span(node.func)[1]
    taken = any((c := called(n)) and c[0] == other for n in reading.text.nodes)
    compared = isinstance(reading.text.parent(node), ast.Compare)
    causes = PICKED if role != "forward" else ("wrong-variable", "product-or-axis-wrong", "metric-wrong")
    cost = 1.4 - 0.5 * taken - 0.4 * compared
    piece = Piece(end - len(own), end, other)
    yield change(reading, node, piece, causes, f"`{other}`, not `{own}`", cost)


def _means(reading: Reading) -> Iterator[Mean]:
    for node in reading.text.nodes:
        call = called(node)
        if not (isinstance(node, ast.Call) and call and call[0] in ("mean", "average") and call[1] is not None):
            continue
        module = isinstance(call[1], ast.Name) and call[1].id in reading.fixed
        inner = node.args[0] if module and node.args else call[1]
        axis = next((k.value for k in node.keywords if k.arg == "axis"), None)
        written = reading.text.of(inner)
        if axis is None or "\n" in written or not isinstance(inner, ast.Name | ast.Attribute | ast.Subscript):
            continue
        shape = f"{bracketed(written, ATOM)}.shape"
        if is_number(axis):
            yield Mean(canonical(inner), f"{shape}[{reading.text.of(axis)}]")
        elif isinstance(axis, ast.Tuple) and all(is_number(e) for e in axis.elts):
            places = " * ".join(f"{shape}[{reading.text.of(e)}]" for e in axis.elts)
            yield Mean(canonical(inner), f"({places})")


def _shares(reading: Reading, statement: ast.stmt, value: ast.expr, means: list[Mean]) -> Iterator[Change]:
    """What is sent back through a mean is divided by how many it took: ``ones_like(a) * d`` -> ``... / a.shape[2]``."""
    read = {canonical(r.node) for r in reading.references(value)}
    for mean in means:
        if mean.value in read:
            piece = times(reading, value, mean.count, "/")
            yield change(reading, statement, piece, SHARED, f"divide by the places of the mean, `{mean.count}`", 1.0)
