"""A report as one self-contained HTML page: nothing is fetched, nothing runs, everything is escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

from rich.cells import cell_len

from unstuck.doctor import causes
from unstuck.doctor.findings import Evidence, Finding, Mark, NotChecked, ProgramError, Report, RuledOut
from unstuck.report import bars, diff, highlight, wording
from unstuck.report.excerpt import Excerpt, Line, Span, excerpts, lines_around, marks_of
from unstuck.report.style import CSS, PAGE_CSS

_CONTEXT = 2  # lines shown on each side of a marked one
_LONGEST_PROGRAM = 3000  # lines; of longer ones the page shows the excerpts only
_TAB = 4
_Kinds = Mapping[int, Sequence[tuple[int, int, str]]]


def page(report: Report, sources: Mapping[str, str] | None = None, *, teach: bool = False) -> str:
    """The whole page as text, to be written as UTF-8; ``teach`` opens the explanations that are folded otherwise.

    ``sources`` maps each file named in the report to its text (default: the texts the report carries).
    """
    title = f"{report.subject}: {wording.headline(report)}"
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>{escape(title)}</title>\n<style>{PAGE_CSS}{CSS}</style>\n</head>\n<body>\n"
        f"{_main(report, sources, teach, whole_program=True)}\n</body>\n</html>\n"
    )


def fragment(report: Report, sources: Mapping[str, str] | None = None) -> str:
    """The same as a piece of HTML with its style, for a notebook; without the listing of the whole program."""
    return f"<style>{CSS}</style>\n{_main(report, sources, teach=False, whole_program=False)}"


def inline(text: str) -> str:
    """A sentence with its ``code`` between backticks, escaped; numbers such as 3e-10 are kept on one line."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return re.sub(r"\b\d[\d.]*e-\d+", r'<span class="nb">\g<0></span>', marked)


def blocks(text: str) -> str:
    """Markdown paragraphs, lists and indented formulas as HTML, escaped."""
    parts = []
    for block in text.strip("\n").split("\n\n"):
        rows = block.splitlines()
        formulas = [row for row in rows if row.startswith("    ")]
        if formulas and len(formulas) == len(rows):
            lines = "\n".join(row[4:] for row in rows)
            parts.append(f'<pre class="formula">{escape(lines)}</pre>')
        elif rows and all(row.lstrip().startswith("- ") for row in rows):
            parts.append("<ul>" + "".join(f"<li>{inline(row.lstrip()[2:])}</li>" for row in rows) + "</ul>")
        elif rows:
            parts.append(f"<p>{inline(' '.join(row.strip() for row in rows))}</p>")
    return "\n".join(parts)


def _main(report: Report, sources: Mapping[str, str] | None, teach: bool, whole_program: bool) -> str:
    sources = report.sources if sources is None else sources
    parts = [_header(report)]
    if report.program_error is not None:
        parts.append(_program_error(report.program_error, sources))
    if report.verdict == "undecided":
        reasons = wording.why_undecided(report) if report.program_error is None else []
        if reasons:
            items = "".join(f"<li>{inline(reason)}</li>" for reason in reasons)
            parts.append(f"<h3>Why this could not be judged</h3><ul>{items}</ul>")
    parts += [_finding(finding, sources, teach) for finding in report.findings]
    parts.append(_about_the_whole(report))
    if whole_program:
        parts += [_program(file, text, report) for file, text in sources.items()]
    parts.append(_footer(report))
    return '<main class="unstuck">\n' + "\n".join(part for part in parts if part) + "\n</main>"


def _header(report: Report) -> str:
    network = f'<p class="network">{inline(report.network)}</p>' if report.network else ""
    headline = wording.sentence_case(wording.headline(report))
    return (
        f'<header><span class="badge {report.verdict}">{report.verdict}</span>'
        f"<h1>{escape(headline)}</h1>"
        f'<p class="meta"><code>{escape(report.subject)}</code>{escape(wording.duration(report))}</p>{network}</header>'
    )


def _finding(finding: Finding, sources: Mapping[str, str], teach: bool) -> str:
    cause = causes.get(finding.cause)
    where = f" in <code>{escape(finding.function)}</code>" if finding.function else ""
    parts = [
        f'<article class="is-{finding.level}">',
        f'<span class="badge {finding.level}">{finding.level}</span> '
        f'<span class="badge {finding.confidence}">{finding.confidence}</span>',
        f"<h2>{inline(finding.title)}</h2>",
        f'<p class="meta"><code>{escape(finding.cause)}</code> · {escape(wording.place(finding))}{where}</p>',
    ]
    for excerpt in excerpts(finding, sources, context=_CONTEXT):
        if excerpt.file != finding.file:
            parts.append(f'<p class="meta">{escape(excerpt.file)}</p>')
        parts.append(_listing(excerpt, highlight.kinds(sources[excerpt.file])))
    parts.append(_evidence("What was measured", finding.evidence))
    if finding.fix is not None:
        parts.append(f"<h3>What to do</h3><p>{inline(wording.sentence_case(finding.fix.summary))}.</p>")
        parts.append(_diff(finding.fix.diff) if finding.fix.diff else "")
    if finding.proof is not None:
        label = wording.sentence_case(wording.proof_label(finding))
        parts.append(f"<h3>{escape(label)}</h3>" + "".join(bars.pictures(finding.proof)))
        parts.append(f'<p class="meta">{inline(wording.proof(finding.proof))}</p>')
    if finding.consequences:
        items = "".join(
            f'<li>{inline(c.title)} <span class="meta">({escape(wording.place(c))})</span></li>'
            for c in finding.consequences
        )
        parts.append(f"<h3>What follows from it</h3><ul>{items}</ul>")
    if finding.notes:
        parts.append("<h3>Notes</h3><ul>" + "".join(f"<li>{inline(n)}</li>" for n in finding.notes) + "</ul>")
    lesson = f"<h3>With the numbers of this program</h3>{blocks(finding.mathematics)}" if finding.mathematics else ""
    parts.append(
        f"<details{' open' if teach else ''}><summary>Why it hurts, and when it is not a fault</summary>"
        f"<h3>What it is</h3>{blocks(cause.what_it_does)}{lesson}"
        f"<h3>Why it hurts</h3>{blocks(cause.why_it_hurts)}"
        f"<h3>The test that decides</h3>{blocks(cause.test)}"
        f"<h3>When it is not a fault</h3>{blocks(cause.false_alarm)}</details></article>"
    )
    return "\n".join(part for part in parts if part)


def _listing(excerpt: Excerpt, kinds: _Kinds) -> str:
    rows = []
    for line in excerpt.lines:
        if line is None:
            rows.append('<div class="row gap"><span class="no">⋮</span><span class="src"></span></div>')
        else:
            rows.append(_source_row(line, kinds.get(line.number, ())))
            rows += [_label_row(line, span) for span in sorted(line.spans, key=lambda s: -s.start) if span.label]
    return f'<div class="listing">{"".join(rows)}</div>'


def _source_row(line: Line, kinds: Sequence[tuple[int, int, str]]) -> str:
    hit = " hit" if any(span.role == "primary" for span in line.spans) else ""
    return (
        f'<div class="row{hit}"><span class="no">{line.number}</span>'
        f'<span class="src">{_styled(line.text, kinds, line.spans)}</span></div>'
    )


def _label_row(line: Line, span: Span) -> str:
    column = cell_len(line.text[: span.start].expandtabs(_TAB))
    role = "symptom: " if span.role == "symptom" and not span.label.startswith("symptom") else ""
    return (
        f'<div class="row"><span class="no"></span>'
        f'<span class="src" style="padding-left:{column}ch">'
        f'<span class="label {span.role}">{role}{inline(span.label)}</span></span></div>'
    )


def _styled(text: str, kinds: Sequence[tuple[int, int, str]], spans: Sequence[Span] = ()) -> str:
    """One line with its highlighting and its marks; where marks overlap the primary one is drawn."""
    kind_at = [""] * len(text)
    for start, end, kind in kinds:
        kind_at[start:end] = [kind] * (min(end, len(text)) - start)
    mark_at = [""] * len(text)
    for span in sorted(spans, key=lambda s: s.role == "primary"):
        mark_at[span.start : span.end] = [span.role] * (min(span.end, len(text)) - span.start)
    pieces, start, column = [], 0, 0
    for i in range(1, len(text) + 1):
        if i == len(text) or (kind_at[i], mark_at[i]) != (kind_at[start], mark_at[start]):
            expanded = text[:i].expandtabs(_TAB)
            piece = escape(expanded[column:])
            if kind_at[start]:
                piece = f'<span class="{kind_at[start]}">{piece}</span>'
            if mark_at[start]:
                piece = f'<mark class="{mark_at[start]}">{piece}</mark>'
            pieces.append(piece)
            start, column = i, len(expanded)
    return "".join(pieces)


def _diff(text: str) -> str:
    names = {"-": "del", "+": "add", " ": "same"}
    rows = []
    for line in diff.parse(text, context=_CONTEXT):
        if line is None:
            rows.append('<div class="row gap"><span class="no">⋮</span><span class="src"></span></div>')
        else:
            shown = escape(line.text.expandtabs(_TAB))
            rows.append(
                f'<div class="row {names[line.sign]}"><span class="no">{line.number}</span>'
                f'<span class="src">{shown}</span></div>'
            )
    return f'<div class="diff">{"".join(rows)}</div>'


def _evidence(heading: str, items: Sequence[Evidence]) -> str:
    if not items:
        return ""
    rows = "".join(
        f'<tr><td>{inline(e.what)}</td><td class="value">{_value(e.measured)}</td><td>{_value(e.expected)}</td></tr>'
        for e in items
    )
    head = "<tr><th>observation</th><th>measured</th><th>expected</th></tr>"
    return f"<h3>{heading}</h3><table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _value(value: float | int | str | bool | None) -> str:
    return "" if value is None else inline(wording.number(value))


def _about_the_whole(report: Report) -> str:
    parts = [_evidence("What was checked", report.checked)]
    if report.notes:
        parts.append("<h3>Notes</h3><ul>" + "".join(f"<li>{inline(n)}</li>" for n in report.notes) + "</ul>")
    if report.not_understood and report.verdict != "undecided":
        items = "".join(f"<li>{inline(text)}</li>" for text in report.not_understood)
        parts.append(f"<h3>What was not understood</h3><ul>{items}</ul>")
    parts.append(_causes("Ruled out", "how it was excluded", report.ruled_out))
    parts.append(_causes("Not checked", "why not", report.not_checked))
    return "\n".join(part for part in parts if part)


def _causes(heading: str, column: str, items: Sequence[RuledOut | NotChecked]) -> str:
    if not items:
        return ""
    rows = "".join(
        f"<tr><td>{escape(causes.get(i.cause).heading)}</td><td><code>{escape(i.cause)}</code></td>"
        f"<td>{inline(i.why)}</td></tr>"
        for i in items
    )
    head = f"<tr><th>cause</th><th>name</th><th>{column}</th></tr>"
    opened = " open" if len(items) <= 12 else ""
    table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"
    return f"<details{opened}><summary>{heading} ({len(items)})</summary>{table}</details>"


def _program_error(error: ProgramError, sources: Mapping[str, str]) -> str:
    where = f"{error.file}:{error.line}" if error.file and error.line else error.file or ""
    inside = f" in <code>{escape(error.function)}</code>" if error.function else ""
    parts = [f"<article><h2>{escape(error.kind)}: {inline(error.message)}</h2>"]
    parts.append(f'<p class="meta">{escape(where)}{inside}</p>' if where else "")
    source = sources.get(error.file or "", "")
    if error.line is not None and error.line <= len(source.splitlines()):
        lines = lines_around([Mark(error.line, label=error.kind)], source.splitlines(), context=_CONTEXT)
        parts.append(_listing(Excerpt(error.file or "", lines), highlight.kinds(source)))
    if error.values:
        rows = "".join(f"<tr><td><code>{escape(n)}</code></td><td>{escape(t)}</td></tr>" for n, t in error.values)
        parts.append(f"<h3>Values at that moment</h3><table><tbody>{rows}</tbody></table>")
    return "\n".join(part for part in parts if part) + "</article>"


def _program(file: str, text: str, report: Report) -> str:
    lines = text.splitlines()
    if not lines or len(lines) > _LONGEST_PROGRAM:
        return ""
    marks = [m for f in report.findings for m in marks_of(f) if (m.file or f.file) == file]
    marked = {line.number: line for line in lines_around(marks, lines) if line is not None}
    kinds = highlight.kinds(text)
    rows = "".join(
        _source_row(marked.get(number, Line(number, line, ())), kinds.get(number, ()))
        for number, line in enumerate(lines, 1)
    )
    return (
        f"<details><summary>The whole program: {escape(file)} ({wording.plural(len(lines), 'line')})</summary>"
        f'<div class="listing">{rows}</div></details>'
    )


def _footer(report: Report) -> str:
    steps = "".join(f"<li>{escape(label)}: <code>{escape(c)}</code></li>" for label, c in wording.next_commands(report))
    return f"<footer><p>Made by Unstuck. The program itself was not changed.</p>{f'<ul>{steps}</ul>' if steps else ''}</footer>"
