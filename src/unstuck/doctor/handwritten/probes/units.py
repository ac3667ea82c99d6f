"""What the hidden units answer over the rows of the first and the last passes: which are silent, which are saturated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ..nudge import Key
from ..records import Array, Series, Window
from .base import TAIL, Examination

MOST_LAYERS = 12  # that one place of a loop may pass in a step
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


@dataclass(frozen=True)
class _Value:
    """One recorded value: ``key`` names its place (and which time it was passed), ``order`` its moment in the step."""

    key: Key
    array: Array
    order: float


def hidden_layers(e: Examination) -> list[HiddenLayer]:
    """The hidden layers with an activation that can be told, as they answer the first and the last rows of training."""
    window = e.known.window.series
    acting = list(_values(e, (window[k] for k in e.known.influenced if k in window)))
    output = e.recorded(e.objective[0])
    if output is None:
        return []
    end = float(output.order[0])
    given = None if e.data.inputs is None else e.recorded(e.data.inputs.key)
    made: dict[Key, tuple[str, Array | None]] = {}
    for value in acting:
        if value.order >= end or any(
            s is not None and np.array_equal(value.array.ravel(), s.flat) for s in (output, given)
        ):
            continue
        if value.array.min() == 0 <= value.array.max():  # (all zero: every unit is silent)
            made[value.key] = "ReLU", None
        elif value.array.min() >= -1 and value.array.max() <= 1:
            found = _squashed(value, acting)
            if found is not None:
                made[value.key] = found
    made |= dict(_fixed(e, acting, end))
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


def _values(e: Examination, series: Iterable[Series]) -> Iterator[_Value]:
    """The values of some places: a layer after the other where a loop over layers passes one, else all rows together."""
    rows = len(e.data.pair[0]) if e.data.pair is not None else 0
    for one in series:
        if one.key[1] or one.flat.size < 2 or not one.is_float or not np.all(np.isfinite(one.flat)):
            continue
        whole = all(len(s) == 2 and rows in s for s in one.shapes) or (rows == 1 and all(one.shapes))
        if 1 < one.count <= MOST_LAYERS and whole:
            for i in range(one.count):
                yield _Value((one.key[0], f"@{i}"), one.occurrence(i), float(one.order[i]))
        else:
            yield _Value(one.key, one.flat, float(one.order[0]))


def _squashed(value: _Value, acting: list[_Value]) -> tuple[str, Array] | None:
    """The squashing function that makes these numbers of others that were recorded before, and those others."""
    for other in acting:
        z = other.array.ravel()
        if z.size != value.array.size or other.order >= value.order + (other.key == value.key):
            continue
        if np.allclose(z, value.array.ravel()):  # (next to zero every curve is a line)
            continue
        for name, (function, _, _) in _SQUASHING.items():
            for sign in (1.0, -1.0):
                if np.allclose(function(sign * z), value.array.ravel(), rtol=1e-12, atol=1e-14):
                    return name, sign * z
    return None


def _fixed(e: Examination, acting: list[_Value], end: float) -> Iterator[tuple[Key, tuple[str, Array | None]]]:
    """Values at an end of their range throughout, so that no nudge shows in them: zeros made of numbers below zero, or ones."""
    window = e.known.window.series
    others = list(_values(e, (s for k, s in window.items() if k not in e.known.influenced)))
    for value in others:
        if value.order >= end or np.ptp(value.array) > 1 or np.any(np.abs(value.array) > 1):
            continue
        below = [z for z in acting + others if z.array.size == value.array.size and z.order < value.order]
        if not np.any(value.array):
            if any(z.array.max() <= 0 and np.any(z.array) for z in below):
                yield value.key, ("ReLU", None)
        elif (found := _squashed(value, below)) is not None:
            yield value.key, found


def _rows(e: Examination, key: Key, windows: list[Window], sites: dict[int, int]) -> Array | None:
    parts = [s for w in windows if (s := e.recorded(key, w, sites)) is not None]
    if not parts or len(parts[0].shapes[0]) not in (1, 2):
        return None
    shape = parts[0].shapes[0]
    width = e.data.inputs.rows.shape[1] if e.data.inputs is not None else 0
    rows = {len(p[0]) for p in [e.data.pair] if p is not None}
    columns = len(shape) == 2 and shape[-1] in rows and shape[-1] != width and shape[0] not in rows
    units = shape[0] if columns else shape[-1]
    tables = []
    for part in parts:
        for i in range(part.count):
            value = part.occurrence(i)
            if value.ndim == len(shape) and value.shape[0 if columns else -1] == units:
                tables.append(value.T if columns else value.reshape(-1, units))
    return np.concatenate(tables) if tables else None


def _silent(rows: Array) -> float:
    return float(np.mean(np.all(rows == 0, axis=0))) if rows.size else 0.0
