"""Attention: each step looks at all steps, and takes the more of each the better it fits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unstuck.errors import InputError
from unstuck.nn.checks import whole_number
from unstuck.nn.initializers import initializer
from unstuck.nn.layers.activations import Softmax
from unstuck.nn.layers.base import Context, Layer, Parameter, Shape


def scaled_dot_product(query: Any, key: Any, value: Any, allowed: Any = None) -> Any:
    """``softmax(query · keyᵀ / sqrt(width)) · value`` for (…, T, width), (…, S, width) and (…, S, any): (…, T, any).

    Where ``allowed`` (broadcast to (…, T, S)) is false, nothing is taken; who may look at nothing gets zeros.
    """
    scores = query @ np.swapaxes(key, -1, -2) * (1.0 / math.sqrt(query.shape[-1]))  # (…, T, S)
    if allowed is None:
        return Softmax().function(scores) @ value
    # Not minus infinity: a row without anything allowed would be NaN, and so would its gradient.
    shares = Softmax().function(np.where(allowed, scores, float(np.finfo(scores.dtype).min) / 2))
    return np.where(allowed, shares, 0.0) @ value


@dataclass(frozen=True)
class SelfAttention(Layer):
    """Multi-head attention of a sequence to itself: (N, steps, features) to (N, steps, features).

    ``heads`` heads of width ``width / heads`` each; ``width=None`` takes the number of features. weight (features, 3·width)
    and bias (3·width,) make queries, keys and values; output_weight (width, features) and output_bias (features,) join
    the heads. ``causal``: a step sees only itself and what came before. Steps that a mask leaves out are not looked at.
    Source: Vaswani et al. (2017).
    """

    heads: int = 1
    width: int | None = None
    causal: bool = False
    weight_init: Any = "glorot_uniform"
    bias_init: Any = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "heads", whole_number("SelfAttention: heads", self.heads))
        if self.width is not None:
            object.__setattr__(self, "width", whole_number("SelfAttention: width", self.width))
        if not isinstance(self.causal, bool):
            raise InputError(f"SelfAttention: causal is {self.causal!r}; expected True or False.")
        for name in ("weight_init", "bias_init"):
            object.__setattr__(self, name, initializer(getattr(self, name)))

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 2:
            raise InputError(f"{self} got rows of shape {input_shape}; expected (steps, features).")
        width = self.width or input_shape[1]
        if width % self.heads:
            raise InputError(f"{self}: a width of {width} does not fall into {self.heads} equal heads.")
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        features, width = input_shape[1], self.width or input_shape[1]
        return {
            "weight": Parameter((features, 3 * width), self.weight_init, features, width),
            "bias": Parameter((3 * width,), self.bias_init, features, width, kind="bias"),
            "output_weight": Parameter((width, features), self.weight_init, width, features),
            "output_bias": Parameter((features,), self.bias_init, width, features, kind="bias"),
        }

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        steps = x.shape[1]
        z = x @ parameters["weight"] + parameters["bias"]  # (N, T, 3 · width)
        width = z.shape[-1] // 3
        size = width // self.heads
        allowed = np.tri(steps, dtype=bool) if self.causal else None  # (T, T)
        if context.mask is not None:
            known = context.mask[:, None, :]  # (N, 1, T)
            allowed = known if allowed is None else np.logical_and(known, allowed)
        found = []
        for begin in range(0, width, size):
            query, key, value = (z[:, :, part + begin : part + begin + size] for part in (0, width, 2 * width))
            found.append(scaled_dot_product(query, key, value, allowed))  # (N, T, width / heads)
        joined = np.concatenate(found, axis=-1) if len(found) > 1 else found[0]  # (N, T, width)
        return joined @ parameters["output_weight"] + parameters["output_bias"]
