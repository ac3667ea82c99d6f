"""Callbacks: what a user may hang into training, with Keras' names for the hooks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from unstuck.training.run import Run

Logs = dict[str, Any]


class Callback:
    """Base of callbacks; override the hooks you need. ``self.run`` is the :class:`Run` in progress.

    Set ``self.run.stop_training = True`` to end after the current epoch (or batch, when set in a batch hook).
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
        self.stream, self.every = stream, every

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if (epoch + 1) % self.every == 0:
            values = "  ".join(f"{k} {v:.4g}" for k, v in logs.items() if isinstance(v, float) and k != "seconds")
            print(f"epoch {epoch + 1}  {values}", file=self.stream or sys.stderr)


class LambdaCallback(Callback):
    """A callback of single functions: ``LambdaCallback(on_epoch_end=lambda epoch, logs: …)``."""

    def __init__(self, **hooks: Any) -> None:
        for name, function in hooks.items():
            if not hasattr(Callback, name):
                from unstuck.errors import unknown_name

                raise unknown_name("callback hook", name, [n for n in dir(Callback) if n.startswith("on_")])
            setattr(self, name, function)
