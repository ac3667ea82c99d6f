"""LayerNorm: the features of each row (or step) get the mean 0 and the variance 1, then a scale and a shift each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unstuck.nn.checks import number
from unstuck.nn.initializers import initializer
from unstuck.nn.layers.base import Context, Layer, Parameter, Shape


@dataclass(frozen=True)
class LayerNorm(Layer):
    """``scale · (x - mean) / sqrt(variance + epsilon) + shift`` over the last axis: of each row, step or place by itself.

    It does the same in training and prediction. Source: Ba, Kiros and Hinton (2016).
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        object.__setattr__(self, "epsilon", number("LayerNorm: epsilon", self.epsilon, above=0))

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        features = input_shape[-1]
        return {
            name: Parameter((features,), initializer(value), features, features, kind="bias")
            for name, value in (("scale", 1.0), ("shift", 0.0))
        }

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        centred = x - np.mean(x, axis=-1, keepdims=True)
        variance = np.mean(np.square(centred), axis=-1, keepdims=True)  # (N, …, 1)
        return centred / np.sqrt(variance + self.epsilon) * parameters["scale"] + parameters["shift"]
