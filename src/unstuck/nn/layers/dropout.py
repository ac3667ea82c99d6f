"""Dropout: random silence in training, nothing in prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unstuck.autodiff import apply
from unstuck.errors import InputError
from unstuck.nn.layers.base import Context, Layer


@dataclass(frozen=True)
class Dropout(Layer):
    """In training each value becomes 0 with probability ``rate`` and is divided by 1 - rate otherwise.

    Source: Srivastava et al. (2014), in the form that needs no change in prediction. ``rate`` lies in [0, 1).
    """

    rate: float = 0.5

    def __post_init__(self) -> None:
        if not isinstance(self.rate, int | float) or not 0 <= self.rate < 1:
            raise InputError(f"Dropout: rate is {self.rate!r}; expected a number from 0 up to, but not including, 1.")

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        if not context.training or self.rate == 0:
            return x
        uniform = apply("random_uniform", context.key, shape=x.shape, stream=context.next_stream(), dtype=x.dtype)
        return np.where(uniform >= self.rate, x * (1.0 / (1.0 - self.rate)), 0.0)
