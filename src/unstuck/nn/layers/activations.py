"""The activations: each a function of one array, and a layer that applies it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unstuck.autodiff import apply
from unstuck.errors import InputError, unknown_name
from unstuck.nn.checks import number
from unstuck.nn.layers.base import Context, Layer


@dataclass(frozen=True)
class _Activation(Layer):
    """An elementwise layer without parameters."""

    def function(self, x: Any) -> Any:
        raise NotImplementedError

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        return self.function(x)


@dataclass(frozen=True)
class Identity(_Activation):
    """``x``: a linear output."""

    def function(self, x: Any) -> Any:
        return x


@dataclass(frozen=True)
class Sigmoid(_Activation):
    """``1 / (1 + exp(-x))``, between 0 and 1."""

    def function(self, x: Any) -> Any:
        return apply("sigmoid", x)


@dataclass(frozen=True)
class Tanh(_Activation):
    """``tanh(x)``, between -1 and 1."""

    def function(self, x: Any) -> Any:
        return np.tanh(x)


@dataclass(frozen=True)
class ReLU(_Activation):
    """``max(x, 0)``; its derivative at 0 is taken as 0. NaN stays NaN: it must not be hidden by a comparison."""

    def function(self, x: Any) -> Any:
        return np.where(x <= 0, 0.0, x)


@dataclass(frozen=True)
class LeakyReLU(_Activation):
    """``x`` where positive, ``slope · x`` elsewhere (Maas et al., 2013)."""

    slope: float = 0.01

    def __post_init__(self) -> None:
        object.__setattr__(self, "slope", number("LeakyReLU: slope", self.slope))

    def function(self, x: Any) -> Any:
        return np.where(x > 0, x, self.slope * x)


@dataclass(frozen=True)
class ELU(_Activation):
    """``x`` where positive, ``alpha · (exp(x) - 1)`` elsewhere (Clevert et al., 2016)."""

    alpha: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", number("ELU: alpha", self.alpha))

    def function(self, x: Any) -> Any:
        # The exponential only ever sees negative values, so that the unused branch cannot overflow.
        return np.where(x > 0, x, self.alpha * np.expm1(np.where(x > 0, 0.0, x)))


@dataclass(frozen=True)
class GELU(_Activation):
    """``x · Φ(x)`` with the normal distribution function Φ (Hendrycks and Gimpel, 2016), exact by erf."""

    def function(self, x: Any) -> Any:
        return 0.5 * x * (1.0 + apply("erf", x * math.sqrt(0.5)))


@dataclass(frozen=True)
class SiLU(_Activation):
    """``x · sigmoid(x)``, also called swish (Elfwing et al., 2018)."""

    def function(self, x: Any) -> Any:
        return x * apply("sigmoid", x)


@dataclass(frozen=True)
class Softplus(_Activation):
    """``log(1 + exp(x))`` without overflow; always positive."""

    def function(self, x: Any) -> Any:
        return np.logaddexp(x, 0.0)


@dataclass(frozen=True)
class Softmax(_Activation):
    """``exp(x) / sum(exp(x))`` over the last axis: probabilities of exclusive classes.

    For training with cross-entropy leave it out: the loss "cross_entropy" takes logits and is safer.
    """

    def function(self, x: Any) -> Any:
        largest = apply("stop_gradient", np.max(x, axis=-1, keepdims=True))
        e = np.exp(x - largest)
        return e / np.sum(e, axis=-1, keepdims=True)


ACTIVATIONS: dict[str, type[_Activation]] = {
    "identity": Identity, "linear": Identity, "sigmoid": Sigmoid, "tanh": Tanh, "relu": ReLU, "leaky_relu": LeakyReLU,
    "elu": ELU, "gelu": GELU, "silu": SiLU, "softplus": Softplus, "softmax": Softmax,
}  # fmt: skip


def activation(name: str | Layer) -> Layer:
    """The activation layer of a name such as "sigmoid" or "relu"."""
    if isinstance(name, Layer):
        return name
    if not isinstance(name, str):
        raise InputError(
            f"activation is {name!r}; expected a name ({', '.join(ACTIVATIONS)}) or a layer such as nn.ReLU()."
        )
    if name.lower() not in ACTIVATIONS:
        raise unknown_name("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name.lower()]()
