"""GRU: a state that is partly kept and partly replaced at each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from unstuck.autodiff import apply
from unstuck.nn.layers.base import Parameter, Shape
from unstuck.nn.layers.recurrent import Recurrent


@dataclass(frozen=True)
class GRU(Recurrent):
    """``h = keep · h + (1 - keep) · tanh(x @ W + b + reset · (h @ U + b'))`` (Cho et al., 2014), keep and reset being sigmoids.

    The reset gate acts behind the product, as in cuDNN and PyTorch. weight (features, 3·units), recurrent (units, 3·units)
    and bias (3·units,) hold reset, keep, candidate; recurrent_bias (units,) is b'. The other settings are those of
    :class:`Recurrent`.
    """

    gates: ClassVar[int] = 3

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        further = Parameter((self.units,), self.bias_init, self.units, self.units, kind="bias")
        return {**super().parameters(input_shape), "recurrent_bias": further}

    def step(self, z: Any, state: tuple[Any, ...], parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        (h,) = state
        u = h @ parameters["recurrent"]  # (N, 3 · units)
        reset = apply("sigmoid", self.part(z, 0) + self.part(u, 0))
        keep = apply("sigmoid", self.part(z, 1) + self.part(u, 1))
        candidate = np.tanh(self.part(z, 2) + reset * (self.part(u, 2) + parameters["recurrent_bias"]))
        return (keep * h + (1 - keep) * candidate,)
