"""What the columns of a table are, and how a row of it becomes numbers: kept with the model so that new rows become the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Column:
    """One column that the network sees."""

    name: str
    categories: tuple[str, ...] | None = None
    """For texts: the known ones in order, each an input of 0 or 1 of its own. None for numbers."""

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the inputs that this column becomes."""
        return (self.name,) if self.categories is None else tuple(f"{self.name}={text}" for text in self.categories)


@dataclass(frozen=True)
class TableLayout:
    """The columns of the table that a data set was read from."""

    names: tuple[str, ...]
    """All columns in the order of the file."""
    has_header: bool
    inputs: tuple[Column, ...]
    targets: tuple[str, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """The names of all inputs, in the order of a row of inputs."""
        return tuple(name for column in self.inputs for name in column.features)

    @property
    def is_flag(self) -> tuple[bool, ...]:
        """For each input whether it is the 0 or 1 of a category."""
        return tuple(column.categories is not None for column in self.inputs for _ in column.features)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and texts for JSON."""
        return {
            "names": list(self.names),
            "has_header": self.has_header,
            "inputs": [
                {"name": c.name, "categories": None if c.categories is None else list(c.categories)}
                for c in self.inputs
            ],
            "targets": list(self.targets),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> TableLayout:
        """The layout that :meth:`to_dict` described; KeyError or TypeError when something is missing."""
        inputs = tuple(
            Column(str(c["name"]), None if c["categories"] is None else tuple(map(str, c["categories"])))
            for c in stored["inputs"]
        )
        return cls(
            tuple(map(str, stored["names"])), bool(stored["has_header"]), inputs, tuple(map(str, stored["targets"]))
        )
