"""What a preset says: layers for given data, and a training that suits them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from unstuck.errors import InputError
from unstuck.nn import Layer


@dataclass(frozen=True)
class Preset:
    """A network by name: ``layers(outputs)`` and the settings of its training.

    ``reads`` is what one row has to be: "pictures" (H, W) or (H, W, C) of at least ``smallest`` × ``smallest``, "sequences"
    (steps, features), which the rows of a grey picture are too, or "text". ``training`` holds settings by the names of the
    options of ``unstuck train``.
    """

    name: str
    summary: str
    reads: str
    layers: Callable[[int], list[Layer]]
    training: Mapping[str, Any] = field(default_factory=dict)
    smallest: int = 1

    def check(self, shape: tuple[int, ...], data: str) -> None:
        """InputError for rows of a shape that the network cannot read."""
        if self.reads == "text":
            return  # data.text has read it, or refused it
        if self.reads == "pictures":
            fits = len(shape) in (2, 3) and min(shape[:2]) >= self.smallest
            wanted = f"pictures of at least {self.smallest} × {self.smallest} pixels"
        else:
            fits, wanted = len(shape) == 2, "sequences (steps, features), or grey pictures row by row"
        if not fits:
            shown = " × ".join(map(str, shape))
            raise InputError(
                f"the network {self.name} reads {wanted}; each row of {data!r} is {shown}. Give other data, or layer sizes "
                "such as 784-16-16-10."
            )
