"""Callbacks: what a user may hang into training, with Keras' names for the hooks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TextIO

from unstuck.errors import InputError, unknown_name
from unstuck.nn.checks import whole_number

if TYPE_CHECKING:
    from unstuck.training.run import Run

Logs = dict[str, Any]


class Callback:
    """Base of callbacks; override the hooks you need. ``self.run`` is the :class:`Run` in progress.

    Set ``self.run.stop_training = True`` to end after the current epoch (or batch, when set in a batch hook). Epochs and
    batches count from 0. ``logs`` holds what is known: at the end of an epoch its row of the history, at the end of a batch
    its loss and its number of rows (size), at its beginning the numbers of its rows (rows) too.
    """

    run: Run

    def set_run(self, run: Run) -> None:
        self.run = run

    def on_train_begin(self, logs: Logs) -> None: ...
    def on_train_end(self, logs: Logs) -> None: ...
    def on_epoch_begin(self, epoch: int, logs: Logs) -> None: ...
    def on_epoch_end(self, epoch: int, logs: Logs) -> None: ...
    def on_train_batch_begin(self, batch: int, logs: Logs) -> None: ...
    def on_train_batch_end(self, batch: int, logs: Logs) -> None: ...
    def on_test_begin(self, logs: Logs) -> None: ...
    def on_test_end(self, logs: Logs) -> None: ...


class PrintProgress(Callback):
    """One plain line per epoch to a stream (standard error unless given)."""

    def __init__(self, stream: TextIO | None = None, every: int = 1) -> None:
        self.stream, self.every = stream, whole_number("PrintProgress: every", every)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if (epoch + 1) % self.every == 0:
            values = "  ".join(f"{k} {v:.4g}" for k, v in logs.items() if isinstance(v, float) and k != "seconds")
            print(f"epoch {epoch + 1}  {values}", file=self.stream or sys.stderr)
        if "trouble" in logs:
            print(f"epoch {epoch + 1}  {logs['trouble']}", file=self.stream or sys.stderr)


class LambdaCallback(Callback):
    """A callback of single functions: ``LambdaCallback(on_epoch_end=lambda epoch, logs: …)``."""

    def __init__(self, **hooks: Any) -> None:
        for name, function in hooks.items():
            known = [n for n in dir(Callback) if n.startswith("on_")]
            if name not in known:
                raise unknown_name("callback hook", name, known)
            if not callable(function):
                raise InputError(f"LambdaCallback: {name} is {function!r}; expected a function.")
            setattr(self, name, function)
