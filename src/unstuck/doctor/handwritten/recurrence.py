"""A recurrent layer by its values: a state that is an activation of the state before times a square trained matrix."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from .layers import EXACT, activation_of
from .records import Array, Series
from .understand import Parameter, Understanding
from .windows import series_before

MOST_NUMBERS = 2_000_000  # of one series
MOST_SERIES = 60
MOST_SECONDS = 0.7  # of this thread


@dataclass(frozen=True)
class Recurrence:
    """``steps`` of ``inputs`` → ``units`` with an activation; ``parameters``: paths of what it is made of."""

    steps: int
    inputs: int
    units: int
    activation: str
    parameters: frozenset[str]


def find_recurrence(known: Understanding) -> Recurrence | None:
    """The recurrent layer of a step; None where there is none, more than one, or one with gates.

    Three things are computed: the state is the activation of a recorded sum; a recorded product is the state before times a
    square parameter; and that sum is this product, something that only one other parameter acts on, and a bias or none.
    """
    forward = series_before(known.window, known.update_moment)
    series = [
        s for k in known.influenced
        if (s := forward.get(k)) is not None and s.count > 1 and s.is_float and s.flat.size <= MOST_NUMBERS
        and len(set(s.shapes)) == 1 and math.prod(s.shapes[0]) > 1
    ]  # fmt: skip
    found = {}
    end = time.thread_time() + MOST_SECONDS
    for matrix in known.parameters:
        units = matrix.shape[0] if matrix.shape else 0
        if matrix.shape != (units, units) or units < 2:
            continue
        fitting = [s for s in series if units in (s.shapes[0][-1], s.shapes[0][0])]
        one = _of_matrix(known, matrix, fitting, end)
        if one is not None:
            found[matrix.path] = one
    return next(iter(found.values())) if len(found) == 1 else None


def _of_matrix(known: Understanding, matrix: Parameter, series: list[Series], end: float) -> Recurrence | None:
    units = matrix.shape[0]
    tables = [(s, _table(s, units)) for s in series[:MOST_SERIES]]
    for state, h in tables:
        if time.thread_time() > end:
            return None
        carried = [h[:-1] @ weights for weights in (matrix.before, matrix.before.T)]
        for product, p in tables:
            if product is state or len(p) - len(h) not in (0, -1) or p.shape[1:] != h.shape[1:]:
                continue
            later = p[len(p) - len(h) + 1 :]
            if any(_equal(q, later) for q in carried):
                found = _around(known, matrix, state, h, p, tables)
                if found is not None:
                    return found
    return None


def _around(
    known: Understanding, matrix: Parameter, state: Series, h: Array, p: Array, tables: list[tuple[Series, Array]]
) -> Recurrence | None:
    """The sum that the state is an activation of, and what goes into it besides the product."""
    sums = [(z, a) for s, z in tables if z.shape == h.shape and s is not state and (a := activation_of(z, h))]
    shapes = {q.path: q for q in known.parameters}
    n = min(len(h), len(p))
    for z, activation in sums:
        for other, r in tables:
            acting = known.influenced.get(other.key, set())
            if len(acting) != 1 or r.shape != h.shape or matrix.path in acting:
                continue
            left = z[-n:] - p[-n:] - r[-n:]
            inputs = shapes[next(iter(acting))]
            sizes = [m for m in inputs.shape if m != h.shape[-1]] or [h.shape[-1]]
            biases = [q for q in known.parameters if q.before.size == h.shape[-1] and q is not inputs]
            bias = next((q for q in biases if _equal(left, np.broadcast_to(q.before.ravel(), left.shape))), None)
            none = float(np.max(np.abs(left))) <= EXACT * float(np.max(np.abs(z)))
            if len(inputs.shape) == 2 and (bias is not None or none):
                used = {matrix.path, inputs.path} | ({bias.path} if bias is not None else set())
                return Recurrence(len(h), sizes[0], h.shape[-1], activation, frozenset(used))
    return None


def _table(series: Series, units: int) -> Array:
    """(steps, rows, units) of a series whose rows or columns are states."""
    shape = series.shapes[0]
    if len(shape) == 2 and shape[1] != units and shape[0] == units:
        return series.flat.reshape(series.count, *shape).transpose(0, 2, 1)
    return series.flat.reshape(series.count, -1, units)


def _equal(a: Array, b: Array) -> bool:
    if a.shape != b.shape or not np.any(b):
        return False
    with np.errstate(all="ignore"):
        return bool(np.max(np.abs(a - b)) <= EXACT * np.max(np.abs(b)))
