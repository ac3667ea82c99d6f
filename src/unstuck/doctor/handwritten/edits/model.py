"""What an edit is, what may be known about a program, and what a family of edits proposes."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from .text import Piece

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Edit:
    """One candidate: the whole mended text of a file and what it would mean.

    ``line`` and ``end_line`` (from 1) are where the fault would be in the *original* text; ``marks`` are other lines
    with their role. ``cost`` orders the candidates, smaller first. ``other_causes`` are further slugs that fit.
    """

    cause: str
    file: str
    line: int
    end_line: int
    source: str
    summary: str
    cost: float
    marks: tuple[tuple[int, str], ...] = ()
    family: str = ""
    other_causes: tuple[str, ...] = ()

    def diff(self, original: str) -> str:
        """Unified diff from ``original`` to the mended text."""
        rows = difflib.unified_diff(
            original.splitlines(keepends=True), self.source.splitlines(keepends=True), self.file, self.file, n=2
        )
        return "".join(row if row.endswith("\n") else row + "\n" for row in rows)


@dataclass(frozen=True)
class Facts:
    """What is known about the program; everything may be left out.

    shapes: (line, expression text as written) -> last shape. all_shapes: the same -> every shape it had (an entry of a list of
    layers has several). suspect_lines: most suspect first, empty means all; per_line: what each
    further one adds to the cost.
    parameters, gradients, outputs, targets: expression texts such as ``self.w1`` or ``par["U"]``.
    activations: expression text -> name of the activation function whose value it is.
    scope: function qualname or ``<module>`` -> name -> shape or None. batch: rows of one batch. n_rows: rows in all.
    """

    shapes: Mapping[tuple[int, str], Shape] = field(default_factory=dict)
    all_shapes: Mapping[tuple[int, str], frozenset[Shape]] = field(default_factory=dict)
    suspect_lines: Sequence[int] = ()
    per_line: float = 0.15
    forward_lines: Collection[int] = ()
    backward_lines: Collection[int] = ()
    update_lines: Collection[int] = ()
    parameters: Collection[str] = ()
    gradients: Collection[str] = ()
    outputs: Collection[str] = ()
    targets: Collection[str] = ()
    activations: Mapping[str, str] = field(default_factory=dict)
    scope: Mapping[str, Mapping[str, Shape | None]] = field(default_factory=dict)
    batch: int | None = None
    n_rows: int | None = None


@dataclass(frozen=True)
class Change:
    """What a family proposes: pieces of text to replace, and what that would mean."""

    cause: str
    pieces: tuple[Piece, ...]
    summary: str
    cost: float
    line: int
    end_line: int
    marks: tuple[tuple[int, str], ...] = ()
    other_causes: tuple[str, ...] = ()
