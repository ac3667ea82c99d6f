"""One line of source with its marks underlined and labelled, the way a compiler does it."""

from __future__ import annotations

import textwrap

from rich.cells import cell_len
from rich.text import Text

from unstuck.doctor.findings import Role
from unstuck.report.excerpt import Line, Span
from unstuck.report.plain import Charset

SECONDARY = "bold blue"
_ROOM_FOR_A_LABEL = 32  # columns right of the underline that make wrapping a label there worth while
_SIGN: dict[Role, str] = {"primary": "^", "symptom": "-", "also": "-"}
_Placed = tuple[int, int, Span]  # first cell, cell after the last, what is marked


def underlined(line: Line, room: int, primary: str, charset: Charset) -> tuple[Text, list[Text]]:
    """The line as it appears in ``room`` columns, and the rows under it; ``primary`` styles the primary marks."""
    text, spans = _placed(line, room, charset)
    if not spans:
        return Text(text), []
    spans.sort(key=lambda s: s[2].role == "primary")  # the primary ones last: they win where marks overlap
    width = max(end for _, end, _ in spans)
    marks = Text(" " * width)
    for start, end, span in spans:
        marks = Text.assemble(marks[:start], (_SIGN[span.role] * (end - start), _style(span, primary)), marks[end:])
    labels = [
        (start, end, _label(span, charset), _style(span, primary))
        for start, end, span in sorted(spans, key=lambda s: s[0])
        if span.label
    ]
    rows = [marks]
    if labels and labels[-1][1] == width:  # the last mark has free space at its right
        _, _, words, style = labels[-1]
        space = room - width - 1
        if cell_len(words) <= space or space >= _ROOM_FOR_A_LABEL:
            labels.pop()
            parts = textwrap.wrap(words, space)
            rows[0] = Text.assemble(marks, " ", (parts[0], style))
            rows += [Text.assemble(" " * (width + 1), (part, style)) for part in parts[1:]]
    return Text(text), rows + _hanging([(start, words, style) for start, _, words, style in labels], room)


def _hanging(labels: list[tuple[int, str, str]], room: int) -> list[Text]:
    """Labels without a place beside their mark, under it, the rightmost first, each joined to it by a bar."""
    rows = []
    while labels:
        start, words, style = labels.pop()
        start = min(start, max(0, room - _ROOM_FOR_A_LABEL))
        for part in textwrap.wrap(words, max(room - start, 16)):
            row = Text(" " * start)
            for other, _, other_style in labels:
                if other < start:
                    row = Text.assemble(row[:other], ("|", other_style), row[other + 1 :])
            rows.append(Text.assemble(row, (part, style)))
    return rows


def _label(span: Span, charset: Charset) -> str:
    label = charset.prose(span.label)
    return f"symptom: {label}" if span.role == "symptom" and not label.startswith("symptom") else label


def _style(span: Span, primary: str) -> str:
    return primary if span.role == "primary" else SECONDARY


def _placed(line: Line, room: int, charset: Charset) -> tuple[str, list[_Placed]]:
    """The line with tabs expanded, cut to ``room`` around its marks where it is too long, and the cells of each span."""
    shown = charset.code(line.text)

    def cell(character: int) -> int:
        return cell_len(charset.code(line.text[:character]))

    spans = [(cell(s.start), max(cell(s.end), cell(s.start) + 1), s) for s in line.spans]
    if cell_len(shown) <= room:
        return shown, spans
    starts = [a for a, _, s in spans if s.role == "primary"] or [a for a, _, _ in spans] or [0]
    left = 0 if min(starts) < room - 24 else min(starts) - 12
    right = left + room
    cut = shown[left:right]
    if left:
        cut = "…" + cut[1:]
    if right < len(shown):
        cut = cut[:-1] + "…"
    if charset.ascii_only:
        cut = cut.replace("…", "~")
    return cut, [(max(a - left, 0), min(b, right) - left, s) for a, b, s in spans if a < right and b > left]
