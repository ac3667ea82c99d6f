"""The lines of the user's source that a finding speaks about, with the stretches to underline.

The terminal and the HTML page draw the same excerpt; this module decides what is in it and nothing about looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from unstuck.doctor.findings import Finding, Mark, Role

_LONGEST = 5  # lines of one mark that are shown in full; of longer ones the first three and the last
_AT_MOST = 8  # marks drawn per finding, the primary ones first: more would hide the fault


@dataclass(frozen=True)
class Span:
    """A stretch of one line: characters ``start`` (from 0) up to but not including ``end``."""

    start: int
    end: int
    role: Role
    label: str


@dataclass(frozen=True)
class Line:
    """One line of source as written, without its line break, and what is marked in it."""

    number: int
    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Excerpt:
    """The lines to show of one file; None stands for lines left out."""

    file: str
    lines: tuple[Line | None, ...]


def marks_of(finding: Finding) -> Sequence[Mark]:
    """The finding's marks, or its line as a whole where nothing finer is known."""
    if any(m.role == "primary" for m in finding.marks) or finding.line is None:
        return finding.marks
    return (Mark(finding.line, end_line=finding.end_line), *finding.marks)


def excerpts(finding: Finding, sources: Mapping[str, str], context: int = 0) -> list[Excerpt]:
    """What to show of each file that the finding marks: its own file first, files without a known text left out."""
    marks = sorted(marks_of(finding), key=lambda m: m.role != "primary")[:_AT_MOST]
    by_file: dict[str, list[Mark]] = {finding.file: []}
    for mark in marks:
        by_file.setdefault(mark.file or finding.file, []).append(mark)
    found = []
    for file, its_marks in by_file.items():
        lines = lines_around(its_marks, sources[file].splitlines(), context) if file in sources else ()
        if lines:
            found.append(Excerpt(file, lines))
    return found


def lines_around(marks: Iterable[Mark], source: Sequence[str], context: int = 0) -> tuple[Line | None, ...]:
    """The marked lines of one file in order, None where some are left out; ``context`` more on each side."""
    spans: dict[int, list[Span]] = {}
    wanted: set[int] = set()
    for mark in marks:
        last = min(mark.end_line or mark.line, len(source))
        numbers = list(range(mark.line, last + 1))
        if len(numbers) > _LONGEST:
            numbers = [*numbers[:3], last]
        for number in numbers:
            wanted.update(range(max(1, number - context), min(len(source), number + context) + 1))
            spans.setdefault(number, []).append(_span(mark, number, number == numbers[-1], source[number - 1]))
    for step in (1, -1):  # empty lines at the edges of a block of context tell nothing
        for number in sorted(wanted, reverse=step < 0):
            if number not in spans and not source[number - 1].strip() and number - step not in wanted:
                wanted.discard(number)
    lines: list[Line | None] = []
    previous = None
    for number in sorted(wanted):
        if previous is not None and number == previous + 2:  # a single line left out costs less than saying so
            lines.append(Line(number - 1, source[number - 2], ()))
        elif previous is not None and number > previous + 1:
            lines.append(None)
        lines.append(Line(number, source[number - 1], tuple(spans.get(number, ()))))
        previous = number
    return tuple(lines)


def _span(mark: Mark, number: int, is_last: bool, text: str) -> Span:
    body_start = len(text) - len(text.lstrip())
    body_end = max(len(text.rstrip()), body_start + 1)
    start, end = body_start, body_end
    if mark.column is not None and number == mark.line:
        start = min(mark.column - 1, max(0, len(text) - 1))
    if mark.end_column is not None and number == mark.end_line:
        end = min(mark.end_column - 1, body_end)
    return Span(start, max(end, start + 1), mark.role, mark.label if is_last else "")
