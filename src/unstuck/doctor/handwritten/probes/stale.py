"""An evaluation that never runs the network on its input and judges what an earlier row left behind."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from unstuck.doctor.findings import Evidence, Proof

from ..edits.base import Edit
from ..edits.reading import called, names_in
from ..instrument import Site
from .base import Examination, Verdicts
from .figures import Compared, Figures

CAUSE = "prediction-ignores-input"
MOST_EDITS = 12
GAIN = 0.12  # that the mended figure has to rise by


def examine(e: Examination, figures: Figures, out: Verdicts) -> None:
    """Rounds of comparisons whose outputs are all the same: does running the network on each row change them?"""
    rounds = [c for c in figures.compared if c.constant]
    if not rounds:
        if figures.compared:
            out.rule_out("different rows get different answers where the figures are computed", CAUSE)
        else:
            out.skip("no comparison of answers with labels was found behind the printed figures", CAUSE)
        return
    done: set[int] = set()
    for last in reversed(rounds):
        if last.site.line in done or len(done) >= 2:
            continue
        done.add(last.site.line)
        found = _mend(e, figures, last)
        if found is None:
            continue
        edit, after = found
        proof = Proof(metric="share of right answers", before=last.share, after=after)
        evidence = [
            Evidence("different answers among the compared rows", f"up to {last.rows}", 1),
            Evidence("share of right answers", None, round(last.share, 4)),
            Evidence("the same with the forward pass run on each row", None, round(after, 4)),
        ]
        out.findings.append(
            e.finding(
                CAUSE,
                "error",
                "the figure compares what an earlier row left behind: the network is not run on the row",
                edit,
                evidence,
                proof=proof,
                line=last.site.line,
                help_text="run the forward pass on the row before its answer is compared",
            )
        )
        return
    out.rule_out("running the network once more before the comparison does not change the figure", CAUSE)


def _mend(e: Examination, figures: Figures, last: Compared) -> tuple[Edit, float] | None:
    for tried, edit in enumerate(forward_calls(e, figures, last)):
        if tried >= MOST_EDITS or e.time_left < 0:
            return None
        short = e.shortened(edit)  # where training takes long, a little of it tells which copies are worth a whole run
        if short is not None:
            share = share_after(e, short, last)
            if share is None or share < last.share + 0.5 * GAIN:
                continue
        share = share_after(e, edit, last)
        if share is not None and share >= last.share + GAIN:
            return edit, share
    return None


def share_after(e: Examination, edit: Edit, before: Compared) -> float | None:
    """The share of comparisons that hold in the same place of an edited copy (the last round of it)."""
    number = _same_comparison(e, edit, before)
    if e.baseline is not None and before.stretch == 2 * e.baseline[0].passes + 1:  # after training: one place is enough
        found = e.follow(e.edited(edit), places=[number], tail=0)
        window = found[0].outside if found is not None else None
    else:
        found = e.follow(e.edited(edit), tail=0, whole=[before.stretch])
        window = found[0].chosen.get(before.stretch) if found is not None else None
    if found is None or window is None or found[0].outcome.error is not None:
        return None
    series = window.series.get((number, ""))
    if series is None:
        return None
    values = series.flat[-before.rows :] if series.flat.size >= before.rows else series.flat
    share = float(np.mean(values))
    return 1 - share if "!=" in before.site.text else share


def _same_comparison(e: Examination, edit: Edit, before: Compared) -> int:
    """The number of the comparison's site in an edited copy: the same among the comparisons of its function."""

    def comparisons(sites: list[Site]) -> list[int]:
        return [
            s.number
            for s in sites
            if s.kind == "value"
            and s.function == before.site.function
            and s.file == before.site.file
            and ("==" in s.text or "!=" in s.text or "equal" in s.text)
        ]

    old, new = comparisons(e.table.sites), comparisons(e.session.table(e.edited(edit)).sites)
    return new[old.index(before.site.number)] if len(old) == len(new) else -1


def forward_calls(e: Examination, figures: Figures, last: Compared) -> Iterator[Edit]:
    """Copies of the statement that runs the network in training, before the comparison, on the rows of the evaluation."""
    experiments, reading = e.experiments, e.experiments.reading
    place = experiments.statement_at(last.site.line)
    if place is None:
        return
    loop = next((a for a in reading.text.ancestors(place) if isinstance(a, ast.For)), None)
    function = reading.function(place)
    known = {a.arg for a in function.args.args if a.arg != "self"} if function is not None else set()
    if function is None:
        known = {s.text for s in e.table.sites if s.kind == "target" and s.function == "" and s.text.isidentifier()}
    calls = sorted(training_calls(e), key=lambda c: not any(_layout(e, a) for a in c[1].args))
    for statement, call in calls:  # those that take in a batch first
        for i, argument in enumerate(call.args):
            if isinstance(argument, ast.Starred):
                continue
            for new, target in _rows(place, loop, known, _layout(e, argument)):
                text = reading.text.of(call)
                start, _ = reading.text.span(call)
                a, b = reading.text.span(argument)
                text = text[: a - start] + new + text[b - start :]
                text = _own_receiver(e, place, text)
                whole = reading.text.of(statement)
                s, _ = reading.text.span(statement)
                end = reading.text.span(call)[1]
                code = whole[: start - s] + text + whole[end - s :]
                if target == "before loop" and loop is not None:
                    edit = experiments.insert_before(loop.lineno, code, CAUSE, f"run `{code}` first")
                else:
                    edit = experiments.insert_before(place.lineno, code, CAUSE, f"run `{code}` first")
                if edit is not None:
                    yield edit
            if i >= 1:
                break


def training_calls(e: Examination) -> Iterator[tuple[ast.stmt, ast.Call]]:
    """Statements of one call each in the training step that contain the forward pass of the output."""
    text, reading = e.experiments.text, e.experiments.reading
    window = e.known.window.series
    end = window[e.objective[0]].order[-1] if e.objective[0] in window else np.inf
    reached = (e.table.sites[k[0]] for k in e.known.influenced if k in window and window[k].order[0] <= end)
    inside = {f.name for f in reading.functions.values() if _updates(e, f)}
    wanted = {s.function.rsplit(".", 1)[-1] for s in reached if s.file == e.program.main and s.function} - inside
    if not wanted:
        return
    for _ in range(2):  # functions that call it, too
        for function in reading.functions.values():
            if any((c := called(n)) is not None and c[0] in wanted for n in ast.walk(function)) and not _updates(
                e, function
            ):
                wanted.add(function.name)
    executed = {e.table.sites[k[0]].line for k in e.known.window.series if k[0] >= 0}
    for node in ast.walk(text.tree):
        call = called(node)
        if not isinstance(node, ast.Call) or call is None or call[0] not in wanted or not node.args:
            continue
        statement = next((a for a in text.ancestors(node) if isinstance(a, ast.stmt)), None)
        if isinstance(statement, ast.Assign | ast.Expr) and statement.lineno in executed:
            yield statement, node


def _updates(e: Examination, function: ast.AST) -> bool:
    lines = {u.statement.lineno for u in e.experiments.reading.updates}
    return any(getattr(n, "lineno", -1) in lines for n in ast.walk(function))


def _layout(e: Examination, argument: ast.expr) -> str:
    """How a single row has to lie to enter where a batch enters in training: as a column or as a row ("" where it is known
    to lie as it comes)."""
    text = e.experiments.text.of(argument)
    numbers = [s.number for s in e.table.sites if s.text == text and s.line == argument.lineno]
    entering = [series for n in numbers if (series := e.known.window.series.get((n, ""))) is not None]
    if e.data.inputs is None or not entering or len(entering[0].shapes[0]) != 2:
        return ""
    inputs, (first, second) = e.data.inputs, entering[0].shapes[0]
    width = e.excerpt.width if e.excerpt is not None else inputs.rows.shape[1]
    if width not in (first, second):
        return ""
    return ".reshape(-1, 1)" if first == width else ".reshape(1, -1)"


def _rows(place: ast.stmt, loop: ast.For | None, known: set[str], layout: str) -> Iterator[tuple[str, str]]:
    """Texts that may be the row (or all rows) of the evaluation, and where the call belongs."""
    if loop is not None:
        counters = [n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)]
        over = ast.unparse(loop.iter)
        indexed = "range(" in over or "enumerate(" in over
        if not indexed or "enumerate(" in over:
            yield from ((name + layout, "in loop") for name in counters)
            if layout:
                yield from ((name, "in loop") for name in counters)
        if indexed:
            inside = names_in(place) | {n.id for n in ast.walk(loop.iter) if isinstance(n, ast.Name)}
            for name in sorted(known, key=lambda n: (n not in inside, n)):
                for i in counters[:1]:
                    if layout == ".reshape(-1, 1)":
                        yield f"{name}[{i}]{layout}", "in loop"
                    yield f"{name}[{i}:{i} + 1]", "in loop"
                    yield f"{name}[{i}]", "in loop"
        return
    inside = names_in(place)
    yield from ((name, "here") for name in sorted(known, key=lambda n: (n in inside, n)))


def _own_receiver(e: Examination, place: ast.stmt, text: str) -> str:
    """``net.forward(x)`` inside a method becomes ``self.forward(x)``, and the reverse stays as it is."""
    function = e.experiments.reading.function(place)
    inside = function is not None and bool(function.args.args) and function.args.args[0].arg == "self"
    head, dot, tail = text.partition(".")
    if inside and dot and head.isidentifier() and head != "self":
        return f"self.{tail}"
    return text
