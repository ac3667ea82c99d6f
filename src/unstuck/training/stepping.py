"""The steps of a training: which rows and which rate each one takes, and the way back to where an epoch began."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from unstuck.autodiff import Graph
from unstuck.engines.steps import arguments
from unstuck.training.preparation import Prepared
from unstuck.training.schedules import Constant, ReduceOnPlateau, Schedule, WarmUp

Array = np.ndarray[Any, Any]
State = tuple[list[Array], int]  # parameters and slots, and the number of steps behind them

# After so many seconds of steps their results are looked at: a NaN ends training, Ctrl-C is heard.
LOOK_SECONDS = 0.05


class Stepping:
    """Takes the steps of one training; the state is what they change."""

    def __init__(self, prepared: Prepared, started: float) -> None:
        self.prepared, self.run, self.started = prepared, prepared.run, started
        self.rows, self.count = prepared.rows, len(prepared.train)
        self.lowered = 1.0  # factor of all rates, after trouble
        self.pace = math.inf  # seconds a step, as far as is known
        self.epoch_start: State = (self.state, 0)
        self.carried = len(prepared.plan.carried(self.graph(self.rows)))  # states that go on from batch to batch

    @property
    def state(self) -> list[Array]:
        """The parameters, then the optimiser's slots, then what layers carry from batch to batch."""
        return self.prepared.steps.state

    @state.setter
    def state(self, values: Sequence[Array]) -> None:
        self.prepared.steps.state = list(values)

    @property
    def in_epoch(self) -> int:
        """The number of steps of an epoch."""
        return -(-self.count // self.rows)

    def begin_epoch(self) -> None:
        """Remember where the epoch begins; the states that go on from batch to batch begin with zeros."""
        if self.carried:
            state = self.state
            self.state = [*state[: -self.carried], *map(np.zeros_like, state[-self.carried :])]
        self.epoch_start = (self.state, self.run.steps)

    def go_back(self, there: State | None = None) -> None:
        """To the state and step number of the start of this epoch, or of another one."""
        self.state, self.run.steps = there or self.epoch_start
        self.store()

    def store(self) -> None:
        """Give the network the parameters as they are now."""
        parameters = self.prepared.network.parameters
        parameters.update(zip(parameters, self.state, strict=False))

    def order(self, epoch: int) -> Array:
        """The row numbers of an epoch in their order; each batch takes the next of them."""
        if not self.prepared.shuffle:
            return np.arange(self.count)
        return np.random.default_rng([self.run.seed, 1, epoch]).permutation(self.count)

    def rates(self, epoch: int) -> Array:
        """The learning rate of each step of an epoch."""
        schedule, epochs = self.prepared.optimizer.learning_rate, self.prepared.epochs
        assert isinstance(schedule, Schedule)
        factor, begins = self._plateau_factor() * self.lowered, range(0, self.count, self.rows)
        if isinstance(schedule, Constant):
            return np.full(len(begins), schedule.at(epoch, epochs) * factor)
        return np.array([schedule.at(epoch + i / self.count, epochs) * factor for i in begins])

    def many_rates(self, first: int, count: int) -> Array:
        """The learning rates of several epochs of whole batches, (epochs, steps)."""
        schedule = self.prepared.optimizer.learning_rate
        if isinstance(schedule, Constant):
            rate = schedule.at(first, self.prepared.epochs) * self.lowered
            return np.full((count, self.count // self.rows), rate)
        return np.stack([self.rates(epoch) for epoch in range(first, first + count)])

    def take(self, order: Array, rates: Array, first: int, count: int) -> list[Array]:
        """Take ``count`` steps of an epoch from its step ``first`` on; each figure of :meth:`StepPlan.record`, for each step."""
        begun = time.perf_counter()
        rows = order[first * self.rows : (first + count) * self.rows]
        results = self.prepared.steps.run(rows, rates[first : first + count], self.run.steps)
        self.run.steps += count
        now = time.perf_counter()
        if not self.run.seconds_to_first_step:
            self.run.seconds_to_first_step = now - self.started
        else:  # the first steps also compile
            self.pace = (now - begun) / count
        return results

    def at_a_look(self) -> int:
        """How many steps may be taken before looking at their results, and for Ctrl-C."""
        return max(1, int(LOOK_SECONDS / self.pace))

    def inputs_of(self, order: Array, rates: Array, batch: int, state: State | None = None) -> tuple[Any, ...]:
        """What the graph of one step of an epoch is given, with the state as it is now or another one."""
        rows = order[batch * self.rows : (batch + 1) * self.rows]
        values, steps = state or (self.state, self.run.steps)
        return arguments(self.prepared.given, rows, rates[batch], steps, values)

    def graph(self, rows: int) -> Graph:
        """The step graph for batches of this many rows."""
        return self.prepared.graph(rows)

    @property
    def schedule(self) -> Schedule:
        """The schedule of the rate, after its warm-up."""
        schedule = self.prepared.optimizer.learning_rate
        assert isinstance(schedule, Schedule)
        return (schedule.then or schedule) if isinstance(schedule, WarmUp) else schedule

    def _plateau_factor(self) -> float:
        schedule, history = self.schedule, self.run.history
        if not isinstance(schedule, ReduceOnPlateau) or not len(history):
            return 1.0
        return schedule.plateau_factor(history["validation_loss" if self.prepared.validation is not None else "loss"])
