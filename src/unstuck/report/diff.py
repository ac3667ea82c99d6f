"""A unified diff as numbered lines, so that a fix can be shown beside the line numbers it changes."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True)
class DiffLine:
    """One line of a hunk: ``sign`` is "-", "+" or " "; ``number`` counts in the old text for "-", else in the new."""

    sign: str
    number: int
    text: str


def parse(diff: str, context: int | None = None) -> list[DiffLine | None]:
    """The lines of a unified diff, None where lines are left out; at most ``context`` unchanged lines beside a change.

    Everything outside the hunks (file names, "\\ No newline at end of file") is left out.
    """
    lines: list[DiffLine | None] = []
    old = new = old_left = new_left = 0
    for text in diff.splitlines():
        if old_left <= 0 and new_left <= 0:  # between hunks: "--- a" here is a file name, inside one it is code
            header = _HUNK.match(text)
            if header:
                old, new = int(header[1]), int(header[3])
                old_left, new_left = int(header[2] or 1), int(header[4] or 1)
                if lines:
                    lines.append(None)
            continue
        if text.startswith("\\"):
            continue
        sign = text[:1] if text[:1] in ("-", "+") else " "
        lines.append(DiffLine(sign, old if sign == "-" else new, text[1:]))
        if sign != "+":
            old, old_left = old + 1, old_left - 1
        if sign != "-":
            new, new_left = new + 1, new_left - 1
    return lines if context is None else _trimmed(lines, context)


def _trimmed(lines: list[DiffLine | None], context: int) -> list[DiffLine | None]:
    changed = [i for i, line in enumerate(lines) if line is not None and line.sign != " "]
    near = {i for c in changed for i in range(c - context, c + context + 1) if 0 <= i < len(lines)}
    near = {i for i in near if lines[i] is not None}
    for step in (1, -1):  # empty lines at the edges of a block of context tell nothing
        for i in sorted(near, reverse=step < 0):
            line = lines[i]
            if i not in changed and line is not None and not line.text.strip() and i - step not in near:
                near.discard(i)
    kept: list[DiffLine | None] = []
    previous: int | None = None
    for i in sorted(near):
        if previous is not None and i > previous + 1:
            kept.append(None)
        kept.append(lines[i])
        previous = i
    return kept
