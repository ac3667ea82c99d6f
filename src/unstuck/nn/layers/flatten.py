"""Flatten: rows of any shape become rows of features."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unstuck.nn.layers import masks
from unstuck.nn.layers.base import Context, Layer, Shape


@dataclass(frozen=True)
class Flatten(Layer):
    """(N, H, W, C) becomes (N, H·W·C), in C order. Steps of sequences that a mask leaves out become zeros."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        mask, context.mask = masks.mask_of(x, context), None
        if mask is not None:
            x = masks.filled(x, mask)
        return np.reshape(x, (x.shape[0], math.prod(x.shape[1:])))
