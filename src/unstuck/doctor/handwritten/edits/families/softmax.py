"""The derivative of softmax: its whole Jacobian in the place of the diagonal, or where none was applied."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..activations import Activations, activations_of, slopes
from ..making import chains, change, factors, fresh, without
from ..model import Change
from ..reading import Reading, called, names_in
from ..text import ATOM, PRODUCT, bracketed

CAUSES = ("softmax-jacobian-wrong", "activation-derivative-wrong", "output-delta-wrong")


def propose(reading: Reading) -> Iterator[Change]:
    activations = activations_of(reading)
    for statement in reading.sites():
        if reading.role(statement) in ("forward", "update"):
            continue
        for value in reading.values(statement):
            for chain in chains(reading, value):
                yield from _diagonal(reading, chain)
            if isinstance(statement, ast.Assign | ast.Return) and not isinstance(value, ast.Tuple | ast.ListComp):
                yield from _none(reading, activations, statement, value)


def _axes(reading: Reading) -> list[str]:
    """How sums over the classes are written in this program, most frequent first."""
    found = []
    for node in reading.text.nodes:
        call = called(node)
        if call and call[0] in ("sum", "max") and isinstance(node, ast.Call):
            axis = next((reading.text.of(k.value) for k in node.keywords if k.arg == "axis"), None)
            if axis in ("0", "1", "-1"):
                found.append(axis)
    ordered = sorted(set(found), key=found.count, reverse=True)
    return list(dict.fromkeys([*ordered, "1", "0"]))[:2]


def _jacobian(reading: Reading, error: str, soft: str, node: ast.expr) -> Iterator[str]:
    """Texts of ``J(soft) @ error`` row by row."""
    array = reading.modules.get("numpy")
    loose, tight = bracketed(error, PRODUCT), bracketed(soft, ATOM)
    if array:
        shape = reading.shape(node)
        if shape is None or len(shape) > 1:
            for axis in _axes(reading):
                yield f"{tight} * ({error} - {array}.sum({loose} * {soft}, axis={axis}, keepdims=True))"
        if shape is None or len(shape) <= 1 or 1 in shape:
            yield f"{tight} * ({error} - {array}.sum({loose} * {soft}))"


def _diagonal(reading: Reading, chain: ast.BinOp) -> Iterator[Change]:
    """``g * s * (1 - s)`` -> ``s * (g - sum(g * s))``, also for plain lists and loops over indices."""
    text = reading.text
    for slope in slopes(reading, chain):
        if slope.kind != "sigmoid":
            continue
        rest = without(reading, chain, set(slope.places))
        parts = [p for i, p in enumerate(factors(chain)) if i not in slope.places]
        if rest is None or not parts:
            continue
        soft = text.of(slope.operand)
        for written in _jacobian(reading, rest, soft, chain):
            yield change(reading, chain, text.swap(chain, written), CAUSES, "use the whole Jacobian of softmax", 1.2)
        if "\n" not in rest:
            for summed in _plain_sums(reading, chain, rest, soft):
                written = f"{bracketed(soft, PRODUCT)} * ({rest} - {summed})"
                yield change(
                    reading, chain, text.swap(chain, written), CAUSES, "use the whole Jacobian of softmax", 1.3
                )


def _plain_sums(reading: Reading, chain: ast.expr, rest: str, soft: str) -> Iterator[str]:
    """``sum(rest * soft)`` over all classes for programs of plain numbers."""
    text = reading.text
    above = text.parent(chain)
    if isinstance(above, ast.ListComp) and len(above.generators) == 1:
        part = above.generators[0]
        yield f"sum({bracketed(rest, PRODUCT)} * {soft} for {text.of(part.target)} in {text.of(part.iter)})"
    for loop in reading.loops(chain):
        call = called(loop.iter)
        if isinstance(loop.target, ast.Name) and call and call[0] == "range":
            counter = loop.target.id
            if counter in names_in(chain):
                other = fresh(reading, "m", "q", "r", "other")
                moved = re.sub(rf"\b{counter}\b", other, f"{bracketed(rest, PRODUCT)} * {soft}")
                yield f"sum({moved} for {other} in {text.of(loop.iter)})"


def _none(reading: Reading, activations: Activations, statement: ast.stmt, value: ast.expr) -> Iterator[Change]:
    """A derivative with respect to probabilities is passed on as if softmax were not there."""
    text = reading.text
    if isinstance(value, ast.Constant | ast.Dict | ast.List | ast.Compare):
        return
    error = text.of(value)
    if "\n" in error or len(error) > 80:
        return
    for reference in [*reading.nearby(reading.holder(statement)), *reading.members(statement)]:
        found = activations.of(reference.node) or activations.anywhere(reference.node)
        if found is None or found.kind != "softmax" or reference.text == error:
            continue
        own, shape = reading.shape(reference.node), reading.shape(value)
        if own is not None and shape is not None and own != shape:
            continue
        cost = 1.7 if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub | ast.Div | ast.Mult) else 2.1
        for written in _jacobian(reading, error, reference.text, value):
            yield change(reading, statement, text.swap(value, written), CAUSES, "apply the Jacobian of softmax", cost)
