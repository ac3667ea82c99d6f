"""The sentences every view of a report shares: numbers, evidence, proof, what was ruled out, the closing line."""

from __future__ import annotations

import math
from collections.abc import Sequence

from unstuck.doctor.findings import Evidence, Finding, NotChecked, Proof, Report, RuledOut, Value

_HEADLINES = {
    "healthy": "no fault was found",
    "undecided": "this program could not be judged",
}


def number(value: Value) -> str:
    """A value as a person would write it: four significant digits, thousands apart, texts as they are.

    >>> number(0.0976), number(2.302585), number(4.53e-9), number(60000), number(True)
    ('0.0976', '2.303', '4.5e-09', '60,000', 'yes')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    size = abs(value)
    if size < 1e-3 or size >= 1e6:
        return f"{value:.1e}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def plural(count: int, noun: str) -> str:
    """ "1 cause", "2 causes"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def sentence_case(text: str) -> str:
    """The text with its first letter large, the rest untouched."""
    return text[:1].upper() + text[1:]


def evidence(item: Evidence) -> str:
    """One observation as one phrase: "sum of each row of p: 0.138..0.181, expected 1"."""
    parts = []
    if item.measured is not None:
        parts.append(number(item.measured))
    if item.expected is not None:
        parts.append(f"expected {number(item.expected)}")
    return f"{item.what}: {', '.join(parts)}" if parts else item.what


def proof(item: Proof) -> str:
    """The numbers of a proof: "gradient error 1 → 4.5e-09, test accuracy 0.098 → 0.897 (5 seeds; 10 epochs)"."""
    parts = []
    if item.gradient_before is not None and item.gradient_after is not None:
        parts.append(f"gradient error {number(item.gradient_before)} → {number(item.gradient_after)}")
    elif item.gradient_after is not None:
        parts.append(f"gradient error {number(item.gradient_after)}")
    if item.metric and item.before is not None and item.after is not None:
        parts.append(f"{item.metric} {number(item.before)} → {number(item.after)}")
    aside = [plural(item.seeds, "seed")] if item.seeds > 1 else []
    if item.note:
        aside.append(item.note)
    return ", ".join(parts) + (f" ({'; '.join(aside)})" if aside else "")


def proof_label(finding: Finding) -> str:
    """What the numbers of the proof are: a proof, or a measurement that supports a likely cause."""
    return "proved by running it" if finding.confidence == "proved" else "measured by running it"


def place(finding: Finding) -> str:
    """ "train.py:16:16", as far as it is known."""
    return ":".join(str(part) for part in (finding.file, finding.line, finding.column) if part is not None)


def by_reason(items: Sequence[RuledOut | NotChecked], limit: int = 6) -> list[str]:
    """Causes with the same reason told together: ["dead-relu (2 of 32 units)", "overflow, log-of-zero (…)"]."""
    groups: dict[str, list[str]] = {}
    for item in items:
        groups.setdefault(item.why, []).append(item.cause)
    told = []
    for why, slugs in groups.items():
        names = ", ".join(slugs)
        if len(slugs) > limit + 1:
            names = f"{', '.join(slugs[:limit])} and {plural(len(slugs) - limit, 'more cause')}"
        told.append(f"{names} ({why})" if why else names)
    return told


def headline(report: Report) -> str:
    """The one line that says how it stands, without the subject."""
    if report.faults:
        return closing_count(report.findings)
    if report.program_error is not None:
        error = report.program_error
        where = f" in line {error.line}" if error.line is not None else ""
        return f"the program stopped with {error.kind}{where}"
    return _HEADLINES[report.verdict]


def closing_count(findings: Sequence[Finding]) -> str:
    """ "2 causes found: 1 proved, 1 likely; 1 note"."""
    faults = [f for f in findings if f.is_fault]
    remarks = len(findings) - len(faults)
    counts = [(c, sum(f.confidence == c for f in faults)) for c in ("proved", "likely")]
    said = [(c, n) for c, n in counts if n]
    text = ""
    if faults:
        text = f"{plural(len(faults), 'cause')} found"
        if len(said) == 1:
            text += {1: ", ", 2: ", both "}.get(len(faults), ", all ") + said[0][0]
        else:
            text += ": " + ", ".join(f"{n} {c}" for c, n in said)
    if remarks:
        text += ("; " if text else "") + plural(remarks, "note")
    return text


def why_undecided(report: Report) -> list[str]:
    """The reasons for an undecided verdict, most telling first."""
    if report.not_understood:
        return list(report.not_understood)
    return [f"not checked: {text}" for text in by_reason(report.not_checked)]


def duration(report: Report) -> str:
    """ " (4.2 s)", or nothing where the time is unknown."""
    if report.seconds is None:
        return ""
    return f" ({report.seconds:.1f} s)" if report.seconds < 10 else f" ({report.seconds:.0f} s)"


def next_commands(report: Report, html_path: str | None = None) -> list[tuple[str, str]]:
    """What to do next, as pairs of a label and a path or command."""
    steps = [("Report", html_path)] if html_path else []
    if report.findings:
        steps.append(("Explain", f"unstuck explain {report.findings[0].cause}"))
    if any(f.fix is not None and f.fix.source is not None for f in report.faults):
        steps.append(("Mend a copy", f"unstuck diagnose {report.subject} --fix"))
    return steps
