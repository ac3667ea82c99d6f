"""Lines that were copied and not renamed all over: ``w3 -= rate * dw2`` and ``b3 -= rate * db2``, mended together."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..making import change
from ..model import Change
from ..names import parts_of
from ..reading import Reading
from ..text import Piece, walk

CAUSES = ("wrong-variable", "gradient-operand-wrong", "update-not-applied", "optimizer-formula-wrong")
_NUMBERED = re.compile(r"\A(?P<stem>.*\D)(?P<number>\d+)\Z")


def propose(reading: Reading) -> Iterator[Change]:
    """Neighbouring statements that continue a numbered value, and read values of one other number: read its own instead."""
    group: list[tuple[ast.stmt, list[Piece]]] = []
    last: tuple[int, str, str] | None = None
    for statement in reading.statements:
        found = _renamed(reading, statement)
        if found is None:
            continue
        block, _ = reading.text.block(statement)
        own, other, pieces = found
        if last != (id(block), own, other):
            yield from _together(reading, group)
            group = []
        last = id(block), own, other
        group.append((statement, pieces))
    yield from _together(reading, group)


def _together(reading: Reading, group: list[tuple[ast.stmt, list[Piece]]]) -> Iterator[Change]:
    if sum(len(pieces) for _, pieces in group) < 2:
        return  # one name alone is what the operands are tried for
    every = [p for _, pieces in group for p in pieces]
    names = " and ".join(dict.fromkeys(f"`{p.text}`" for p in every))
    lines = [s.lineno for s, _ in group]
    one = change(reading, group[0][0], every, CAUSES, f"use {names} here", 0.3)
    yield Change(one.cause, one.pieces, one.summary, one.cost, min(lines), max(lines), one.marks, one.other_causes)


def _renamed(reading: Reading, statement: ast.stmt) -> tuple[str, str, list[Piece]] | None:
    """(own number, other number, the changes) of a statement such as ``w3 -= rate * dw2``."""
    match statement:
        case ast.AugAssign(target=target, value=value):
            pass
        case ast.Assign(targets=[target], value=value) if len(parts_of(target)) == 1:
            if ast.unparse(target) not in {ast.unparse(n) for n in walk(value) if isinstance(n, ast.expr)}:
                return None
        case _:
            return None
    own = _number(_name(target))
    if own is None:
        return None
    places = [
        (n, name) for n in walk(value)
        if isinstance(n, ast.expr) and (name := _name(n)) is not None and _number(name) not in (None, own)
    ]  # fmt: skip
    numbers = {_number(name) for _, name in places}
    if len(numbers) != 1:
        return None
    known = {name for n in reading.text.nodes if (name := _name(n)) is not None}
    pieces = []
    for node, name in places:
        match = _NUMBERED.match(name)
        wanted = f"{match['stem']}{own}" if match else name
        if wanted not in known:
            return None
        start, end = reading.text.span(node)
        written = reading.text.source[start:end]
        at = written.rfind(name)
        pieces.append(Piece(start + at, start + at + len(name), wanted))
    return own, str(numbers.pop()), pieces


def _name(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
    return None


def _number(name: str | None) -> str | None:
    match = _NUMBERED.match(name) if name is not None else None
    return match["number"] if match else None
