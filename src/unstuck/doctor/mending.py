"""All fixes of a report in one text: what `--fix` writes."""

from __future__ import annotations

import ast
import difflib

from unstuck.doctor.findings import Report

Change = tuple[int, int, tuple[str, ...]]  # lines [first, last) of the original and what stands there afterwards


def mended_sources(report: Report) -> dict[str, str]:
    """File name -> its text with the fixes of all faults; files without a fault that can be mended are left out.

    A fix was made on top of others or beside them. Where two change the same lines, the one that changes more of the file
    counts: it was made on top of the other.
    """
    texts: dict[str, list[str]] = {}
    for finding in report.faults:
        if finding.fix is not None and finding.fix.source:
            texts.setdefault(finding.file, []).append(finding.fix.source)
    return {file: merged(report.sources.get(file, ""), fixed) for file, fixed in texts.items()}


def merged(original: str, texts: list[str]) -> str:
    """The original with the changes of every text; of two that overlap, the one of the text that changes more lines."""
    old = original.splitlines(keepends=True)
    lists = sorted((changes(old, text.splitlines(keepends=True)) for text in texts), key=_extent, reverse=True)
    kept: list[Change] = []
    for change in (change for found in lists for change in found):
        if change not in kept and not any(_overlap(change, other) for other in kept):
            kept.append(change)
    lines = old.copy()
    for first, last, new in sorted(kept, reverse=True):
        lines[first:last] = new
    text = "".join(lines)
    try:
        ast.parse(text)
    except SyntaxError:  # changes that do not go together: at least the largest of them
        return max(texts, key=lambda t: _extent(changes(old, t.splitlines(keepends=True))))
    return text


def changes(old: list[str], new: list[str]) -> list[Change]:
    """What turns one list of lines into the other, in order."""
    codes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [(a, b, tuple(new[c:d])) for tag, a, b, c, d in codes if tag != "equal"]


def _extent(found: list[Change]) -> int:
    return sum(last - first + len(new) for first, last, new in found)


def _overlap(one: Change, other: Change) -> bool:
    """They change the same lines; two insertions at one place overlap as well."""
    return max(one[0], other[0]) < min(one[1], other[1]) or (one[0] == one[1] == other[0] == other[1])
