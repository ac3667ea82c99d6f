"""A printed number that is taken for the loss and does not follow what is descended."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from unstuck.doctor.findings import Evidence, Proof

from ..edits.base import Edit
from ..edits.reading import called
from ..instrument import Site
from ..records import Array, Window
from .base import Examination, Verdicts
from .figures import Figures, shows

CAUSE = "printed-loss-not-trained-loss"
MOST_EDITS = 8


def examine(e: Examination, figures: Figures, out: Verdicts) -> None:
    """Numbers made of residuals that are no measure of their size: positive and negative ones cancel in them."""
    suspects = list(_suspects(e, figures))
    for site, residual, value in suspects:
        usual = measures(residual)
        for tried, edit in enumerate(_edits(e, site)):
            if tried >= MOST_EDITS or e.time_left < 0:
                break
            stretch = max(e.stretches)
            answer = e.follow(e.edited(edit), tail=0, whole=[stretch])
            if answer is None or answer[0].outcome.error is not None:
                continue
            numbers = figures.printed(stretch, answer[0].prints)
            fitting = [v for v in usual.values() if shows(numbers, v)]
            if not fitting or shows(figures.printed(stretch), fitting[0]):
                continue
            evidence = [
                Evidence("printed number", None, float(f"{value:.4g}")),
                Evidence("the measure of the same residuals that it is meant to be", None, float(f"{fitting[0]:.4g}")),
            ]
            out.findings.append(
                e.finding(
                    CAUSE,
                    "error",
                    "the printed loss is not the loss that is trained: errors of different sign cancel in it",
                    edit,
                    evidence,
                    proof=Proof(metric="printed loss", before=value, after=fitting[0]),
                    line=site.line,
                    help_text=edit.summary,
                )
            )
            return
    out.rule_out(
        "printed numbers that are made of residuals measure their size"
        if not suspects
        else "no reading of the number fits",
        CAUSE,
    )


def measures(r: Array) -> dict[str, float]:
    """The usual measures of residuals (rows, columns) by name."""
    rows = r.reshape(len(r), -1)
    square, size = float((r**2).sum()), float(np.abs(r).sum())
    found = {
        "sum of squares": square,
        "mean square": square / r.size,
        "mean absolute error": size / r.size,
        "sum of absolute errors": size,
        "root mean square": float(np.sqrt(square / r.size)),
        "squares per row": square / len(rows),
        "absolute per row": size / len(rows),
        "norm": float(np.sqrt(square)),
    }
    return found | {f"half {k}": v / 2 for k, v in found.items()}


def _suspects(e: Examination, figures: Figures) -> Iterator[tuple[Site, Array, float]]:
    """Printed scalars of the last stretch that come from residuals and are none of their usual measures."""
    if not e.stretches:
        return
    stretch = max(e.stretches)
    window, numbers = e.stretches[stretch], figures.printed(stretch)
    found = []
    for site in e.table.sites:
        series = window.series.get((site.number, ""))
        if (
            site.kind != "value"
            or site.file != e.program.main
            or series is None
            or series.shapes[-1]
            or not series.is_float
        ):
            continue
        value = float(series.flat[-1])
        if not shows(numbers, value) or value == np.round(value):
            continue
        residual = _residual(e, figures, site, window, series.order[-1])
        if residual is None:
            continue
        if any(abs(value - m) <= 1e-6 * abs(m) for m in measures(residual).values()):
            return  # a usual measure is printed: the others may be what they like
        if _cancels(residual, value):  # R² and the like are made of residuals, too, and are no loss
            found.append((site, residual, value))
    yield from found


def _cancels(r: Array, value: float) -> bool:
    """Whether a number is the plain sum or mean of residuals, or the square of it, so that signs cancel in it."""
    rows = max(len(r), 1)
    total = float(r.sum())
    sums = [total, total / r.size, total / rows]
    sums += [
        float(np.sum(r.mean(axis=0) ** 2)),
        float(np.mean(r.mean(axis=0) ** 2)),
        float(np.mean(r.sum(axis=0) ** 2)),
    ]
    sums += [x**2 for x in sums[:3]] + [total**2 / r.size, total**2 / rows]
    known = [f * abs(x) for x in sums for f in (1.0, 0.5)] + [abs(x) ** 0.5 for x in sums]
    return any(abs(abs(value) - k) <= 1e-6 * max(k, 1e-12) for k in known)


def _residual(e: Examination, figures: Figures, site: Site, window: Window, moment: float) -> Array | None:
    """The difference of two arrays inside the expression that made a scalar: outputs minus targets of many rows."""
    statement = e.experiments.statement_at(site.line)
    if statement is None:
        return None
    for node in ast.walk(statement):
        if not isinstance(node, ast.expr) or " ".join(figures.text.of(node).split()) != site.text:
            continue
        for part in figures.origins(node, site):
            if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub):
                values = figures.values(part, site, window, np.array([moment]))
                if (
                    values
                    and values[0].size >= 8
                    and np.all(np.isfinite(values[0]))
                    and _is_error(e, figures, part, site, window, moment)
                ):
                    return values[0]
        return None
    return None


def _is_error(e: Examination, figures: Figures, part: ast.BinOp, site: Site, window: Window, moment: float) -> bool:
    """One side of the difference was put out by the network: its site's values, or an array equal to them."""
    size = _size(part, figures, site, window, moment)
    known = set()
    for key in set(e.known.touched) & set(window.series):
        series = window.series[key]
        if series.count <= 64:
            known |= {
                series.occurrence(i).tobytes() for i in range(series.count) if int(np.prod(series.shapes[i])) in size
            }
    for side in (part.left, part.right):
        values = figures.values(side, site, window, np.array([moment]))
        if values and np.ascontiguousarray(values[0]).tobytes() in known:
            return True
    return False


def _size(part: ast.BinOp, figures: Figures, site: Site, window: Window, moment: float) -> set[int]:
    found = (figures.values(side, site, window, np.array([moment])) for side in (part.left, part.right))
    return {values[0].size for values in found if values}


def _edits(e: Examination, site: Site) -> Iterator[Edit]:
    """The power inside the mean instead of outside it; a square or a size where neither is."""
    text, array = e.experiments.text, e.experiments.array
    statement = e.experiments.statement_at(site.line)
    for node in ast.walk(statement) if statement is not None else []:
        call = called(node)
        if (
            not isinstance(node, ast.Call)
            or call is None
            or call[0] not in ("mean", "sum", "average", "abs", "sqrt")
            or not node.args
        ):
            continue
        inner = text.of(node.args[0])
        parent = text.parent(node)
        function = text.of(node.func)
        options: list[tuple[ast.expr, str, str]] = []
        if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Pow) and parent.left is node:
            power = text.of(parent.right)
            options.append((parent, f"{function}(({inner}) ** {power})", "square each error before they are averaged"))
        options.append((node, f"{function}(({inner}) ** 2)", "square each error before they are averaged"))
        if array:
            options.append(
                (node, f"{function}({array}.abs({inner}))", "take the size of each error before they are averaged")
            )
        for place, new, summary in options:
            edit = e.experiments._edit(CAUSE, site.line, [text.swap(place, new)], summary)
            if edit is not None:
                yield edit
