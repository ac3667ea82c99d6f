"""Metrics: how good predictions are, computed from finished outputs with plain NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from unstuck.errors import InputError

Array = np.ndarray[Any, Any]


def accuracy(labels: Array, predicted: Array) -> float:
    """The share of rows whose class is right; labels and predicted (N,)."""
    labels, predicted = _same(labels, predicted)
    return float(np.mean(labels == predicted))


def confusion_matrix(labels: Array, predicted: Array, classes: int | None = None) -> Array:
    """Counts (K, K): row = true class, column = predicted class."""
    labels, predicted = _same(labels, predicted)
    for what, values in (("labels", labels), ("predicted", predicted)):
        if values.ndim != 1 or values.dtype.kind not in "biu" or values.min() < 0:
            raise InputError(
                f"confusion matrix: {what} has shape {values.shape}, dtype {values.dtype}; expected class numbers from 0, (N,)."
            )
    labels, predicted = labels.astype(np.int64), predicted.astype(np.int64)
    largest = int(max(labels.max(), predicted.max()))
    count = largest + 1 if classes is None else classes
    if count <= largest:
        raise InputError(
            f"confusion matrix: there is a class {largest}; with classes={count} expected 0 to {count - 1}."
        )
    return np.bincount(labels * count + predicted, minlength=count * count).reshape(count, count)


def balanced_accuracy(labels: Array, predicted: Array) -> float:
    """The mean over the classes that occur of the share of that class which is found."""
    labels, predicted = _same(labels, predicted)
    return float(np.mean([np.mean(predicted[labels == k] == k) for k in np.unique(labels)]))


def top_k_accuracy(labels: Array, scores: Array, k: int = 5) -> float:
    """The share of rows whose true class is among the ``k`` largest scores; scores (N, K). Ties count as ranked last."""
    labels, scores = np.asarray(labels), np.asarray(scores)
    if scores.ndim != 2 or labels.shape != scores.shape[:1] or not len(labels) or not 1 <= k <= scores.shape[1]:
        raise InputError(
            f"top-{k} accuracy: labels of shape {labels.shape}, scores of shape {scores.shape}; expected (N,) and (N, K), "
            "and a k of 1 to K."
        )
    if labels.dtype.kind not in "biu" or labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise InputError(f"top-{k} accuracy: expected labels that are whole numbers from 0 to {scores.shape[1] - 1}.")
    own = scores[np.arange(len(labels)), labels][:, None]
    others = np.arange(scores.shape[1]) != labels[:, None]
    return float(np.mean(np.sum((scores >= own) & others, axis=1) < k))


def mean_absolute_error(targets: Array, predicted: Array) -> float:
    """The mean of |target - prediction| over all values."""
    targets, predicted = _numbers(targets, predicted)
    return float(np.mean(np.abs(targets - predicted)))


def mean_squared_error(targets: Array, predicted: Array) -> float:
    """The mean of (target - prediction)² over all values."""
    targets, predicted = _numbers(targets, predicted)
    return float(np.mean((targets - predicted) ** 2))


def r2(targets: Array, predicted: Array) -> float:
    """1 - squared error / squared deviation from the mean, averaged over the columns that vary; 1 is perfect, 0 the mean."""
    targets, predicted = _numbers(targets, predicted)
    targets, predicted = targets.reshape(len(targets), -1), predicted.reshape(len(predicted), -1)
    spread = ((targets - targets.mean(axis=0)) ** 2).sum(axis=0)
    error = ((targets - predicted) ** 2).sum(axis=0)
    varies = spread > 0
    return float(np.mean(1 - error[varies] / spread[varies])) if varies.any() else float("nan")


def _same(a: Array, b: Array) -> tuple[Array, Array]:
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.size == 0:
        raise InputError(f"a metric compares shapes {a.shape} and {b.shape}; expected two equal shapes with some rows.")
    return a, b


def _numbers(a: Array, b: Array) -> tuple[Array, Array]:
    # In float64: differences of bytes would wrap around, squares of float32 lose digits.
    a, b = _same(a, b)
    return a.astype(np.float64), b.astype(np.float64)
