"""What is done about trouble in a training: say it, end there, or go back to a good state with a lower rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from unstuck.errors import NonFiniteError
from unstuck.training import nonfinite
from unstuck.training.likely import blown_up, stuck
from unstuck.training.preparation import Prepared
from unstuck.training.recording import Recorder
from unstuck.training.step import trained
from unstuck.training.stepping import State, Stepping
from unstuck.training.trouble import Trouble, Watch

Array = np.ndarray[Any, Any]

# What the rate is multiplied by when training goes back, and how often that is tried.
LOWER, MOST_TIMES = 0.1, 6

GO_ON, AGAIN, END = "go on", "again", "end"


class Guard:
    """Watches one training and answers trouble as ``on_trouble`` says.

    What its methods give says how the loop goes on: GO_ON, begin the epoch AGAIN from the state that the stepping now has, or
    END training. Decisions depend on nothing but the losses of the steps, so that a seed has one result.
    """

    def __init__(
        self, prepared: Prepared, stepping: Stepping, recorder: Recorder, tell: Callable[[Trouble], None]
    ) -> None:
        self.stepping, self.recorder, self.run, self._tell = stepping, recorder, prepared.run, tell
        self.answer, self._sums = prepared.on_trouble, prepared.loss.batch == "sum"
        self.watch = Watch(
            prepared.loss, prepared.targets, prepared.weights, prepared.network.output_shape[-1],
            batch=prepared.rows if prepared.shuffle else None,
        )  # fmt: skip
        weights = [(name, spec) for name, spec in trained(prepared.network).items() if spec.kind == "weight"]
        # A tenth of what weights of variance 1 / fan-in have.
        self._usual = {name: 0.1 * math.sqrt(math.prod(spec.shape) / max(spec.fan_in, 1)) for name, spec in weights}
        self.pending: list[str] = []  # what the next row of the history is to say
        self._starts: list[tuple[int, State]] = []  # of the first epoch, the one before this one, this one
        self._tried = self._lowered = 0

    def begin_epoch(self, epoch: int) -> None:
        """The stepping has just remembered the start of an epoch, a new one or the same again."""
        if self.answer == "lower_rate" and (not self._starts or self._starts[-1][0] != epoch):
            self._starts = [*self._starts[:1], *self._starts[1:][-1:], (epoch, self.stepping.epoch_start)]
            self._tried = 0

    def notes(self) -> dict[str, str]:
        """What there is to say in the row of the history for the epoch in progress, once."""
        said, self.pending = self.pending, []
        return {"trouble": " ".join(said)} if said else {}

    def until_check(self, done: int, count: int) -> int:
        """As many steps of the next ``count``, behind ``done`` of the epoch, as may be taken before :meth:`after_steps`.

        It must see the state that those steps leave which decide, however fast steps are.
        """
        check = self.watch.next_check(done)
        return count if check is None else min(count, check - done)

    def after_steps(self, epoch: int, losses: Array, order: Array, rates: Array) -> str:
        """Look at the data losses of the epoch's steps so far."""
        a_row = losses / (self.stepping.rows if self._sums else 1)
        step, done = self.watch.exploded(a_row, self.stepping.in_epoch), len(losses)
        if step is None:
            what = self.watch.sits(a_row) if self.watch.next_check(done - 1) == done else ""
            certain = self.watch.is_certain(done)
            return self._still(epoch, what, done, order, rates, certain=certain) if what else GO_ON
        figures = self._figures(epoch, step, order, rates, self.stepping.epoch_start)
        what = f"the loss explodes: {a_row[step]:.4g} at step {step + 1} of epoch {epoch + 1}; it began at {self.watch.first:.4g}"
        cause = blown_up(figures, float(rates[step]), self._usual)
        if a_row[0] > self.watch.limit:  # the epoch began in a bad state
            self._tried = max(self._tried, 1)
        return self._answered(Trouble("explodes", epoch + 1, self.stepping.epoch_start[1] + step + 1, what, cause))

    def not_finite(self, epoch: int, order: Array, rates: Array) -> str:
        """Something in the epoch is not finite: find it, and leave training as it was at the start of the epoch.

        Raises NonFiniteError, with the Run as ``.run``, where nothing else is to be done about it.
        """
        bad = nonfinite.find(self.stepping, epoch)
        begin = self.stepping.epoch_start
        figures = self._figures(epoch, bad.step - begin[1] - 1, order, rates, begin)
        what = f"training met a NaN or an infinity at step {bad.step} (epoch {epoch + 1}), first in {bad.place}"
        trouble = Trouble("not finite", epoch + 1, bad.step, what, blown_up(figures, bad.rate, self._usual, bad.place))
        answer = GO_ON if self.answer == "warn" else self._answered(trouble)
        if answer != GO_ON:
            return answer
        self.run.stopped_because = "not finite"
        error = NonFiniteError(f"{trouble} The parameters are those of the start of that epoch.")
        error.run = self.run  # type: ignore[attr-defined]
        raise error

    def after_epoch(self, epoch: int, loss: float, steps: int, order: Array, rates: Array) -> str:
        """Look at the data loss of a finished epoch."""
        what = self.watch.stands_still(loss / (self.stepping.count if self._sums else 1), steps)
        return self._still(epoch, what, steps, order, rates) if what else GO_ON

    def _still(self, epoch: int, what: str, steps: int, order: Array, rates: Array, *, certain: bool = True) -> str:
        """The loss stands still, as ``what`` says, with the state that ``steps`` steps of the epoch have left.

        Unless it is ``certain``, it is trouble only if the flight recorder shows a cause.
        """
        figures = self._figures(epoch, steps - 1, order, rates, (self.stepping.state, self.run.steps))
        cause = stuck(figures, float(rates[steps - 1]), self._usual)
        if cause.cause == "plateau" and not certain:
            return GO_ON
        return self._answered(Trouble("stands still", epoch + 1, self.run.steps, what, cause))

    def sees_trouble(self, losses: Array) -> bool:
        """Whether the data losses (epochs, steps) of several epochs are to be looked at one by one."""
        a_row = losses / (self.stepping.rows if self._sums else 1)
        return self.watch.would_tell(a_row)

    def _answered(self, trouble: Trouble) -> str:
        answer, done = GO_ON, ""
        if self.answer == "stop":
            answer, done = END, "Training ends"
            if trouble.kind != "stands still":
                self.stepping.go_back()
                done += f" with the parameters of the start of epoch {trouble.epoch}"
            self.run.stopped_because = "trouble"
        elif self.answer == "lower_rate" and trouble.likely.by_rate:
            answer, done = self._lower(trouble)
        if answer != AGAIN:
            self.watch.tell(trouble.kind)
        told = Trouble(trouble.kind, trouble.epoch, trouble.step, trouble.what, trouble.likely, done)
        self.run.troubles.append(told)
        self.pending.append(str(told))
        self._tell(told)
        return answer

    def _lower(self, trouble: Trouble) -> tuple[str, str]:
        """Back to a good state, each time an earlier one for the same epoch, and on with a lower rate."""
        if self._lowered == MOST_TIMES:
            return GO_ON, f"The rate was lowered {MOST_TIMES} times, which was no help"
        self._tried += 1
        back = 0 if trouble.kind == "stands still" else max(len(self._starts) - self._tried, 0)
        begin, state = self._starts[back]
        self.stepping.go_back(state)
        self._lowered += 1
        self.stepping.lowered *= LOWER
        self.watch.forget()
        rate = float(self.stepping.rates(trouble.epoch - 1)[0])
        return AGAIN, f"Back to the start of epoch {begin + 1}, from there with the rate {rate:g}"

    def _figures(self, epoch: int, batch: int, order: Array, rates: Array, state: State) -> dict[str, Any]:
        """What the flight recorder measures on one batch of the epoch with this state."""
        given = self.stepping.inputs_of(order, rates, batch, state)
        return self.recorder.now(epoch + 1, state[1], given)
