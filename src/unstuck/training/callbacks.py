"""Callbacks: what a user may hang into training, with Keras' names for the hooks it has too."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TextIO

from unstuck.errors import InputError, unknown_name
from unstuck.nn.checks import whole_number

if TYPE_CHECKING:
    from unstuck.training.run import Run
    from unstuck.training.trouble import Trouble

Logs = dict[str, Any]


class Callback:
    """Base of callbacks; override the hooks you need. ``self.run`` is the :class:`Run` in progress.

    Set ``self.run.stop_training = True`` to end after the current epoch (or batch, when set in a batch hook; or at once, when
    set in ``on_trouble``). Epochs and batches count from 0. ``logs`` holds what is known: at the end of an epoch its row of the
    history, at the end of a batch its loss and its number of rows (size), at its beginning the numbers of its rows (rows) too.
    ``on_trouble`` is called once for each :class:`unstuck.training.trouble.Trouble`, while the epoch in which it shows is still
    going on (at the next look at the losses, a fraction of a second later); the network has the parameters from which training
    goes on. A NaN that ends training as a NonFiniteError is told by the error instead.
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
    def on_trouble(self, trouble: Trouble) -> None: ...


class PrintProgress(Callback):
    """One plain line per epoch to a stream (standard error unless given), and one for each trouble when it shows."""

    def __init__(self, stream: TextIO | None = None, every: int = 1) -> None:
        self.stream, self.every = stream, whole_number("PrintProgress: every", every)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if (epoch + 1) % self.every == 0:
            values = "  ".join(f"{k} {v:.4g}" for k, v in logs.items() if isinstance(v, float) and k != "seconds")
            print(f"epoch {epoch + 1}  {values}", file=self.stream or sys.stderr)

    def on_trouble(self, trouble: Trouble) -> None:
        print(f"epoch {trouble.epoch}  {trouble}", file=self.stream or sys.stderr)


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
