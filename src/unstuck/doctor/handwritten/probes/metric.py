"""A figure that judges right answers wrongly: the accuracy by the usual convention beside the one that was printed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from unstuck.doctor.findings import Evidence, Proof

from ..edits.base import Edit
from ..edits.reading import called
from ..edits.text import ATOM, bracketed
from .base import Examination, Verdicts
from .figures import Compared, Figures, shows_share
from .stale import share_after

CAUSE = "metric-wrong"
MOST_EDITS = 14
FAR = 0.08  # by which the figure that is expected may not be farther from that of the training rows than the one that is shown
_ROUNDS = {"round", "rint", "around", "round_", "int", "floor", "astype"}


def examine(e: Examination, figures: Figures, out: Verdicts) -> None:
    """Where the shares differ, look for the edit of the comparison that makes them agree."""
    rounds = [c for c in figures.compared if not c.constant]
    if not rounds:
        out.skip("no comparison of answers with labels was found behind the printed figures", CAUSE)
        return
    learnt = e.start.score if e.start is not None and e.start.kind == "accuracy" else float("nan")
    wrong = [
        c for c in rounds
        if abs(c.share - c.own) > max(0.03, 2.5 / c.rows)
        and not abs(c.share - learnt) < 0.02 < abs(c.own - learnt) - FAR  # what is shown is what the training rows say
    ]  # fmt: skip
    done: set[int] = set()
    for last in reversed(wrong):
        if last.site.line in done or len(done) >= 2:
            continue
        done.add(last.site.line)
        if not shows_share(figures.printed(last.stretch), last.share, last.rows):
            continue
        found = _mend(e, figures, last)
        if found is None:
            continue
        evidence = [
            Evidence("accuracy of the same outputs by the usual convention", None, round(last.own, 4)),
            Evidence("accuracy as it is computed here", round(last.own, 4), round(last.share, 4)),
            Evidence("compared rows", None, last.rows),
        ]
        level = "error" if abs(last.share - last.own) > 0.1 else "warning"
        out.findings.append(
            e.finding(
                CAUSE,
                level,
                f"the accuracy is computed wrongly: {last.share:.3f} is shown, {last.own:.3f} it is",
                found,
                evidence,
                proof=Proof(metric="accuracy", before=last.share, after=last.own),
                line=last.site.line,
                help_text=found.summary,
            )
        )
        return
    out.rule_out(
        f"the accuracy computed from the same outputs is the one that the program computes ({rounds[-1].own:.3f})"
        if not wrong
        else "no reading of the comparison gives the accuracy by the usual convention",
        CAUSE,
    )


def _mend(e: Examination, figures: Figures, last: Compared) -> Edit | None:
    for tried, edit in enumerate(edits(e, figures, last)):
        if tried >= MOST_EDITS or e.time_left < 0:
            return None
        share = share_after(e, edit, last)
        if share is not None and abs(share - last.own) <= 1.5 / last.rows:
            return edit
    return None


def edits(e: Examination, figures: Figures, last: Compared) -> Iterator[Edit]:
    """Other conventions for the comparison, the likeliest first."""
    text = e.experiments.text
    line = last.site.line

    def edit(node: ast.expr, new: str, summary: str) -> Edit | None:
        return e.experiments._edit(CAUSE, line, [text.swap(node, new)], summary)

    found: list[Edit | None] = []
    parts = list(dict.fromkeys(figures.origins(last.answer, last.site)))
    if last.outputs.shape[1] == 1:
        bounded = last.outputs.min() >= 0 and last.outputs.max() <= 1
        limit = 0.5 if bounded else figures.threshold
        for part in parts:
            call = called(part)
            if call and call[0] in _ROUNDS and isinstance(part, ast.Call):
                inner = part.func.value if call[0] == "astype" and isinstance(part.func, ast.Attribute) else None
                inner = inner or (part.args[0] if part.args else getattr(part.func, "value", None))
                if isinstance(inner, ast.expr):
                    found.append(edit(part, f"({text.of(inner)} > {limit:g})", f"the second class begins at {limit:g}"))
            if call and call[0] in ("argmax", "sign") and isinstance(part, ast.Call):
                inner = _argument(e, part)
                for form in ("({} > {:g})", "({}.ravel() > {:g})") if inner is not None else ():
                    new = form.format(bracketed(text.of(inner), ATOM) if inner is not None else "", limit)
                    found.append(edit(part, new, f"the second class begins at {limit:g}"))
            if isinstance(part, ast.Compare) and len(part.ops) == 1 and isinstance(part.comparators[0], ast.Constant):
                found.append(edit(part.comparators[0], f"{limit:g}", f"the second class begins at {limit:g}"))
    for part in parts:
        call = called(part)
        if call and call[0] == "argmax" and isinstance(part, ast.Call):
            found += [edit(part, new, "the largest output of each row") for new in _axes(text.of(part), part)]
    label = text.of(last.label)
    found += [edit(last.label, f"({label} - 1)", "the labels count from 1, the outputs from 0")]
    found += [edit(last.label, f"({label} + 1)", "the labels count from 0, the answers from 1")]
    array = e.experiments.array
    if array:
        answer = text.of(last.answer)
        swaps = [text.swap(last.answer, f"{array}.ravel({answer})"), text.swap(last.label, f"{array}.ravel({label})")]
        found.append(e.experiments._edit(CAUSE, line, swaps, "compare row by row"))
        found.append(
            edit(last.label, f"{array}.argmax({label}, axis=-1)", "compare with the class, not with the row of it")
        )
    yield from (f for f in found if f is not None)


def _argument(e: Examination, call: ast.Call) -> ast.expr | None:
    """The array that a function of NumPy, or a method of the array itself, is asked about."""
    if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) != e.experiments.array:
        return call.func.value
    return call.args[0] if call.args else None


def _axes(written: str, call: ast.Call) -> list[str]:
    """The same argmax over other axes."""
    named = [k for k in call.keywords if k.arg == "axis"]
    options = []
    for axis in (1, 0, -1):
        tree = ast.parse(written, mode="eval").body
        assert isinstance(tree, ast.Call)
        tree.keywords = [k for k in tree.keywords if k.arg != "axis"]
        method = isinstance(tree.func, ast.Attribute) and not (
            isinstance(tree.func.value, ast.Name) and tree.func.value.id == "np"
        )
        tree.args = tree.args[: 0 if method and len(tree.args) < 2 and not named else 1] or tree.args[:1]
        tree.keywords.append(ast.keyword("axis", ast.Constant(axis)))
        options.append(ast.unparse(tree))
    return options
