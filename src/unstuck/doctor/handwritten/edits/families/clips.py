"""Bounds on a value that is sent down: a clipped delta is no derivative any more."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..making import change, is_number
from ..model import Change
from ..reading import Reading, called
from ..text import walk

CAUSES = ("clipped-inside-backward", "clipping-too-strong")
_BOUNDS = {"clip", "maximum", "minimum", "max", "min", "fmax", "fmin"}


def propose(reading: Reading) -> Iterator[Change]:
    for statement in reading.sites():
        if reading.role(statement) == "forward":
            continue
        for value in reading.values(statement):
            for node in walk(value):
                yield from _unbounded(reading, statement, node)
        yield from _in_place(reading, statement)


def _unbounded(reading: Reading, statement: ast.stmt, node: ast.AST) -> Iterator[Change]:
    """``np.clip(d, -1, 1)``, ``d.clip(-1, 1)``, ``max(-1, min(1, d))`` -> ``d``."""
    if not isinstance(node, ast.expr):
        return
    inner = _inside(node)
    if inner is None or _inside(reading.text.parent(node)) is node:
        return
    while (deeper := _inside(inner)) is not None:
        inner = deeper
    summary = f"do not bound `{reading.text.of(inner)}`"
    yield change(reading, statement, reading.text.swap(node, reading.text.of(inner)), CAUSES, summary, 0.3)


def _inside(node: ast.AST | None) -> ast.expr | None:
    """What the call bounds by numbers (or by something and its negative); None when it bounds nothing."""
    call = called(node) if node is not None else None
    if call is None or not isinstance(node, ast.Call) or call[0] not in _BOUNDS:
        return None
    given = [*node.args, *(k.value for k in node.keywords if k.arg != "out")]
    if call[0] == "clip" and call[1] is not None and len(given) == 2:
        return call[1]
    if call[0] == "clip":
        return given[0] if len(given) == 3 else None
    if len(given) != 2:
        return None
    for bound, value in (given, given[::-1]):
        if is_number(bound) or isinstance(bound, ast.UnaryOp) or (isinstance(bound, ast.Name) and _inside(value)):
            return value
    return None


def _in_place(reading: Reading, statement: ast.stmt) -> Iterator[Change]:
    """``np.clip(d, -1, 1, out=d)`` as a statement of its own -> without it."""
    if isinstance(statement, ast.Expr) and _inside(statement.value) is not None and reading.text.solo(statement):
        yield change(reading, statement, reading.text.cut(statement), CAUSES, "do not bound it", 0.3)
