"""Lists and dicts of sums that a loop over the samples overwrites: ``sums = own`` where member by member is to be added."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..making import change, fresh
from ..model import Change
from ..reading import Reading, called, canonical
from ..text import Piece, walk

CAUSES = ("gradient-overwritten", "samples-dropped")


def propose(reading: Reading) -> Iterator[Change]:
    text = reading.text
    blocks: dict[int, list[tuple[ast.Assign, Piece]]] = {}
    for statement in reading.statements:
        match statement:
            case ast.Assign(
                targets=[ast.Name() | ast.Attribute() as target], value=ast.Name() | ast.Attribute() as value
            ):
                kind = _begun_as(reading, statement, canonical(target))
                if kind is None:
                    continue
                own, new = text.of(target), text.of(value)
                one, other = fresh(reading, "a", "part", "kept"), fresh(reading, "b", "more", "added")
                summed = f"[{one} + {other} for {one}, {other} in zip({own}, {new})]"
                if kind == "dict":
                    summed = f"{{{one}: {own}[{one}] + {new}[{one}] for {one} in {own}}}"
                block, _ = text.block(statement)
                blocks.setdefault(id(block), []).append((statement, text.swap(value, summed)))
    for found in blocks.values():
        first = found[0][0]
        names = " and ".join(f"`{text.of(s.targets[0])}`" for s, _ in found)
        yield change(reading, first, [piece for _, piece in found], CAUSES, f"add to {names}, member by member", 0.6)


def _begun_as(reading: Reading, statement: ast.Assign, name: str) -> str | None:
    """What the name is before the innermost loop around the statement: a "list" or a "dict" that was made new there."""
    loops = reading.loops(statement)
    if not loops:
        return None
    inside = {id(node) for node in walk(loops[0])}
    for other in reading.body_statements(reading.holder(statement)):
        if (
            isinstance(other, ast.Assign)
            and id(other) not in inside
            and any(canonical(t) == name for t in other.targets)
        ):
            call = called(other.value)
            if isinstance(other.value, ast.List | ast.ListComp) or (call and call[0] == "list"):
                return "list"
            if isinstance(other.value, ast.Dict | ast.DictComp) or (call and call[0] == "dict"):
                return "dict"
    return None
