"""The same change in every layer: a mistake that was copied from line to line is mended in all of them at once."""

from __future__ import annotations

import ast
import re

from .model import Change
from .names import unnumbered
from .reading import Reading
from .text import Piece

FAMILIES = frozenset({"activation", "clips", "operands", "optimizer", "penalty", "scale", "signs"})
MORE = 0.1  # what it costs more than the change of one line
_NAME = re.compile(r"[A-Za-z_]\w*")


class Twins:
    """The simple statements of a program that differ only by the numbers of their names: ``g1 -= c * w1``, ``g2 -= c * w2``."""

    def __init__(self, reading: Reading) -> None:
        self.text = reading.text
        self.spans: list[tuple[int, int]] = []
        self.groups: dict[tuple[int, str], list[tuple[int, int]]] = {}
        for statement in reading.statements:
            if not isinstance(statement, ast.Assign | ast.AugAssign) or reading.role(statement) == "forward":
                continue
            start, end = self.text.span(statement)
            written = self.text.source[start:end]
            if "\n" not in written and _pattern(written) != written:
                self.spans.append((start, end))
                block, _ = self.text.block(statement)
                self.groups.setdefault((id(block), _pattern(written)), []).append((start, end))
        self.of = {span: group for group in self.groups.values() for span in group if len(group) > 1}

    def everywhere(self, change: Change) -> Change | None:
        """The change in its own line and in all lines like it; None where there are none."""
        if len(change.pieces) != 1:
            return None
        piece = change.pieces[0]
        span = next((s for s in self.of if s[0] <= piece.start and piece.end <= s[1]), None)
        if span is None:
            return None
        own = self.text.source[span[0] : span[1]]
        pieces = []
        for first, last in self.of[span]:
            if last - first != span[1] - span[0]:
                return None
            names = dict(zip(_NAME.findall(own), _NAME.findall(self.text.source[first:last]), strict=True))
            written = _NAME.sub(lambda m, names=names: str(names.get(m.group(), m.group())), piece.text)  # type: ignore[misc]
            pieces.append(Piece(first + piece.start - span[0], first + piece.end - span[0], written))
        lines = [self.text.source.count("\n", 0, p.start) + 1 for p in pieces]
        return Change(
            change.cause, tuple(pieces), f"{change.summary}; the same in every layer", change.cost + MORE,
            min(lines), max(lines), change.marks, change.other_causes,
        )  # fmt: skip


def _pattern(written: str) -> str:
    """A line without the numbers of its names (numbers that stand for themselves stay)."""
    return _NAME.sub(lambda m: unnumbered(m.group()), written)
