"""History: the figures of every finished epoch, by column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unstuck.errors import unknown_name


class History:
    """Columns of equal length: ``history["loss"]`` is a list with one value per finished epoch.

    Columns: epoch (from 1), loss (mean training loss over the epoch, penalties included), learning_rate, seconds, and
    where they apply accuracy, gradient (squared norm at the last step), and what evaluate gives for the validation data:
    validation_loss, validation_accuracy and validation_balanced_accuracy, or validation_mae, validation_mse, validation_r2.
    Named outputs have loss_NAME and, for classes, accuracy_NAME besides, and for validation what evaluate tells of each.
    Once there was trouble, ``trouble`` says for each epoch what it was and what was done about it, or is None.
    """

    def __init__(self, columns: dict[str, list[Any]] | None = None) -> None:
        self.columns: dict[str, list[Any]] = columns or {}

    def append(self, figures: dict[str, Any]) -> None:
        """Add the figures of one epoch."""
        length = len(self)
        for name, value in figures.items():
            if name not in self.columns:
                self.columns[name] = [None] * length
            self.columns[name].append(value)
        for column in self.columns.values():
            if len(column) == length:
                column.append(None)

    def extend(self, columns: dict[str, list[Any]]) -> None:
        """Add the figures of several epochs; a column that they lack stays empty there."""
        length, count = len(self), max(map(len, columns.values()))
        for name in {**self.columns, **columns}:
            self.columns.setdefault(name, [None] * length).extend(columns.get(name, [None] * count))

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self.columns:
            raise unknown_name("history column", name, self.columns)
        return self.columns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __len__(self) -> int:
        return max(map(len, self.columns.values()), default=0)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self.row(i) for i in range(len(self)))

    def row(self, i: int) -> dict[str, Any]:
        """The figures of one epoch; ``row(-1)`` is the last."""
        return {name: column[i] for name, column in self.columns.items() if column[i] is not None}

    def __repr__(self) -> str:
        if not len(self):
            return "History of 0 epochs"
        last = ", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in self.row(-1).items())
        return f"History of {len(self)} epochs; last: {last}"
