"""Dropout: random silence in training, nothing in prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unstuck.autodiff import apply
from unstuck.nn.checks import number
from unstuck.nn.layers.base import Context, Layer


@dataclass(frozen=True)
class Dropout(Layer):
    """In training each value becomes 0 with probability ``rate`` and is divided by 1 - rate otherwise.

    Source: Srivastava et al. (2014), in the form that needs no change in prediction. ``rate`` lies in [0, 1).
    """

    rate: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", number("Dropout: rate", self.rate, least=0, below=1))

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        if not context.training or self.rate == 0:
            return x
        uniform = apply("random_uniform", context.key, shape=x.shape, stream=context.next_stream(), dtype=x.dtype)
        return np.where(uniform >= self.rate, x * (1.0 / (1.0 - self.rate)), 0.0)
