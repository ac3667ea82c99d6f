"""Outputs beside targets as two matrices, and the score of the one against the other."""

from __future__ import annotations

import numpy as np

from ..records import Array, Series


def paired(output: Series, target: Series) -> tuple[Array, Array] | None:
    """Outputs and targets as two matrices (rows, columns); integer labels become one-hot rows. None if they do not fit."""
    shapes = set(output.shapes)
    if len(shapes) != 1 or not np.all(np.isfinite(target.flat)):
        return None
    shape = [n for n in next(iter(shapes)) if n != 1]
    o = output.flat
    if output.count > 1:
        shape = [output.count, *shape] if len(shape) <= 1 else [output.count * shape[0], *shape[1:]]
    if len(shape) > 2:
        shape = [int(np.prod(shape[:-1])), shape[-1]]
    t = target.flat
    if t.size == o.size:
        if len(shape) <= 1:
            single = len(shape) == 1 and is_one_hot(t.reshape(1, -1))  # one row, also where it is made number by number
            return (o.reshape(1, -1), t.reshape(1, -1)) if single else (o.reshape(-1, 1), t.reshape(-1, 1))
        a, b = o.reshape(shape), t.reshape(shape)
        own = [n for n in target.shapes[0] if n != 1]
        if target.count == 1 and own == shape[::-1] and own != shape:
            b = t.reshape(own).T
        if is_one_hot(b.T) and not is_one_hot(b):
            return a.T, b.T
        if not is_one_hot(b) and shape[0] < shape[1] and shape[0] <= 4:  # features x samples
            return a.T, b.T
        return a, b
    if t.size and o.size % t.size == 0 and np.all(t == np.round(t)) and t.min() >= 0:
        classes = o.size // t.size
        if t.max() >= classes:
            return None
        rows = np.eye(classes)[t.astype(int)]
        if len(shape) == 2 and shape[0] == classes and shape[1] == t.size and shape[0] != shape[1]:
            return o.reshape(shape).T, rows
        return o.reshape(t.size, classes), rows
    return None


def joined(pairs: list[tuple[Array, Array]]) -> tuple[Array, Array] | None:
    """The pairs of several steps one below the other; None if there are none, or of different widths.

    One row of a few outputs, or a few rows of one output: where any step can only be the second, all are.
    """
    if any(o.shape[1] == 1 for o, _ in pairs):
        pairs = [(o.reshape(-1, 1), t.reshape(-1, 1)) if len(o) == 1 else (o, t) for o, t in pairs]
    if not pairs or len({o.shape[1] for o, _ in pairs}) != 1:
        return None
    return np.concatenate([o for o, _ in pairs]), np.concatenate([t for _, t in pairs])


def is_one_hot(t: Array) -> bool:
    """Rows of zeros with a single one (or smoothed to it), more than one column."""
    if t.ndim != 2 or t.shape[1] < 2:
        return False
    return bool(np.all(np.abs(t.sum(axis=1) - 1) < 1e-6) and np.all(t >= 0) and np.all(t.max(axis=1) > 0.5))


def scored(o: Array, t: Array) -> tuple[str, float, float]:
    """("accuracy" or "R²", its value, mean squared error) of outputs and targets (rows, columns)."""
    with np.errstate(all="ignore"):
        error = float(np.mean((o - t) ** 2))
        if not np.all(np.isfinite(o)):
            return ("accuracy" if t.shape[1] > 1 and is_one_hot(t) else "R²"), float("nan"), float("nan")
        if is_one_hot(t):
            return "accuracy", float(np.mean(o.argmax(axis=1) == t.argmax(axis=1))), error
        values = np.unique(t) if t.size < 2_000_000 else np.zeros(0)
        if len(values) == 2:
            middle = float(values.mean())
            bounded = o.min() >= values[0] and o.max() <= values[1]
            limits = (middle,) if bounded else (middle, 0.0)  # a line through both, or logits
            return "accuracy", max(float(np.mean((o > limit) == (t > middle))) for limit in limits), error
        spread = ((t - t.mean(axis=0)) ** 2).sum()
        return "R²", float(1 - ((o - t) ** 2).sum() / spread) if spread > 0 else float("nan"), error
