"""BatchNorm: each channel gets the mean 0 and the variance 1 of a batch, then a scale and a shift of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unstuck.nn.checks import number
from unstuck.nn.initializers import initializer
from unstuck.nn.layers import masks
from unstuck.nn.layers.base import Context, Layer, Parameter, Shape


@dataclass(frozen=True)
class BatchNorm(Layer):
    """``scale · (x - mean) / sqrt(variance + epsilon) + shift`` for each channel (the last axis).

    In training mean and variance are those of the batch, over all rows and places. Running ones, kept beside the
    parameters, go ``momentum · old + (1 - momentum) · batch`` at each step, with the unbiased variance; prediction uses them, so
    that a row's result does not depend on its company. A batch with a single value for each channel leaves them as they are.
    A layer that stands in several places of a network has one set of them, which each place updates in turn. Steps of
    sequences that a mask leaves out are not counted.
    ``momentum`` lies in [0, 1). Source: Ioffe and Szegedy (2015).
    """

    momentum: float = 0.9
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        object.__setattr__(self, "momentum", number("BatchNorm: momentum", self.momentum, least=0, below=1))
        object.__setattr__(self, "epsilon", number("BatchNorm: epsilon", self.epsilon, above=0))

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        shape = input_shape[-1:]
        channels = math.prod(shape)
        starts = {
            "scale": (1.0, "bias"),
            "shift": (0.0, "bias"),
            "mean": (0.0, "statistic"),
            "variance": (1.0, "statistic"),
        }
        return {
            name: Parameter(shape, initializer(value), channels, channels, kind)
            for name, (value, kind) in starts.items()
        }

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        mean, variance = parameters["mean"], parameters["variance"]
        count = math.prod(x.shape[:-1])
        if context.training:
            axes = tuple(range(len(x.shape) - 1))
            running, mask = (mean, variance), masks.mask_of(x, context)
            if mask is None:
                mean = np.mean(x, axis=axes)  # (C,)
                variance = np.mean(np.square(x - mean), axis=axes)
                unbiased, known = variance * (count / max(count - 1, 1)), None
            else:
                real = np.sum(mask.astype(x.dtype))
                mean = np.sum(masks.filled(x, mask), axis=axes) / np.maximum(real, 1.0)
                variance = np.sum(masks.filled(np.square(x - mean), mask), axis=axes) / np.maximum(real, 1.0)
                unbiased, known = variance * (real / np.maximum(real - 1, 1.0)), real > 1
            for name, old, new in zip(("mean", "variance"), running, (mean, unbiased), strict=True):
                before = context.latest(name, old)
                after = self.momentum * before + (1 - self.momentum) * new
                if count > 1:
                    context.update(name, after if known is None else np.where(known, after, before))
        factor = parameters["scale"] / np.sqrt(variance + self.epsilon)
        return (x - mean) * factor + parameters["shift"]
