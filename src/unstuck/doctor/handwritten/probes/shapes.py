"""Residuals that broadcasting has blown up: a column (n, 1) and a vector (n,) make a table (n, n) of all pairs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unstuck.doctor.findings import Evidence

from ..edits.base import Edit, Facts, candidates
from ..step import WatchError
from .base import Examination, Verdicts
from .proofs import BAD_WORDS, GOOD_WORDS, printed
from .quality import Quality

CAUSE = "broadcast-residual"
CAUSES = (CAUSE,)
LEAST_ROWS = 4  # a smaller square table is more likely meant
MOST_EDITS = 10


def examine(e: Examination) -> Verdicts:
    """Look for a square table made of a column and a vector, and for the reshape that makes it a column again."""
    out = Verdicts()
    tables = list(_tables(e))
    if not tables:
        return out.rule_out("no column is combined with a vector of the same length", CAUSE)
    line, text, n = tables[0]
    for edit in _edits(e, line):
        if e.time_left < 0:
            break
        after = _mended(e, edit, n)
        if after is None:
            continue
        evidence = [
            Evidence(f"shape of `{text}`", f"({n}, 1)", f"({n}, {n})"),
            Evidence("numbers in it", n, n * n),
        ]
        title = f"`{text}` is a table of all {n} × {n} pairs: a column of shape ({n}, 1) meets a vector of shape ({n},)"
        out.findings.append(
            e.finding(CAUSE, "error", title, edit, evidence, after=after, help_text=edit.summary,
                      also=[(line, "blown up here")] if line != edit.line else ())
        )  # fmt: skip
        return out
    return out.skip(
        f"`{text}` is a table of {n} × {n} pairs; no reshape was found that lets the program learn better", CAUSE
    )


def _tables(e: Examination) -> Iterator[tuple[int, str, int]]:
    """(line, expression, n) of every recorded table that a column and a vector of n numbers make."""
    for key, series in e.known.window.series.items():
        shape = series.shapes[0]
        if key[0] < 0 or key[1] or len(shape) != 2 or shape[0] != shape[1] or shape[0] < LEAST_ROWS:
            continue
        site = e.table.sites[key[0]]
        try:
            node = ast.parse(site.text, mode="eval").body
        except SyntaxError:
            continue
        if not isinstance(node, ast.BinOp) or site.file != e.program.main:
            continue
        n = shape[0]
        shapes = {_shape(e, ast.unparse(node.left), site.line), _shape(e, ast.unparse(node.right), site.line)}
        if shapes in ({(n, 1), (n,)}, {(n, 1), (1, n)}):
            yield site.line, site.text, n


def _shape(e: Examination, text: str, line: int) -> tuple[int, ...] | None:
    """The shape of an expression: of what was recorded nearest above, or of the variable of that name."""
    places = [s for s in e.table.sites if s.text == text and s.file == e.program.main]
    for site in sorted(places, key=lambda s: (s.line > line, abs(s.line - line))):
        series = e.known.window.series.get((site.number, ""))
        if series is not None:
            return tuple(series.shapes[0])
    for path, leaf in e.known.leaves.items():
        if path.split(": ", 1)[-1] == text:
            return tuple(leaf.shape)
    return None


def _edits(e: Examination, line: int) -> Iterator[Edit]:
    seen: set[str] = set()
    shapes = {
        (s.line, s.text): series.shapes[0]
        for s in e.table.sites
        if (series := e.known.window.series.get((s.number, ""))) is not None
    }
    leaves = {path.split(": ", 1)[-1]: leaf.shape for path, leaf in e.known.leaves.items()}
    for lines in ([line], []):  # where the table is made, then where the column is made: it may spread elsewhere, too
        facts = Facts(suspect_lines=lines, shapes=shapes, scope={"<module>": leaves})
        every = candidates(e.program.text, e.program.main, facts, () if lines else CAUSES)
        for edit in every if lines else sorted(every, key=lambda edit: "flat" not in edit.summary):
            if CAUSE in (edit.cause, *edit.other_causes) and edit.source not in seen:
                seen.add(edit.source)
                if len(seen) > MOST_EDITS:
                    return
                yield edit


def _mended(e: Examination, edit: Edit, n: int) -> Quality | None:
    """How an edited copy ends, if it no longer makes the table and its own figures are clearly better."""
    program = e.edited(edit)
    try:
        after = e.session.finish(program, seconds=e.run_seconds)
    except WatchError:
        return None
    before = e.start
    if after.error is not None or before is None:
        return None
    told = False
    for words, sign in ((GOOD_WORDS, 1.0), (BAD_WORDS, -1.0)):
        a, b = printed(before.outcome, words), printed(after, words)
        if a and b:
            told = True
            x, y = a[-1][1], b[-1][1]
            if sign * (y - x) > 0.3 * max(abs(x), abs(y), 1e-12):
                return Quality("", float("nan"), float("nan"), before.passes, after)
    own = None if told else e.quality(program)  # what it prints has names that are not known: by its answers, then
    if own is None or own.failed or own.kind != before.kind:
        return None
    better = own.score > before.score + 0.1 if own.kind else own.loss < 0.7 * before.loss
    return own if better else None
