"""Dropout and SpatialDropout: random silence in training, nothing in prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unstuck.autodiff import apply
from unstuck.nn.checks import number
from unstuck.nn.layers.base import Context, Layer, Shape


@dataclass(frozen=True)
class Dropout(Layer):
    """In training each value becomes 0 with probability ``rate`` and is divided by 1 - rate otherwise.

    Source: Srivastava et al. (2014), in the form that needs no change in prediction. ``rate`` lies in [0, 1).
    """

    rate: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", number(f"{self.kind}: rate", self.rate, least=0, below=1))

    def mask_shape(self, x: Any) -> Shape:
        """One draw for each value."""
        return x.shape

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        if not context.training or self.rate == 0:
            return x
        uniform = apply(
            "random_uniform", context.key, shape=self.mask_shape(x), stream=context.next_stream(), dtype=x.dtype
        )
        return np.where(uniform >= self.rate, x * (1.0 / (1.0 - self.rate)), 0.0)


@dataclass(frozen=True)
class SpatialDropout(Dropout):
    """As :class:`Dropout`, for whole channels: (N, H, W, C) or (N, steps, C) lose all places of a channel at once.

    Neighbouring pixels say much the same, so that single ones would not be missed. Source: Tompson et al. (2015).
    """

    def mask_shape(self, x: Any) -> Shape:
        return (x.shape[0], *(1,) * (len(x.shape) - 2), x.shape[-1])
