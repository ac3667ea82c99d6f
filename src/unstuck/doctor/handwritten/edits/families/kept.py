"""Sums that outlive a step by the way they are looked up: `getattr` with a default, made only once, a clearing that is empty."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..making import change
from ..model import Change
from ..reading import Function, Reading, base_of, called, canonical, root_name
from ..text import Piece

CAUSES = ("gradient-not-reset", "optimizer-formula-wrong", "gradient-overwritten")
LOOKS_UP = {"getattr": 3, "get": 2, "setdefault": 2, "pop": 2}


def propose(reading: Reading) -> Iterator[Change]:
    yield from _looked_up(reading)
    yield from _made_once(reading)
    yield from _empty(reading)


# ------------------------------------------------------------------------------------------------- looked up


def _looked_up(reading: Reading) -> Iterator[Change]:
    """``s = getattr(self, "s", zeros)`` and ``s = kept.get(key, zeros)`` -> ``s = zeros``; all of a block at once, and each."""
    text = reading.text
    by_block: dict[int, list[tuple[ast.Assign, Piece]]] = {}
    for statement in reading.statements:
        if isinstance(statement, ast.Assign):
            fresh = _default(statement.value)
            if fresh is not None:
                block, _ = text.block(statement)
                by_block.setdefault(id(block), []).append((statement, text.swap(statement.value, text.of(fresh))))
    for found in by_block.values():
        names = ", ".join(f"`{text.of(s.targets[0])}`" for s, _ in found)
        if len(found) > 1:
            first = found[0][0]
            yield change(reading, first, [p for _, p in found], CAUSES, f"begin {names} anew in every step", 0.3)
        for statement, piece in found:
            own = text.of(statement.targets[0])
            yield change(reading, statement, piece, CAUSES, f"begin `{own}` anew in every step", 0.8)


def _default(value: ast.expr) -> ast.expr | None:
    """What a look-up gives where nothing was kept yet."""
    call = called(value)
    if call is None or not isinstance(value, ast.Call) or value.keywords:
        return None
    if len(value.args) != LOOKS_UP.get(call[0], -1) or (call[0] == "getattr") is not (call[1] is None):
        return None
    default = value.args[-1]
    return None if isinstance(default, ast.Constant) and not isinstance(default.value, int | float) else default


# ------------------------------------------------------------------------------------------------- made once


def _made_once(reading: Reading) -> Iterator[Change]:
    """``if self.sums is None: self.sums = zeros`` (or `hasattr`, or `not in`) -> the assignment alone, in every step."""
    text = reading.text
    for statement in reading.statements:
        if not isinstance(statement, ast.If) or statement.orelse or not text.solo(statement):
            continue
        targets = {canonical(base_of(t)) for s in statement.body for t in reading.targets(s)}
        if not targets or not all(isinstance(s, ast.Assign) for s in statement.body):
            continue
        if not _asks_whether_made(statement.test) or any("\n" in text.of(s) for s in statement.body):
            continue
        body = "\n".join(text.dedented(s) for s in statement.body)
        pieces = [text.before(statement, body), *text.cut(statement)]
        names = ", ".join(f"`{t}`" for t in sorted(targets))
        yield change(reading, statement, pieces, CAUSES, f"begin {names} anew in every step", 0.7)


def _asks_whether_made(test: ast.expr) -> bool:
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=ast.Call(func=ast.Name(id="hasattr"))):
            return True
        case ast.Compare(ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=None)]):
            return True
        case ast.Compare(ops=[ast.NotIn()]):
            return True
        case ast.UnaryOp(op=ast.Not(), operand=ast.Name() | ast.Attribute()):
            return True
    return False


# ----------------------------------------------------------------------------------------------------- empty


def _empty(reading: Reading) -> Iterator[Change]:
    """A method that is called and does nothing, in a class that adds sums up: clear them there."""
    text = reading.text
    names = {c[0] for n in text.nodes if (c := called(n)) is not None}
    for function in reading.functions.values():
        idle = [s for s in function.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
        if len(idle) != 1 or not isinstance(idle[0], ast.Pass) or function.name not in names:
            continue
        lines = [_cleared(reading, base) for base in _summed(reading, function)]
        if lines and text.solo(idle[0]):
            piece = Piece(*text.span(idle[0]), ("\n" + text.indent(idle[0])).join(lines))
            yield change(reading, idle[0], piece, "gradient-not-reset", "clear what is added up", 0.2)


def _summed(reading: Reading, function: Function) -> list[ast.expr]:
    """The members that the function's class adds to, but for those that are moved by such a sum."""
    home = reading.own_class(function)
    found: dict[str, tuple[ast.expr, set[str]]] = {}
    for statement in reading.statements:
        if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add | ast.Sub):
            base = base_of(statement.target)
            own = home is not None and reading.own_class(statement) is home and root_name(base) == "self"
            if own and isinstance(base, ast.Attribute):
                read = {canonical(base_of(r.node)) for r in reading.references(statement.value)}
                found.setdefault(canonical(base), (base, read))
    return [base for base, read in found.values() if not read & found.keys()]


def _cleared(reading: Reading, base: ast.expr) -> str:
    written = reading.text.of(base)
    shape = reading.shape(base)
    array = "numpy" in reading.modules if shape is None else bool(shape)
    return f"{written}[...] = 0" if array else f"{written} = 0.0"
