"""The network that was understood, as one sentence: "64 → 40 tanh → 10 softmax, cross-entropy, SGD 0.2, batch 50"."""

from __future__ import annotations

import ast
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from .compare import Comparison
from .examine import Examination
from .nudge import Objective
from .program import Program
from .repair import climbs
from .session import Array, Series, Session
from .understand import series_before

EXACT = 1e-9  # largest difference, relative to the largest value, under which two recorded values count as one
MOST_VALUES = 8  # occurrences of one place that are looked at
MOST_SECONDS = 2.0  # for finding the layers
MOST_ELEMENTS = 500_000  # of one value
_SAME = 1e-4  # relative difference of two rates or derivatives that count as equal


@dataclass(frozen=True)
class Layer:
    """A weight matrix in use: ``inputs`` → ``outputs`` units, ``activation`` None where it could not be told.

    ``order``: moment of its output in the recorded step; ``source``: that of its input, -1 where no parameter acts on it.
    """

    inputs: int
    outputs: int
    activation: str | None
    order: float
    source: float


def network_sentence(session: Session, program: Program, examination: Examination) -> str | None:
    """Layers with their activations, loss, update rule and batch size, as far as recorded values tell them."""
    known, best = examination.known, examination.best
    layers = find_layers(examination)
    if layers:
        widths = [f"{x.outputs} {x.activation}" if x.activation else str(x.outputs) for x in layers]
        parts = [" → ".join([str(layers[0].inputs), *widths])]
    else:
        count = sum(p.before.size for p in known.parameters)
        variables = len(known.parameters)
        parts = [f"{variables} trained variable{'s' if variables > 1 else ''} with {count} numbers"]
    outputs = layers[-1].outputs if layers else None
    loss = _loss(examination)
    rows = _rows(examination, loss, outputs)
    if loss is not None:
        parts.append(_PLAIN.get(loss.name, loss.name))
    if best is not None and best.clean:
        rule = _rule(program, examination, best, loss, rows, outputs)
        if rule:
            parts.append(rule)
    if rows:
        parts.append(f"batch {rows}")
    return ", ".join(parts)


# Layers -----------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Value:
    array: Array
    order: float
    scalars: bool  # one number after the other


def find_layers(examination: Examination) -> list[Layer]:
    """The stack of layers in forward order, empty where the weight matrices do not form one.

    A layer is found by computing it: some recorded value times the matrix (or its transpose), plus a trained bias or none,
    is a recorded value, or becomes one by a usual activation.
    """
    known = examination.known
    forward = series_before(known.window, known.update_moment)
    end = time.monotonic() + MOST_SECONDS
    ends = [float(forward[o.value].order[-1]) for o in _losses(examination) if o.value in forward]
    last = max(ends, default=np.inf)
    made = [v for v in _values(forward[k] for k in known.influenced if k in forward) if v.order <= last]
    made.sort(key=lambda v: v.order)
    given = [replace(v, order=-1.0) for v in _values(s for k, s in forward.items() if k not in known.influenced)]
    given += [_Value(v, -1.0, False) for p, v in known.leaves.items() if v.ndim and p not in _paths(examination)]
    biases = [p.before.ravel() for p in known.parameters]
    found: list[Layer] = []
    added: set[bytes] = set()  # what a layer adds after its product, is no matrix of its own
    large = 0
    matrices = [m for p in known.parameters for m in _matrices(p.before)]
    for flat in (False, True):
        for matrix in (m for m in matrices if (min(m.shape) == 1) == flat):
            if flat and matrix.tobytes() in added:
                continue
            large += not flat
            uses: list[Layer] = []
            for weights in (matrix, matrix.T):
                use = _use(weights, made, given, biases, end, added)
                if use is not None and (use.inputs, use.outputs) not in [(u.inputs, u.outputs) for u in uses]:
                    uses.append(use)
            if not uses and not flat:
                return []
            uses.sort(key=lambda layer: layer.order)
            found += [
                u for i, u in enumerate(uses) if i == 0 or u.activation or ends
            ]  # (an error sent back through it is no layer)
    found.sort(key=lambda layer: layer.order)
    ends_at = next((i for i, layer in enumerate(found) if layer.activation == "softmax"), None)
    if ends_at is not None:  # what comes after the softmax is the error on its way back
        found = found[: ends_at + 1]
    chained = all(b.inputs - a.outputs in (0, 1) and b.source >= a.order for a, b in itertools.pairwise(found))
    told = all(a.activation or a.inputs != a.outputs for a in found[:-1])  # (a sum of two products is no layer)
    if not large or not chained or not told:
        return []
    return [_without_bias_unit(layer, found[i - 1] if i else None) for i, layer in enumerate(found)]


def _without_bias_unit(layer: Layer, before: Layer | None) -> Layer:
    """Of a single row a constant unit cannot be told from a value, but by what the layer below puts out."""
    if before is not None and layer.inputs == before.outputs + 1:
        return replace(layer, inputs=before.outputs)
    return layer


def _paths(examination: Examination) -> set[str]:
    return {p.path for p in examination.known.parameters} | set(examination.known.states)


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
        if one.count > 1 and all(int(np.prod(s)) == 1 for s in one.shapes):
            arrays = [_Value(one.flat, float(one.order[0]), True)]
        elif one.count > 1 and len(set(one.shapes)) == 1 and len(one.shapes[0]) == 1:
            arrays.append(_Value(one.flat.reshape(one.count, -1), float(one.order[0]), False))
        every += arrays
    out: list[_Value] = []
    seen: set[tuple[bytes, tuple[int, ...]]] = set()
    for value in sorted(every, key=lambda v: v.order):
        mark = value.array.tobytes(), value.array.shape
        if mark not in seen and np.all(np.isfinite(value.array)):
            seen.add(mark)
            out.append(value)
    return out


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
        if time.monotonic() > end:
            return None
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
                    name = _activation(z, result)
                    if name is not None and np.any(bias):
                        added.add(bias.tobytes())
                    if name == "":
                        linear = linear or Layer(width, outputs, None, order, value.order)
                    elif name:
                        return Layer(width, outputs, name, order, value.order)
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
    "ELU": lambda z, _: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
}


def _activation(z: Array, y: Array) -> str | None:
    """Name of the function that makes ``y`` of ``z``, "" if they are equal, None if there is none."""
    with np.errstate(all="ignore"):
        size = max(float(np.max(np.abs(y))), 1e-300)
        if float(np.max(np.abs(z - y))) <= EXACT * size:
            return ""
        if z.size == 1 and float(y.flat[0]) in (-1.0, 0.0, 1.0):
            return None
        for name, function in _KNOWN.items():
            if float(np.max(np.abs(function(z, y) - y))) <= EXACT * size and np.ptp(y) + (z.size == 1) > 0:
                return name
    return None


# Loss, update, batch ----------------------------------------------------------------------------------------------------
_PLAIN = {
    "cross-entropy of logits": "cross-entropy",
    "binary cross-entropy of logits": "binary cross-entropy",
    "squared error of sigmoid": "squared error",
    "Huber": "Huber loss",
    "Poisson": "Poisson loss",
    "logistic margin": "logistic loss",
}


def _loss(examination: Examination) -> Objective | None:
    """The textbook loss whose true derivatives are those of what is descended."""
    return min(_losses(examination), key=lambda o: (o.name not in _PLAIN.values(), len(o.name)), default=None)


def _losses(examination: Examination) -> list[Objective]:
    best = examination.best
    if best is None or examination.state not in ("right", "wrong"):
        return []
    if best.objective.kind == "loss" and not best.clean and len(best.of("right")) < 2:
        return []
    return [o for o in examination.derivatives.objectives if o.kind == "loss" and _ratio(best.objective, o) is not None]


def _ratio(a: Objective, b: Objective) -> float | None:
    """a = ratio * b in every direction, or None."""
    x, y = a.derivative.ravel(), b.derivative.ravel()
    with np.errstate(all="ignore"):
        size = float(y @ y)
        ratio = float(x @ y) / size if size else 0.0
    if not np.isfinite(size) or not np.isfinite(ratio) or not ratio:
        return None
    close = float(np.max(np.abs(x - ratio * y))) <= 1e-5 * float(np.max(np.abs(x)))
    return ratio if close else None


def _rows(examination: Examination, loss: Objective | None, outputs: int | None) -> int | None:
    if loss is None or not outputs:
        return None
    known = examination.known
    series = series_before(known.window, known.update_moment).get(loss.value)
    if series is None:
        return None
    size = int(np.prod(series.shapes[-1])) if len(set(series.shapes)) > 1 else series.flat.size
    return size // outputs if size % outputs == 0 else None


def _rule(
    program: Program, examination: Examination, best: Comparison, loss: Objective | None, rows: int | None, outputs: int | None
) -> str | None:  # fmt: skip
    by_update = all(v.through is not None and v.through.key is None for v in best.of("right"))
    common = (
        all(abs(v.factor / best.factor - 1) < _SAME for v in best.of("right")) if np.isfinite(best.factor) else False
    )
    if not by_update or not common:
        return "own update rule"
    if climbs(examination):
        return None  # a finding says so
    if _may_have_memory(examination):
        return None
    known_rates = _numbers(program, examination)
    ratio = _ratio(best.objective, loss) if loss is not None else None
    if loss is not None and ratio is not None and rows and outputs:
        step = abs(best.factor * ratio)  # per unit of the gradient of the loss summed over the rows
        half = loss.name == "squared error"
        scales = [rows, 1.0, rows * outputs] + ([rows / 2, 0.5, rows * outputs / 2] if half else [])
        fitting = [s for s in scales if any(abs(step * s / n - 1) < _SAME for n in known_rates)]
        fitting.sort(key=lambda s: float(step * s).is_integer())  # (a whole number may well be that of the units)
        if fitting:
            summed = fitting[0] in (1.0, 0.5) and rows > 1
            return f"SGD {_short(step * fitting[0])}" + (" on the summed gradient" if summed else "")
        if not half:
            return f"SGD {_short(step * rows)}"
    return f"step {_short(abs(best.factor))} × gradient"


def _short(rate: float) -> str:
    return f"{float(f'{rate:.4g}'):g}"


def _may_have_memory(examination: Examination) -> bool:
    """Every parameter has a companion of its shape that was zero: a velocity in its first step looks like none."""
    known = examination.known
    zero = [known.leaves[p].shape for p in known.states if p in known.leaves and not np.any(known.leaves[p])]
    return all(p.shape in zero for p in known.parameters if p.before.size > 1)


def _numbers(program: Program, examination: Examination) -> set[float]:
    """Positive single numbers that the program has: as variables or as written in it."""
    found = {float(v.ravel()[0]) for v in examination.known.leaves.values() if v.size == 1}
    for text in program.sources.values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and node.value is not True:
                found.add(float(node.value))
    return {n for n in found if np.isfinite(n) and n > 0}
