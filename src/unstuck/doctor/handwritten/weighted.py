"""Losses in which each sample has a weight of its own: of its class, say, where one class is rare.

The error that is sent down fits no textbook loss then, and yet is one sample by sample: times a number that the program has
written down and that no parameter influences.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .compare import Comparison
from .nudge import Derivatives, Objective
from .records import Array
from .understand import Understanding

EXACT = 1e-9  # relative error under which two arrays are one but for a factor


def as_weighted(known: Understanding, derivatives: Derivatives, chain: Comparison) -> Comparison | None:
    """The comparison with the loss whose weighted derivative the recorded error is; None where it is none."""
    sent = chain.objective
    series = known.window.series.get(sent.value)
    if series is None or series.count != 1:
        return None
    shape = tuple(s for s in series.shapes[0] if s != 1)
    for loss in derivatives.objectives:
        if loss.kind != "loss" or loss.value != sent.value or loss.vector.size != sent.vector.size:
            continue
        for weights in _per_sample(sent.vector, loss.vector, shape):
            if _written_down(known, weights):
                return replace(chain, objective=_named(sent, loss))
    return None


def _named(sent: Objective, loss: Objective) -> Objective:
    return replace(sent, kind="loss", name=f"weighted {loss.name}", target=loss.target)


def _per_sample(sent: Array, loss: Array, shape: tuple[int, ...]) -> Iterator[Array]:
    """sent = weight of the sample * loss, samples along the first or the last axis: the weights, all positive, not all equal."""
    for axis in {0, len(shape) - 1} if shape else ():
        a = np.moveaxis(sent.reshape(shape), axis, 0).reshape(shape[axis], -1)
        b = np.moveaxis(loss.reshape(shape), axis, 0).reshape(shape[axis], -1)
        size = np.sum(b * b, axis=1)
        if len(a) < 2 or np.any(size == 0):
            continue
        weights = np.sum(a * b, axis=1) / size
        if (
            np.max(np.abs(a - weights[:, None] * b)) <= EXACT * np.max(np.abs(a))
            and np.ptp(weights)
            and weights.min() > 0
        ):
            yield weights


def _written_down(known: Understanding, weights: Array) -> bool:
    """A multiple of the weights was computed or is kept by the program, and no parameter acts on it."""
    kept = [s.flat for key, s in known.window.series.items() if key not in known.influenced]
    for held in [*kept, *(leaf.ravel() for leaf in known.leaves.values())]:
        if held.size != weights.size or not np.all(held > 0):
            continue
        factor = float(held @ weights) / float(held @ held)
        if np.max(np.abs(weights - factor * held)) <= EXACT * np.max(weights):
            return True
    return False
