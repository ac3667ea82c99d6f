"""Inputs that reach the network in another scale where it is evaluated than where it is trained."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from unstuck.doctor.findings import Evidence, Proof

from ..edits.base import Edit
from ..edits.reading import called
from ..instrument import Site
from ..records import Array, Series, Window
from .base import Examination, Verdicts
from .figures import Figures
from .proofs import figure_that_rises

CAUSE = "preprocessing-differs"
FACTOR = 2.5  # between the sizes of the inputs in training and in the evaluation
SHIFT = 0.7  # of their means, in spreads
MOST_EDITS = 12
PARTS, ROWS = 8, 40  # stretches of what passes a place in the evaluation, and rows of each that are looked at
Scale = tuple[float, float]  # mean and spread


def examine(e: Examination, figures: Figures, out: Verdicts) -> None:
    """Compare what enters the first layer in both, and try the statements that scale the one on the other."""
    found = _entering(e)
    if found is None:
        out.skip("the inputs of the evaluation do not pass where those of training do", CAUSE)
        return
    trained, evaluated = found
    if not evaluated or not _apart(trained, evaluated):
        out.rule_out("inputs have the same mean and spread in training and evaluation", CAUSE)
        return
    for tried, edit in enumerate(_edits(e, trained, evaluated)):
        if tried >= MOST_EDITS or e.time_left < 0:
            break
        figure = figure_that_rises(e, edit)
        if figure is None:
            continue
        evidence = [
            Evidence("mean and spread of the inputs in training", None, f"{trained[0]:.4g}, {trained[1]:.4g}"),
            Evidence("mean and spread where it is evaluated", "the same", f"{evaluated[0]:.4g}, {evaluated[1]:.4g}"),
        ]
        out.findings.append(
            e.finding(
                CAUSE,
                "error",
                "the inputs are scaled in another way where the network is evaluated than where it is trained",
                edit,
                evidence,
                proof=Proof(metric=figure[0] or "printed figure", before=figure[1], after=figure[2]),
                help_text="scale both with the same numbers",
            )
        )
        return
    out.rule_out("no scaling of the training inputs, done to those of the evaluation, betters the figures", CAUSE)


def _scale(values: Array) -> Scale:
    return float(values.mean()), float(values.std())


def _apart(one: Scale, two: Scale) -> bool:
    least = 1e-12 + max(one[1], 1e-6 * abs(one[0]))
    ratio = (two[1] + 1e-12) / least
    return not 1 / FACTOR <= ratio <= FACTOR or abs(two[0] - one[0]) > SHIFT * max(one[1], two[1])


def _entering(e: Examination) -> tuple[Scale, Scale | None] | None:
    """Scale of what enters the network in training, and of what enters it most differently at the same place afterwards."""
    data = e.data
    if data.inputs is None or data.batches is None:
        return None
    large = e.excerpt is not None and data.inputs.key == e.excerpt.key
    x = e.known.window.series.get(data.inputs.key) if large else e.recorded(data.inputs.key)
    if x is None:
        return None
    for key, series in e.known.window.series.items():
        if key in e.known.influenced or series.flat.size != x.flat.size or key[1]:
            continue
        if e.table.sites[key[0]].kind not in ("argument", "target") or not series.is_float:
            continue
        met = [w.series[key] for w in e.stretches.values() if key in w.series]
        if not met or series.flat.size == 0:
            continue
        if not np.array_equal(np.sort(series.flat), np.sort(x.flat)) and not _straight(series.flat, x.flat):
            continue
        factor = _straight(x.flat, series.flat) or (0.0, 1.0)
        rows = x.flat if large else data.batches[0]
        trained = float(rows.mean()) * factor[1] + factor[0], float(rows.std()) * abs(factor[1])
        scales = [_scale(p) for m in met for p in _parts(m) if np.all(np.isfinite(p))]
        scales.sort(
            key=lambda s: (
                abs(np.log((s[1] + 1e-9) / (trained[1] + 1e-9))) + abs(s[0] - trained[0]) / (trained[1] + 1e-9)
            )
        )
        return trained, (scales[-1] if scales else None)
    return None


def _parts(series: Series) -> Iterator[Array]:
    """What passed a place, in up to PARTS stretches one after the other; single rows are taken together."""
    for chosen in np.array_split(np.arange(series.count), min(PARTS, series.count)):
        some = chosen[:: max(1, len(chosen) // ROWS)]
        yield np.concatenate([series.occurrence(int(i)).ravel() for i in some])


def _straight(x: Array, y: Array) -> Scale | None:
    """Intercept and slope when y is a straight line of x."""
    spread = float(x.std())
    if x.size != y.size or spread == 0:
        return None
    slope = float(np.mean((x - x.mean()) * (y - y.mean()))) / spread**2
    start = float(y.mean() - slope * x.mean())
    return (
        (start, slope) if slope and np.allclose(y, start + slope * x, rtol=1e-9, atol=1e-9 * (1 + abs(start))) else None
    )


def _edits(e: Examination, trained: Scale, evaluated: Scale) -> Iterator[Edit]:
    answer = e.follow(tail=0, whole=[1])
    if answer is None or 1 not in answer[0].chosen:
        return
    width = e.data.inputs.rows.shape[1] if e.data.inputs is not None else 0
    good, bad = _makers(e, answer[0].chosen[1], width, trained, evaluated)
    text = e.experiments.text
    for site, statement in good:
        sources = _arrays(e, statement.value, answer[0].chosen[1], width)
        for other, theirs in bad:
            if other.function != site.function or other.text == site.text:
                continue
            # the same statement for the other variable, after both are made
            code = text.of(statement.value)
            for name in {*sources, site.text}:
                code = _renamed(code, name, other.text)
            edit = e.experiments.insert_after(
                max(statement.lineno, theirs.lineno),
                f"{other.text} = {code}",
                CAUSE,
                f"scale `{other.text}` as `{site.text}` is scaled",
            )
            if edit is not None:
                yield edit
            own = _arrays(e, theirs.value, answer[0].chosen[1], width)
            if own:
                code = text.of(statement.value)
                for name in sources or {site.text}:
                    code = _renamed(code, name, own[0])
                swapped = e.experiments._edit(
                    CAUSE,
                    theirs.lineno,
                    [text.swap(theirs.value, code)],
                    f"scale `{other.text}` as `{site.text}` is scaled",
                )
                if swapped is not None:
                    yield swapped
    yield from _calls(e)
    yield from _from_the_other_source(e)


def _from_the_other_source(e: Examination) -> Iterator[Edit]:
    """The expression that makes the training inputs, with the source of another array: ``test.images`` for ``train.images``."""
    text = e.experiments.text
    name = e.data.inputs.text if e.data.inputs is not None else ""
    made = [s for s in e.experiments.reading.statements
            if isinstance(s, ast.Assign) and len(s.targets) == 1 and isinstance(s.targets[0], ast.Name)]  # fmt: skip
    for model in [s for s in made if text.of(s.targets[0]) == name][-1:]:
        source = _source(model.value)
        holder = e.experiments.reading.holder(model)
        for other in sorted(made, key=lambda s: abs(s.lineno - model.lineno)):
            theirs = _source(other.value)
            if source is None or theirs is None or other is model or e.experiments.reading.holder(other) is not holder:
                continue
            (a, b), (start, _) = text.span(source), text.span(model.value)
            whole = text.of(model.value)
            code = whole[: a - start] + text.of(theirs) + whole[b - start :]
            summary = f"make `{text.of(other.targets[0])}` as `{name}` is made"
            edit = e.experiments._edit(CAUSE, other.lineno, [text.swap(other.value, code)], summary)
            if edit is not None and isinstance(other.value, ast.BinOp | ast.Call):
                yield edit


def _source(value: ast.expr) -> ast.expr | None:
    """The first array that an expression reads: ``data.train.images`` of ``data.train.images.reshape(-1, 784) / 255``."""
    for node in ast.walk(value):  # (outer ones first)
        if isinstance(node, ast.BinOp):
            return _source(node.left) or _source(node.right)
        if isinstance(node, ast.Call):
            inner = node.func.value if isinstance(node.func, ast.Attribute) else None
            found = _source(inner) if inner is not None and not isinstance(inner, ast.Name) else None
            found = found or next((f for a in node.args if (f := _source(a)) is not None), None)
            return found or (inner if isinstance(inner, ast.Name) else None)
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            return node
        if isinstance(node, ast.Constant):
            return None
    return None


def _makers(
    e: Examination, window: Window, width: int, trained: Scale, evaluated: Scale
) -> tuple[list[tuple[Site, ast.Assign]], list[tuple[Site, ast.Assign]]]:
    """Assignments before training whose value has the scale of the training inputs; and of those of the evaluation."""
    good, bad = [], []
    for site in e.table.sites:
        series = window.series.get((site.number, ""))
        if site.kind != "target" or series is None or site.file != e.program.main or width not in series.shapes[-1]:
            continue
        statement = e.experiments.statement_at(site.line)
        if not isinstance(statement, ast.Assign) or not site.text.isidentifier():
            continue
        scale = _scale(series.occurrence(series.count - 1))
        if not _apart(trained, scale) and isinstance(statement.targets[0], ast.Name):
            if any(isinstance(n, ast.BinOp | ast.Call) for n in ast.walk(statement.value)):
                good.append((site, statement))
        elif not _apart(evaluated, scale):
            bad.append((site, statement))
    return good, bad[::-1]


def _arrays(e: Examination, value: ast.expr, window: Window, width: int) -> list[str]:
    """Names in an expression that hold rows."""
    found = []
    for node in ast.walk(value):
        if isinstance(node, ast.Name):
            for site in e.table.sites:
                series = window.series.get((site.number, ""))
                if (
                    site.text == node.id
                    and series is not None
                    and width in series.shapes[-1]
                    and len(series.shapes[-1]) > 1
                ):
                    found.append(node.id)
                    break
    return list(dict.fromkeys(found))


def _renamed(code: str, old: str, new: str) -> str:
    tree = ast.parse(code, mode="eval").body
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == old:
            node.id = new
    return ast.unparse(tree)


def _calls(e: Examination) -> Iterator[Edit]:
    """The arithmetic on an argument of a call in training, in the other calls of the same function."""
    text = e.experiments.text
    executed = {e.table.sites[k[0]].line for k in e.known.window.series if k[0] >= 0}
    own = {f.name for f in e.experiments.reading.functions.values()}
    calls = [(n, c[0]) for n in ast.walk(text.tree) if isinstance(n, ast.Call) and (c := called(n)) and c[0] in own]
    for model, name in calls:
        if model.lineno not in executed:
            continue
        for i, argument in enumerate(model.args[:2]):
            inner = next((n for n in ast.walk(argument) if isinstance(n, ast.Subscript | ast.Name)), None)
            if not isinstance(argument, ast.BinOp | ast.Call) or inner is None:
                continue
            for other, same in calls:
                if other is model or other.lineno in executed or same != name or len(other.args) <= i:
                    continue
                theirs = next(
                    (n for n in ast.walk(other.args[i]) if isinstance(n, ast.Subscript | ast.Name)), other.args[i]
                )
                a, b = text.span(inner)
                start, end = text.span(argument)
                new = e.program.text[start:a] + text.of(theirs) + e.program.text[b:end]
                edit = e.experiments._edit(
                    CAUSE, other.lineno, [text.swap(other.args[i], new)], f"give it `{new}`, as in training"
                )
                if edit is not None:
                    yield edit
