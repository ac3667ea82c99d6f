"""A report in one line a finding, for whoever checks many programs or greps."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from unstuck.doctor.findings import Report
from unstuck.report import wording
from unstuck.report.plain import Charset, encodable

_STYLES = {"error": "bold red", "warning": "bold yellow", "note": "cyan", "healthy": "green", "undecided": "magenta"}


def lines(report: Report) -> list[str]:
    """One line a finding, ``file:line:column: level[cause] title (confidence): proof``; else one line for the verdict."""
    return [f"{place}: {kind}{rest}" for place, kind, rest in _parts(report)]


def show(report: Report, console: Console | None = None) -> None:
    """Print those lines on ``console`` (default: a new one on standard output)."""
    console = console or Console()
    parts = _parts(report)
    encoding_holds = all(encodable("".join(part), console.encoding) for part in parts)
    charset = Charset(ascii_only=not encoding_holds)
    for place, kind, rest in parts:
        line = Text.assemble(f"{charset.prose(place)}: ", (kind, _STYLES[kind]), charset.prose(rest))
        console.print(line, soft_wrap=True, highlight=False, markup=False, emoji=False)


def _parts(report: Report) -> list[tuple[str, str, str]]:
    parts: list[tuple[str, str, str]] = []
    if not report.faults:
        reasons = wording.why_undecided(report) if report.verdict == "undecided" else []
        if report.program_error is not None:
            error = report.program_error
            reasons = [wording.headline(report) + (f": {error.message}" if error.message else "")]
        parts.append((report.subject, report.verdict, f": {'; '.join(reasons)}" if reasons else ""))
    for finding in report.findings:
        rest = f"[{finding.cause}] {finding.title} ({finding.confidence})"
        if finding.proof is not None:
            rest += f": {wording.proof(finding.proof)}"
        parts.append((wording.place(finding), finding.level, rest))
    return parts
