"""Layers by their values: which recorded value is another one times a trained matrix, and an activation of it."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from .records import Array, Series
from .understand import Understanding
from .windows import series_before

EXACT = 1e-9  # largest difference, relative to the largest value, under which two recorded values count as one
MOST_VALUES = 8  # occurrences of one place that are looked at
MOST_UNITS = 256  # that a loop over units may pass
MOST_SECONDS = 1.5  # of this thread, for finding the layers
MOST_ELEMENTS = 500_000  # of one value


@dataclass(frozen=True)
class Layer:
    """A weight matrix in use: ``inputs`` → ``outputs`` units, ``activation`` None where it could not be told.

    ``order``: moment of its output in the recorded step; ``source``: that of its input, -1 where no parameter acts on it.
    ``output`` (rows, outputs), ``again``: the matrix was used by a layer before.
    """

    inputs: int
    outputs: int
    activation: str | None
    order: float
    source: float
    output: Array = field(repr=False, compare=False)
    again: bool = False


@dataclass(frozen=True)
class _Value:
    array: Array
    order: float
    scalars: bool  # one number after the other


def find_layers(known: Understanding, judged: Collection[Series], without: Collection[str] = ()) -> list[Layer]:
    """The stack of layers in forward order, empty where the weight matrices do not form one.

    A layer is found by computing it: some recorded value times the matrix (or its transpose), plus a trained bias or none,
    is a recorded value, or becomes one by a usual activation. ``judged``: outputs as the loss takes them;
    ``without``: parameters that belong to other kinds of layers.
    """
    forward = series_before(known.window, known.update_moment)
    end = time.thread_time() + MOST_SECONDS
    ends = [float(series.order[-1]) for series in judged]
    last = max(ends, default=np.inf)
    made = [v for v in _values(forward[k] for k in known.influenced if k in forward) if v.order <= last]
    made.sort(key=lambda v: v.order)
    given = [replace(v, order=-1.0) for v in _values(s for k, s in forward.items() if k not in known.influenced)]
    given += [_Value(v, -1.0, False) for p, v in known.leaves.items() if v.ndim and p not in _paths(known)]
    biases = [p.before.ravel() for p in known.parameters]
    found: list[Layer] = []
    added: set[bytes] = set()  # what a layer adds after its product, is no matrix of its own
    matrices = [m for p in known.parameters if p.path not in without for m in _matrices(p.before)]
    for flat in (False, True):
        for matrix in (m for m in matrices if (min(m.shape) == 1) == flat):
            if flat and matrix.tobytes() in added:
                continue
            uses: list[Layer] = []
            for weights in (matrix, matrix.T):
                use = _use(weights, made, given, biases, end, added)
                if use is not None and (use.inputs, use.outputs) not in [(u.inputs, u.outputs) for u in uses]:
                    uses.append(use)
            if not uses and not flat:
                return []
            uses.sort(key=lambda layer: layer.order)
            del uses[1 if flat else len(uses) :]
            # (an error sent back through it is no layer)
            found += [replace(u, again=i > 0) for i, u in enumerate(uses) if i == 0 or u.activation or ends]
    found.sort(key=lambda layer: layer.order)
    ends_at = next((i for i, layer in enumerate(found) if layer.activation == "softmax"), None)
    if ends_at is not None:  # what comes after the softmax is the error on its way back
        found = found[: ends_at + 1]
    while found and found[-1].again and not found[-1].activation and not _is_judged(found[-1], judged):
        del found[-1]
    chained = all(b.inputs - a.outputs in (0, 1) and b.source >= a.order for a, b in itertools.pairwise(found))
    told = all(a.activation or a.inputs != a.outputs for a in found[:-1])  # (a sum of two products is no layer)
    if not found or not chained or not told:
        return []
    if len(found) == 1 and not without and len(known.parameters) > 2:  # (a product somewhere in something else)
        return []
    return [_without_bias_unit(layer, found[i - 1] if i else None) for i, layer in enumerate(found)]


def _is_judged(layer: Layer, judged: Collection[Series]) -> bool:
    """The output of a layer is one that the loss takes, whatever its axes."""
    total, size = float(layer.output.sum()), layer.output.size
    return any(s.flat.size == size and np.isclose(float(s.flat.sum()), total, rtol=1e-9) for s in judged)


def _without_bias_unit(layer: Layer, before: Layer | None) -> Layer:
    """Of a single row a constant unit cannot be told from a value, but by what the layer below puts out."""
    if before is not None and layer.inputs == before.outputs + 1:
        return replace(layer, inputs=before.outputs)
    return layer


def _paths(known: Understanding) -> set[str]:
    return {p.path for p in known.parameters} | set(known.states)


def _matrices(value: Array) -> list[Array]:
    """The weight matrices that a variable may hold: itself, a stack of them, or a vector as one column."""
    if value.ndim == 1:
        return [value.reshape(-1, 1)] if value.size > 1 else []
    if value.ndim == 2:
        return [value] if value.size > 1 else []
    return list(value) if value.ndim == 3 and min(value.shape[1:]) > 1 else []


def _values(series: Iterator[Series]) -> list[_Value]:
    """The numbers of some places, equal ones once: as they came first."""
    every: list[_Value] = []
    for one in series:
        if not one.flat.size or one.flat.size > MOST_ELEMENTS:
            continue
        arrays = [_Value(one.occurrence(i), float(one.order[i]), False) for i in range(min(one.count, MOST_VALUES))]
        if one.count > 1 and all(math.prod(s) == 1 for s in one.shapes):
            arrays = [_Value(one.flat, float(one.order[0]), True)]
        elif one.count > 1 and len(set(one.shapes)) == 1 and len(one.shapes[0]) == 1:
            arrays.append(_Value(one.flat.reshape(one.count, -1), float(one.order[0]), False))
        if 1 < one.count <= MOST_UNITS and len(set(one.shapes)) == 1 and _is_column(one.shapes[0]):  # unit after unit
            arrays.append(_Value(one.flat.reshape(one.count, -1).T, float(one.order[0]), False))
        every += arrays
    out: list[_Value] = []
    seen: set[tuple[bytes, tuple[int, ...]]] = set()
    for value in sorted(every, key=lambda v: v.order):
        mark = value.array.tobytes(), value.array.shape
        if mark not in seen and np.all(np.isfinite(value.array)):
            seen.add(mark)
            out.append(value)
    return out


def _is_column(shape: tuple[int, ...]) -> bool:
    return sum(n > 1 for n in shape) == 1 and shape[0] > 1


def _as_rows(value: _Value, width: int) -> list[Array]:
    """The value as rows of ``width`` numbers: as it lies, or columns turned into rows."""
    array = value.array
    if value.scalars or array.ndim <= 1:
        fits = array.size == width or width == 1 or (value.scalars and array.size % width == 0)
        if not fits or not array.size:
            return []
        rows = array.reshape(-1, width)
        same = len(rows) > 1 and width > 1 and bool(np.all(rows == rows[0]))
        return [rows[:1], rows] if same else [rows]  # (one row is read again for each unit)
    if array.ndim != 2:
        return [array.reshape(-1, width)] if array.ndim > 2 and array.shape[-1] == width else []
    out = [array] if array.shape[1] == width else []
    if array.shape[0] == width:
        out.append(array.T)
    return out


def _use(
    weights: Array, made: list[_Value], given: list[_Value], biases: list[Array], end: float, added: set[bytes]
) -> Layer | None:
    """How the matrix is used; the bias that goes with it is noted in ``added``."""
    inputs, outputs = weights.shape
    results = [(v.order, r) for v in made for r in _as_rows(v, outputs) if np.any(r)]
    by_rows: dict[int, list[tuple[float, Array]]] = {}
    for order, result in results:
        by_rows.setdefault(len(result), []).append((order, result))
    linear: Layer | None = None
    for value in given + made:
        if linear is not None or time.thread_time() > end:
            return linear
        for rows in _as_rows(value, inputs):
            later = [(o, r) for o, r in by_rows.get(len(rows), []) if o > value.order]
            if not later or not np.any(rows) or (len(rows) == 1 and np.count_nonzero(rows) == 1 and rows.max() == 1):
                continue  # (a single row that only picks a row of the matrix: labels, and that row is read)
            with np.errstate(all="ignore"):
                product = rows @ weights
            if not np.any(product) or not np.all(np.isfinite(product)):
                continue
            width = inputs - _has_constant(rows)
            for bias in [np.zeros(outputs), *(b for b in biases if b.size == outputs)]:
                z = product + bias
                for order, result in later:
                    name = activation_of(z, result)
                    if name is not None and np.any(bias):
                        added.add(bias.tobytes())
                    if name == "":
                        linear = linear or Layer(width, outputs, None, order, value.order, result)
                    elif name:
                        return Layer(width, outputs, name, order, value.order, result)
    return linear


def _has_constant(rows: Array) -> int:
    """1 where the first or last column is a bias unit (1 or -1 in every row)."""
    if rows.shape[1] < 2:
        return 0
    ends = [c[0] for c in (rows[:, 0], rows[:, -1]) if abs(c[0]) == 1 and np.all(c == c[0])]
    if len(rows) > 1 or not ends:
        return int(bool(ends))
    whole = bool(np.all(rows == np.round(rows)))  # of one row: the only value that is whole, or the only negative one
    return int(np.sum(rows == np.round(rows)) == 1 if not whole else bool(np.sum(rows < 0) == 1 and min(ends) < 0))


def _leaky(z: Array, y: Array) -> Array:
    below = z < 0
    if not np.any(below) or not np.any(~below):
        return np.full_like(z, np.nan)
    slope = float(y[below][0] / z[below][0])
    return np.where(below, slope * z, z) if 0 < slope < 1 else np.full_like(z, np.nan)


def _softmax(z: Array, _: Array) -> Array:
    if z.shape[1] < 2:
        return np.full_like(z, np.nan)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    result: Array = e / e.sum(axis=1, keepdims=True)
    return result


_KNOWN: dict[str, Callable[[Array, Array], Array]] = {
    "sigmoid": lambda z, _: 0.5 * (1 + np.tanh(0.5 * z)),
    "tanh": lambda z, _: np.tanh(z),
    "softmax": _softmax,
    "ReLU": lambda z, _: np.maximum(z, 0),
    "leaky ReLU": _leaky,
    "SiLU": lambda z, _: z * 0.5 * (1 + np.tanh(0.5 * z)),
    "softplus": lambda z, _: np.logaddexp(0.0, z),
    "ELU": lambda z, _: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
}


_OF_ROWS = ("softmax", "leaky ReLU")  # whose value is not known from one number alone


def activation_of(z: Array, y: Array) -> str | None:
    """Name of the function that makes ``y`` of ``z``, "" if they are equal, None if there is none."""
    with np.errstate(all="ignore"):
        size = max(float(y.max()), -float(y.min()), 1e-300)
        ends, wanted = z.ravel()[[0, -1]].reshape(1, 2), y.ravel()[[0, -1]].reshape(1, 2)
        # (two numbers tell most pairs apart, and are quickly looked at)
        if float(np.abs(ends - wanted).max()) <= EXACT * size and float(np.abs(z - y).max()) <= EXACT * size:
            return ""
        if z.size == 1 and float(y.flat[0]) in (-1.0, 0.0, 1.0):
            return None
        for name, function in _KNOWN.items():
            if name not in _OF_ROWS and not float(np.abs(function(ends, wanted) - wanted).max()) <= EXACT * size:
                continue
            if name == "softmax" and not (y.flat[0] > 0 and abs(float(y[0].sum()) - y[0].size / y.shape[1]) < 1e-6):
                continue
            if float(np.abs(function(z, y) - y).max()) <= EXACT * size and np.ptp(y) + (z.size == 1) > 0:
                return name
    return None
