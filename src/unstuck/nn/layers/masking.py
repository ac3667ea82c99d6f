"""Masking: says which steps of sequences of unequal lengths are only padding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unstuck.errors import InputError
from unstuck.nn.checks import number
from unstuck.nn.layers.base import Context, Layer, Shape


@dataclass(frozen=True)
class Masking(Layer):
    """Steps of (N, steps, features) whose features all equal ``value`` are left out by the layers behind.

    Recurrent layers keep their state there, attention does not look at them, in convolutions and behind Flatten they are zeros,
    pooling and batch statistics do not count them. Layers for pictures refuse them (InputError). The values themselves stay. As
    the first layer it refuses (InputError) rows that hold nothing but padding.
    """

    value: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", number("Masking: value", self.value))

    def check_rows(self, x: np.ndarray[Any, Any]) -> None:
        empty = (x == self.value).all(axis=(1, 2))
        if empty.any():
            raise InputError(
                f"row {int(empty.argmax())} holds nothing but padding ({self.value:g}); leave such rows out."
            )

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 2:
            raise InputError(f"{self} got rows of shape {input_shape}; expected (steps, features).")
        return input_shape

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        context.mask = np.max(x != self.value, axis=-1)  # (N, steps)
        return x
