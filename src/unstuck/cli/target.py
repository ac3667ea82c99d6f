"""--to: train until the test data are answered as well as that, and say how long it took."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from unstuck.cli.console import BEGAN
from unstuck.cli.progress import time_text
from unstuck.errors import InputError
from unstuck.training.callbacks import Callback
from unstuck.training.run import evaluate

if TYPE_CHECKING:
    from unstuck.data import Splits


class Target(Callback):
    """Measures the test part after every epoch, and ends training where the aim is reached.

    The measure is the accuracy for classes and R² for numbers. InputError for an aim that cannot be reached, and for data
    without a test part.
    """

    def __init__(self, aim: float, splits: Splits) -> None:
        self.measure = "accuracy" if splits.train.task == "classification" else "r2"
        if not 0 < aim <= 1:
            hint = f"; did you mean {aim / 100:g}?" if 1 < aim <= 100 else "."
            raise InputError(f"--to is {aim:g}; expected a share of at most 1, such as 0.99{hint}")
        if splits.test is None:
            raise InputError(
                f"--to {aim:g} needs test data, and {splits.name!r} is without; leave --test-fraction 0 out, or leave --to out."
            )
        self.aim, self.data = aim, splits.test
        self.epoch: int | None = None
        self.best = self.last = -float("inf")
        self.seconds = 0.0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        run = self.run
        self.last = evaluate(run.network, self.data, loss=run.loss)[self.measure]
        self.best = max(self.best, self.last)
        logs[f"test_{self.measure}"] = self.last
        if self.last >= self.aim:
            self.epoch, self.seconds = epoch + 1, time.perf_counter() - BEGAN
            run.stop_training, run.stopped_because = True, "target reached"

    def sentence(self) -> str:
        """What came of it."""
        if self.epoch is None:
            best = f"; the best was {self._shown(self.best)}" if self.best > -float("inf") else ""
            return f"{self._shown(self.aim)} on the test data was not reached{best}."
        after = f"{time_text(self.seconds)} after the command began"
        return f"{self._shown(self.last)} on the test data in epoch {self.epoch}, {after}."

    def facts(self) -> dict[str, Any]:
        """The same for --json."""
        reached = self.epoch is not None
        return {
            "measure": self.measure, "aim": self.aim, "reached": reached, "epoch": self.epoch,
            "seconds": round(self.seconds, 3) if reached else None,
        }  # fmt: skip

    def _shown(self, value: float) -> str:
        return f"{value:.2%}" if self.measure == "accuracy" else f"R² {value:.3f}"
