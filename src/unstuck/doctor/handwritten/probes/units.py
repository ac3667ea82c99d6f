"""What the hidden units answer over the rows of the first and the last passes: which are silent, which are saturated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..nudge import Key
from ..session import Array, Series, Window
from .base import TAIL, Examination

END = 0.03  # of its range from an end: a unit there is saturated
_SQUASHING: dict[str, tuple[Callable[[Array], Array], float, float]] = {
    "sigmoid": (lambda z: 0.5 * (1 + np.tanh(0.5 * z)), 0.0, 1.0),
    "tanh": (np.tanh, -1.0, 1.0),
}


@dataclass(frozen=True)
class HiddenLayer:
    """The answers of one hidden layer, ``first`` and ``last`` (rows, units) in the first and last passes of the loop.

    ``kind``: "ReLU" (zeros and more), "sigmoid" or "tanh". ``before``: what went into its units in the step that was understood.
    """

    key: Key
    kind: str
    first: Array
    last: Array
    before: Array | None = None

    @property
    def silent_first(self) -> float:
        """Share of units that are 0 for every row of the first passes."""
        return _silent(self.first)

    @property
    def silent_last(self) -> float:
        """Share of units that are 0 for every row of the last passes."""
        return _silent(self.last)

    @property
    def saturated_first(self) -> float:
        """Share of the answers of the first passes that are close to an end of their range."""
        return self._saturated(self.first)

    @property
    def saturated_last(self) -> float:
        """Share of the answers of the last passes that are close to an end of their range."""
        return self._saturated(self.last)

    def _saturated(self, rows: Array) -> float:
        if self.kind not in _SQUASHING or not rows.size:
            return 0.0
        _, low, high = _SQUASHING[self.kind]
        reach = END * (high - low)
        return float(np.mean((rows < low + reach) | (rows > high - reach)))


def hidden_layers(e: Examination) -> list[HiddenLayer]:
    """The hidden layers with an activation that can be told, as they answer the first and the last rows of training."""
    window = e.known.window.series
    value = e.objective[0]
    made: dict[Key, tuple[str, Array | None]] = {}
    for key in e.known.influenced:
        series = window.get(key)
        if series is None or key == value or key[1] or series.flat.size < 2 or not series.is_float:
            continue
        if value in window and series.order[0] >= window[value].order[0]:
            continue
        if series.flat.min() == 0 <= series.flat.max():  # (all zero: every unit is silent)
            made[key] = "ReLU", None
        elif series.flat.min() >= -1 and series.flat.max() <= 1:
            found = _squashed(e, key, series)
            if found is not None:
                made[key] = found
    if not made or e.time_left < 0:
        return []
    answer = e.follow(keys=list(made), head=TAIL)
    if answer is None:
        return []
    layers, seen = [], set()
    for key, (kind, before) in made.items():
        first, last = (_rows(e, key, windows, answer[1]) for windows in (answer[0].head, answer[0].tail))
        if first is not None and last is not None and (mark := first.tobytes()) not in seen:
            seen.add(mark)
            layers.append(HiddenLayer(key, kind, first, last, before))
    return layers


def _squashed(e: Examination, key: Key, series: Series) -> tuple[str, Array] | None:
    """The squashing function that makes these numbers of others that were recorded before, and those others."""
    window = e.known.window.series
    for other in e.known.influenced:
        z = window.get(other)
        if z is None or other[1] or z.flat.size != series.flat.size or z.order[0] >= series.order[0] + (other == key):
            continue
        for name, (function, _, _) in _SQUASHING.items():
            for sign in (1.0, -1.0):
                if np.allclose(function(sign * z.flat), series.flat, rtol=1e-12, atol=1e-14):
                    return name, sign * z.flat
    return None


def _rows(e: Examination, key: Key, windows: list[Window], sites: dict[int, int]) -> Array | None:
    parts = [s for w in windows if (s := e.recorded(key, w, sites)) is not None]
    if not parts or len(parts[0].shapes[0]) not in (1, 2):
        return None
    units = parts[0].shapes[0][-1]
    width = e.data.inputs.rows.shape[1] if e.data.inputs is not None else 0
    rows = {len(p[0]) for p in [e.data.pair] if p is not None}
    columns = len(parts[0].shapes[0]) == 2 and units in rows and units != width and parts[0].shapes[0][0] not in rows
    try:
        tables = [p.flat.reshape(-1, *p.shapes[0]) if columns else p.flat.reshape(-1, units) for p in parts]
    except ValueError:
        return None
    if columns:
        tables = [t.transpose(0, 2, 1).reshape(-1, parts[0].shapes[0][0]) for t in tables]
    return np.concatenate(tables)


def _silent(rows: Array) -> float:
    return float(np.mean(np.all(rows == 0, axis=0))) if rows.size else 0.0
