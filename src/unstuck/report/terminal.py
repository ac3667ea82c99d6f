"""A report on the terminal: the user's lines as written, what is wrong with them, the fix, and the proof.

Every line is made as styled text first and printed afterwards; whether colours appear is the console's business (a
terminal without NO_COLOR). Where the stream cannot encode what we write, arrows and Greek letters become ASCII.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from unstuck.doctor import causes
from unstuck.doctor.findings import Evidence, Finding, Mark, ProgramError, Report
from unstuck.report import diff, wording
from unstuck.report.excerpt import Line, excerpts, lines_around
from unstuck.report.plain import Charset, encodable
from unstuck.report.underline import underlined

_LEVEL_STYLE = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}
_VERDICT_STYLE = {"healthy": "bold green", "undecided": "bold magenta", "faulty": "bold red"}
_GUTTER = "dim cyan"
_WIDEST_TEXT = 112  # columns; longer lines of prose are hard to read
_LONGEST_LABEL = 16  # characters; what follows a longer one is not indented below it
_DIFF_LINES = 30  # shown of one fix; --fix writes the whole


def show(
    report: Report,
    sources: Mapping[str, str] | None = None,
    console: Console | None = None,
    *,
    teach: bool = False,
    html_path: str | None = None,
) -> None:
    """Print a report on ``console`` (default: a new one on standard output); ``teach`` adds the mathematics.

    ``sources`` maps each file named in the report to its text (default: the texts the report carries).
    """
    console = console or Console()
    view = _View(report, report.sources if sources is None else sources, console.width, teach, html_path)
    lines = list(view.lines())
    if not all(encodable(line.plain, console.encoding) for line in lines):
        view.charset = Charset(ascii_only=True)
        lines = list(view.lines())
    for line in lines:
        console.print(line, soft_wrap=True, highlight=False, markup=False, emoji=False)


def render(
    report: Report,
    sources: Mapping[str, str] | None = None,
    *,
    width: int = 100,
    teach: bool = False,
    html_path: str | None = None,
) -> str:
    """The same as plain text of at most about ``width`` columns, without colours."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, color_system=None, force_terminal=False)
    show(report, sources, console, teach=teach, html_path=html_path)
    return stream.getvalue()


class _View:
    """Lays out one report for one width."""

    def __init__(
        self, report: Report, sources: Mapping[str, str], width: int, teach: bool, html_path: str | None
    ) -> None:
        self.report = report
        self.sources = sources
        self.width = max(width, 48)
        self.text_width = min(self.width, _WIDEST_TEXT)
        self.teach = teach
        self.html_path = html_path
        self.charset = Charset()
        self.gutter = self._gutter_width()

    def _gutter_width(self) -> int:
        numbers = [1]
        for finding in self.report.findings:
            numbers += [line.number for part in excerpts(finding, self.sources) for line in part.lines if line]
            if finding.fix is not None and finding.fix.diff:
                numbers += [line.number for line in diff.parse(finding.fix.diff) if line]
        if self.report.program_error is not None and self.report.program_error.line:
            numbers.append(self.report.program_error.line)
        return max(2, len(str(max(numbers))))

    # ------------------------------------------------------------------ the whole

    def lines(self) -> Iterator[Text]:
        report = self.report
        if report.network:
            yield from self._network()
        if report.program_error is not None and not report.faults:
            yield from self._program_error(report.program_error)
        elif not report.faults:
            yield from self._verdict()
            if report.verdict == "undecided":
                for reason in wording.why_undecided(report):
                    yield from self._remark("because", reason)
        alone = len(report.findings) == 1 and bool(report.faults)
        if not report.faults:
            yield from self._about_the_whole()
        for position, finding in enumerate(report.findings):
            if position or not report.faults:
                yield Text()
            yield from self._finding(finding, alone)
        if report.faults:
            if not alone:
                yield Text()
                yield Text("about the whole program", style="bold")
                yield from self._about_the_whole()
            if report.program_error is not None:
                yield Text()
                yield from self._program_error(report.program_error)
        yield from self._closing()

    def _network(self) -> Iterator[Text]:
        label = f"{self.charset.prose(self.report.subject)}: "
        for i, part in enumerate(self._wrap(self.report.network or "", len(label))):
            yield Text.assemble((label if not i else " " * len(label), "dim"), part)
        yield Text()

    def _verdict(self) -> Iterator[Text]:
        report = self.report
        line = Text.assemble(
            (report.verdict, _VERDICT_STYLE[report.verdict]),
            (f": {self.charset.prose(report.subject)}: {wording.headline(report)}", "bold"),
            (wording.duration(report), "dim"),
        )
        yield from self._folded(line, len(report.verdict) + 2)

    def _about_the_whole(self) -> Iterator[Text]:
        report = self.report
        yield from self._evidence("checked", report.checked)
        yield from self._listing("ruled out", wording.by_reason(report.ruled_out))
        if report.verdict != "undecided" or report.not_understood:
            yield from self._listing("not checked", wording.by_reason(report.not_checked))
        if report.verdict != "undecided":
            for text in report.not_understood:
                yield from self._remark("not understood", text)
        for text in report.notes:
            yield from self._remark("note", text)

    def _closing(self) -> Iterator[Text]:
        """The count of what was found and what to do next, as many on a line as fit."""
        report = self.report
        parts = []
        if report.findings:
            count = Text(wording.closing_count(report.findings), style=_VERDICT_STYLE[report.verdict])
            parts.append(Text.assemble(count, (wording.duration(report) if report.faults else "", "dim"), "."))
        for label, command in wording.next_commands(report, self.html_path):
            parts.append(Text.assemble((f"{label}: ", "dim"), command))
        line = Text()
        for part in parts:
            if not line:
                yield line
            elif cell_len(line.plain) + 3 + cell_len(part.plain) > self.width:
                yield line
                line = Text()
            line = Text.assemble(line, "   " if line else "", part)
        if line:
            yield line

    # ------------------------------------------------------------------ one finding

    def _finding(self, finding: Finding, alone: bool) -> Iterator[Text]:
        style = _LEVEL_STYLE[finding.level]
        head = f"{finding.level}[{finding.cause}]: "
        title = Text.assemble((head, style), (self.charset.prose(finding.title), "bold"))
        yield from self._folded(title, len(finding.level) + 2)
        yield from self._code(finding, style)
        yield from self._evidence("evidence", finding.evidence)
        if alone:
            yield from self._about_the_whole()
        if finding.confidence == "likely" and finding.proof is None:
            yield from self._remark("likely", "an experiment points here; no mended copy was run")
        elif finding.confidence == "suspect":
            yield from self._remark("suspect", "this is the pattern only; nothing was run to confirm it")
        for consequence in finding.consequences:
            where = f" (line {consequence.line})" if consequence.line is not None else ""
            yield from self._remark("follows from it", f"{consequence.title}{where}")
        for text in finding.notes:
            yield from self._remark("note", text)
        yield from self._fix(finding)
        if finding.proof is not None:
            yield from self._remark(wording.proof_label(finding), wording.proof(finding.proof), style="green")
        if self.teach:
            yield from self._lesson(finding)

    def _code(self, finding: Finding, style: str) -> Iterator[Text]:
        where = f"  in {self.charset.prose(finding.function)}" if finding.function else ""
        yield Text.assemble(
            (" " * self.gutter + "--> ", _GUTTER), self.charset.prose(wording.place(finding)), (where, "dim")
        )
        yield self._bar()
        for i, part in enumerate(excerpts(finding, self.sources)):
            if i:
                yield Text.assemble((" " * self.gutter + "::: ", _GUTTER), self.charset.prose(part.file))
                yield self._bar()
            for line in part.lines:
                if line is None:
                    yield self._bar()
                else:
                    yield from self._source_line(line, style)
            yield self._bar()

    def _source_line(self, line: Line, style: str) -> Iterator[Text]:
        text, rows = underlined(line, self.width - self.gutter - 3, style, self.charset)
        yield self._numbered(line.number, text)
        for row in rows:
            yield self._bar(row)

    def _evidence(self, label: str, items: Sequence[Evidence]) -> Iterator[Text]:
        if not items:
            return
        rows = [self._columns(e) for e in items]
        values = [row for row in rows if row[1] or row[2]]
        what = max((cell_len(row[0]) for row in values), default=0)
        measured = max((cell_len(row[1]) for row in values), default=0)
        expected = max((cell_len(row[2]) for row in values), default=0)
        indent = self.gutter + 3 + len(label) + 2
        as_table = len(values) > 1 and indent + what + 2 + measured + 2 + expected <= self.text_width
        lines: list[str] = []
        for item, row in zip(items, rows, strict=True):
            if as_table and (row[1] or row[2]):
                pad = " " * (what - cell_len(row[0])), " " * (measured - cell_len(row[1]))
                lines.append(f"{row[0]}{pad[0]}  {row[1]}{pad[1]}  {row[2]}".rstrip())
            else:
                lines += self._wrap(wording.evidence(item), indent, hang=2)
        yield from self._labelled(label, lines)

    def _columns(self, item: Evidence) -> tuple[str, str, str]:
        measured = "" if item.measured is None else wording.number(item.measured)
        expected = "" if item.expected is None else f"expected {wording.number(item.expected)}"
        return self.charset.prose(item.what), self.charset.prose(measured), self.charset.prose(expected)

    def _fix(self, finding: Finding) -> Iterator[Text]:
        if finding.fix is None:
            return
        summary = self.charset.prose(finding.fix.summary)
        yield from self._folded(Text.assemble(("help: ", "bold green"), summary), 6)
        if not finding.fix.diff:
            return
        lines = diff.parse(finding.fix.diff, context=0)
        if all(line is None or line.sign == "+" for line in lines):  # an insertion alone says too little
            lines = diff.parse(finding.fix.diff, context=1)
        for line in lines[:_DIFF_LINES]:
            if line is None:
                yield self._bar()
            else:
                style = {"-": "red", "+": "green"}.get(line.sign, "dim")
                text = line.sign + self.charset.code(line.text)
                yield Text.assemble((f"{line.number:>{self.gutter}} | ", _GUTTER), (text, style))
        if len(lines) > _DIFF_LINES:
            yield self._bar(Text(f"… {wording.plural(len(lines) - _DIFF_LINES, 'more line')}", style="dim"))

    def _lesson(self, finding: Finding) -> Iterator[Text]:
        cause = causes.get(finding.cause)
        parts = [
            ("what it is", cause.what_it_does),
            ("with the numbers of this program", finding.mathematics or ""),
            ("why it hurts", cause.why_it_hurts),
            ("how to check it yourself", cause.test),
            ("when it is not a fault", cause.false_alarm),
        ]
        for heading, text in parts:
            if text:
                yield self._bar()
                yield self._bar(Text(heading, style="bold cyan"))
                for line in prose(text, self.text_width - self.gutter - 5):
                    yield self._bar(Text(f"  {self.charset.prose(line)}" if line else ""))

    def _program_error(self, error: ProgramError) -> Iterator[Text]:
        head = "undecided" if not self.report.faults else "note"
        style = _VERDICT_STYLE["undecided"] if head == "undecided" else _LEVEL_STYLE["note"]
        message = f"the program stopped with {error.kind}" + (f": {error.message}" if error.message else "")
        title = Text.assemble((f"{head}: ", style), (self.charset.prose(message), "bold"))
        yield from self._folded(title, len(head) + 2)
        if error.file is not None:
            where = f"{error.file}:{error.line}" if error.line is not None else error.file
            inside = f"  in {self.charset.prose(error.function)}" if error.function else ""
            yield Text.assemble((" " * self.gutter + "--> ", _GUTTER), self.charset.prose(where), (inside, "dim"))
            yield self._bar()
            source = self.sources.get(error.file, "").splitlines()
            if error.line is not None and error.line <= len(source):
                for line in lines_around([Mark(error.line, label=error.kind)], source, context=1):
                    if line is not None:
                        yield from self._source_line(line, style)
                yield self._bar()
        if error.values:
            widest = max(len(name) for name, _ in error.values)
            rows = [self._wrap(f"{n:<{widest}}  {t}", self._indent("values"), widest + 2) for n, t in error.values]
            yield from self._labelled("values", [line for row in rows for line in row])
        if not self.report.faults:
            advice = "mend this first: only a program that runs can be judged"
            yield from self._folded(Text.assemble(("help: ", "bold green"), advice), 6)

    # ------------------------------------------------------------------ small pieces

    def _bar(self, content: Text | None = None) -> Text:
        if content is None or not content.plain.strip():
            return Text(" " * self.gutter + " |", style=_GUTTER)
        return Text.assemble((" " * self.gutter + " | ", _GUTTER), content)

    def _numbered(self, number: int, content: Text) -> Text:
        return Text.assemble((f"{number:>{self.gutter}} |", _GUTTER), " " if content else "", content)

    def _wrap(self, text: str, indent: int, hang: int = 0) -> list[str]:
        width = max(self.text_width - indent, 24)
        later = " " * hang
        return textwrap.wrap(self.charset.prose(text), width, subsequent_indent=later, break_on_hyphens=False) or [""]

    def _folded(self, text: Text, indent: int) -> Iterator[Text]:
        """A styled sentence over several lines, the later ones indented."""
        start = 0
        lines = textwrap.wrap(text.plain, self.text_width, subsequent_indent=" " * indent, break_on_hyphens=False)
        for i, line in enumerate(lines):
            size = len(line) - (indent if i else 0)
            start = text.plain.index(line[-size:], start)
            yield Text.assemble(" " * indent if i else "", text[start : start + size])
            start += size

    def _labelled(self, label: str, lines: list[str], style: str = "bold") -> Iterator[Text]:
        head = " " * self.gutter + " = "
        for i, line in enumerate(lines):
            if i:
                yield Text(" " * self._indent(label) + line)
            else:
                yield Text.assemble((head, _GUTTER), (f"{label}: ", style), line)

    def _indent(self, label: str) -> int:
        return self.gutter + 3 + (len(label) + 2 if len(label) <= _LONGEST_LABEL else 2)

    def _remark(self, label: str, text: str, style: str = "bold") -> Iterator[Text]:
        head = " " * self.gutter + " = "
        line = Text.assemble((head, _GUTTER), (f"{label}: ", style), self.charset.prose(text))
        yield from self._folded(line, self._indent(label))

    def _listing(self, label: str, items: list[str]) -> Iterator[Text]:
        """A list whose short entries share lines and whose long ones start their own."""
        if not items:
            return
        indent = self.gutter + 3 + len(label) + 2
        if sum(len(item) + 2 for item in items) <= 3 * (self.text_width - indent):
            yield from self._labelled(label, self._wrap("; ".join(items), indent))
        else:
            yield from self._labelled(label, [line for item in items for line in self._wrap(item, indent, hang=2)])


def prose(text: str, width: int) -> list[str]:
    """Markdown paragraphs wrapped to ``width``; lists and indented formulas keep their lines."""
    lines: list[str] = []
    for i, block in enumerate(text.strip("\n").split("\n\n")):
        if i:
            lines.append("")
        rows = block.splitlines()
        if any(row.startswith("    ") for row in rows):
            lines += rows
        elif rows and rows[0].lstrip().startswith(("- ", "1. ")):
            for row in rows:
                indent = len(row) - len(row.lstrip())
                lines += textwrap.wrap(row, width, subsequent_indent=" " * (indent + 2), break_on_hyphens=False)
        else:
            lines += textwrap.wrap(" ".join(rows), width, break_on_hyphens=False)
    return lines
