"""Progress of a training: a live line on a terminal, plain lines in a pipe."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from unstuck.cli.console import messages
from unstuck.training.callbacks import Callback

if TYPE_CHECKING:
    from unstuck.training.trouble import Trouble


def figures(logs: dict[str, Any], task: str) -> str:
    """The figures of an epoch as short text."""
    parts = [f"loss {logs['loss']:.4f}"]
    if task == "classification" and "accuracy" in logs:
        parts.append(f"accuracy {logs['accuracy']:.2%}")
    for name, label in (
        ("validation_accuracy", "validation accuracy"),
        ("validation_r2", "validation R²"),
        ("test_accuracy", "test accuracy"),
        ("test_r2", "test R²"),
    ):
        if name in logs:
            parts.append(f"{label} {logs[name]:.2%}" if "accuracy" in name else f"{label} {logs[name]:.3f}")
    return "  ".join(parts)


def time_text(seconds: float) -> str:
    """A duration as people read it: 0.4 s, 12 s, 3:05 min, 2:10 h."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes}:{rest:02d} min"
    return f"{minutes // 60}:{minutes % 60:02d} h"


class _TellsOfTrouble(Callback):
    """What went wrong, with its likely cause, in a line of its own as soon as it shows."""

    def on_trouble(self, trouble: Trouble) -> None:
        from rich.text import Text

        text = Text.assemble(("trouble: ", "bold yellow"), str(trouble), f"\n  unstuck explain {trouble.likely.cause}")
        messages().print(text, soft_wrap=True)


class PlainProgress(_TellsOfTrouble):
    """One line per epoch to standard error, not more than some hundred in all."""

    def __init__(self, epochs: int) -> None:
        self.epochs, self.every = epochs, max(1, epochs // 100)

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        self.begun = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        done = epoch + 1
        if done % self.every == 0 or done == self.epochs:
            left = (time.perf_counter() - self.begun) / done * (self.epochs - done)
            text = f"epoch {done}/{self.epochs}  {figures(logs, self.run.task)}  {time_text(left)} left"
            messages().print(text, markup=False, soft_wrap=True)


class LiveProgress(_TellsOfTrouble):
    """A bar that moves, on a terminal."""

    def __init__(self, epochs: int) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self.epochs = epochs
        self.bar = Progress(
            TextColumn("[bold]epoch {task.completed:.0f}/{task.total:.0f}"), BarColumn(bar_width=24),
            TextColumn("{task.fields[figures]}"), TextColumn("[dim]{task.fields[left]}"),
            console=messages(), transient=False,
        )  # fmt: skip
        self.line = self.bar.add_task("", total=epochs, figures="", left="")

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        self.begun = time.perf_counter()
        self.bar.start()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        done = epoch + 1
        spent = time.perf_counter() - self.begun
        left = (
            f"{time_text(spent / done * (self.epochs - done))} left" if done < self.epochs else f"in {time_text(spent)}"
        )
        self.bar.update(self.line, completed=done, figures=figures(logs, self.run.task), left=left)

    def on_train_end(self, logs: dict[str, Any]) -> None:
        self.close()

    def close(self) -> None:
        self.bar.stop()


def progress(epochs: int) -> PlainProgress | LiveProgress:
    """The progress that suits standard error."""
    return LiveProgress(epochs) if messages().is_terminal else PlainProgress(epochs)
