"""How far a regression can get when its hidden layer does not train: the best least-squares fit on the hidden features."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unstuck.doctor.findings import Evidence

from ..nudge import Key
from ..records import Array, Window
from .base import Examination
from .values import is_one_hot

EXACT = 1e-8  # relative residual under which outputs count as linear in the features


@dataclass(frozen=True)
class Floor:
    """Squared errors at the end of a run, summed over rows and outputs.

    ``reached``: of the outputs. ``best``: of the best least-squares fit on the last hidden features (and a constant).
    ``mean``: of predicting the mean of each target. ``features``: their number; ``rows``: of the data.
    """

    reached: float
    best: float
    mean: float
    features: int
    rows: int
    complete: bool = True

    def evidence(self) -> list[Evidence]:
        """The three figures side by side."""
        return [
            Evidence("summed squared error at the end", None, float(f"{self.reached:.4g}")),
            Evidence(
                f"best least-squares fit on the {self.features} hidden features it ended with",
                None,
                float(f"{self.best:.4g}"),
            ),
            Evidence("summed squared error of predicting the mean", None, float(f"{self.mean:.4g}")),
        ]

    def notes(self, mended: float | None = None) -> list[str]:
        """What follows from them, in words."""
        said = [
            f"While the hidden layer does not follow its gradient, the squared error cannot fall under {self.best:.3g}, the best "
            "least-squares fit on the features that it happens to have"
            + (f"; the mended program reaches {mended:.3g}." if mended is not None else ".")
        ]
        said.append(
            f"The fault goes unnoticed on data that such fixed features fit by themselves: at most {self.features + 1} rows, or "
            "targets that are nearly a weighted sum of them."
        )
        return said


def floor(e: Examination) -> Floor | None:
    """The floor of a program as it is; None where the outputs are not linear in hidden features, or are classes."""
    value, target = e.objective
    if target is None:
        return None
    pair = e.targets()
    if pair is None or is_one_hot(pair[1]):
        return None
    fitting = [k for k in e.known.influenced if _may_be_features(e, k, len(pair[0]))]
    # Each place that is followed costs time: of places with the same numbers one is enough.
    keys = list({e.known.window.series[k].flat.tobytes(): k for k in fitting}.values())
    found = e.follow(keys=[*keys, value, target], tail=3)
    for window in reversed(found[0].tail if found is not None else []):  # the last pass may have been cut short
        o, t = (
            e.recorded(value, window, found[1] if found else None),
            e.recorded(target, window, found[1] if found else None),
        )
        pair = e.paired(o, t) if o is not None and t is not None else None
        if pair is None or is_one_hot(pair[1]) or len(pair[0]) < 3 or not np.all(np.isfinite(pair[0])):
            continue
        features = _features(window, pair[0])
        if features is not None:
            measured = _measured(pair[0], pair[1], features)
            return measured if found is None else replace(measured, complete=not found[0].outcome.cut)
    return None


def _may_be_features(e: Examination, key: Key, rows: int) -> bool:
    series = e.known.window.series.get(key)
    if key[0] < 0 or series is None or series.count != 1:
        return False
    shape = [n for n in series.shapes[0] if n != 1]
    return len(shape) == 2 and rows in shape and series.flat.size < rows * (rows - 1)


def _measured(outputs: Array, targets: Array, features: Array) -> Floor:
    design = np.column_stack([features, np.ones(len(features))])
    residual = targets - design @ np.linalg.lstsq(design, targets, rcond=None)[0]
    return Floor(
        float(np.sum((outputs - targets) ** 2)),
        float(np.sum(residual**2)),
        float(np.sum((targets - targets.mean(axis=0)) ** 2)),
        features.shape[1],
        len(outputs),
    )


def _features(window: Window, outputs: Array) -> Array | None:
    """The narrowest recorded array (rows, features) in which the outputs are linear: the last hidden layer."""
    rows = len(outputs)
    best: Array | None = None
    for series in window.series.values():
        if series.count != 1 or series.flat.size % rows or not np.all(np.isfinite(series.flat)):
            continue
        shape = [n for n in series.shapes[0] if n != 1]
        if len(shape) != 2 or rows not in shape:
            continue
        table = series.flat.reshape(shape)
        table = table if shape[0] == rows else table.T
        if table.shape[1] >= rows - 1 or _is_linear(outputs, table) is False or _is_linear(table, outputs):
            continue
        if best is None or table.shape[1] < best.shape[1]:
            best = table
    return best


def _is_linear(y: Array, x: Array) -> bool:
    design = np.column_stack([x, np.ones(len(x))])
    residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    return float(np.linalg.norm(residual)) <= EXACT * max(float(np.linalg.norm(y - y.mean(axis=0))), 1e-300)
