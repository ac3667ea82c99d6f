"""Many training steps in a row: what an engine is given for them, and how they run where nothing faster is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from unstuck.autodiff import Graph

Array = np.ndarray[Any, Any]


@dataclass
class Training:
    """What steps are taken on.

    ``record(n)`` gives the step graph for n rows. Its inputs are x, targets, weights (if there are any), rate, step, key, and
    the state; its outputs some figures and the new state. ``inputs`` (N, …) are the stored data: x is
    ``(inputs - shift) · factor``, with one shift and factor for each value of a row, or as they are where these are None.
    ``rows(numbers)`` gives finished rows of x instead, where the stored ones are of a kind that only it understands.
    """

    record: Callable[[int], Graph]
    batch: int  # rows of a step; the last one of an epoch may have fewer
    inputs: Array | None
    rows: Callable[[Array], Array]
    targets: Array
    weights: Array | None
    state: Sequence[Array]
    seed: int
    shift: Array | None = None
    factor: Array | None = None


class Steps(Protocol):
    """Takes steps, and holds the state: the parameters and the optimiser's slots."""

    state: list[Array]  # as it is now; later steps leave these arrays alone

    def run(self, order: Array, rates: Array, before: int) -> list[Array]:
        """One step for each rate, on the rows ``order`` in turn, after ``before`` steps; each figure of each step."""

    def listing(self) -> str:
        """What a step does, to be read."""


class PlainSteps:
    """Step by step, by programs that take arrays and give arrays."""

    def __init__(self, training: Training, compiled: Callable[[Graph], Callable[..., list[Any]]]) -> None:
        self.training, self._compile = training, compiled
        self.state: list[Array] = list(training.state)
        self._programs: dict[int, Callable[..., list[Any]]] = {}

    def run(self, order: Array, rates: Array, before: int) -> list[Array]:
        figures = []
        for number, rate in enumerate(rates):
            rows = order[number * self.training.batch : (number + 1) * self.training.batch]
            results = self._program(len(rows))(*arguments(self.training, rows, rate, before + number, self.state))
            split = len(results) - len(self.state)
            # One assignment, so that an interrupt leaves either the old state or the new one.
            self.state = results[split:]
            figures.append(results[:split])
        return [np.array(values) for values in zip(*figures, strict=True)]

    def listing(self) -> str:
        return self.training.record(self.training.batch).listing()

    def _program(self, rows: int) -> Callable[..., list[Any]]:
        if rows not in self._programs:
            self._programs[rows] = self._compile(self.training.record(rows))
        return self._programs[rows]


def arguments(training: Training, rows: Array, rate: float, before: int, state: Sequence[Array]) -> tuple[Any, ...]:
    """The inputs of the step graph for a batch, after ``before`` steps."""
    x = training.rows(rows)
    scalar = x.dtype.type
    weights = () if training.weights is None else (training.weights[rows].astype(x.dtype),)
    return x, training.targets[rows], *weights, scalar(rate), scalar(before + 1), key_of(training.seed, before), *state


def key_of(seed: int, before: int) -> Array:
    """The key of a step's random draws."""
    return np.array([seed & 0xFFFFFFFF, before & 0xFFFFFFFF], np.uint32)
