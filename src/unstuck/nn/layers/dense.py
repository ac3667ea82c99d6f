"""Dense: every output is a weighted sum of all inputs plus a bias."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from unstuck.errors import InputError
from unstuck.nn.checks import number, whole_number
from unstuck.nn.initializers import initializer
from unstuck.nn.layers.base import Context, Layer, Parameter, Shape


@dataclass(frozen=True)
class Dense(Layer):
    """``y = x @ weight + bias`` for rows x of shape (N, in); weight (in, units), bias (units,).

    ``weight_init=None`` takes He's normal scheme before ReLU-like activations and Glorot's normal scheme otherwise.
    ``bias_value`` is the constant unit that the bias weighs: 1, or -1 for thresholds. Raises InputError for inputs
    that are no rows of features (put ``Flatten()`` before).
    """

    units: int
    bias: bool = True
    weight_init: Any = None
    bias_init: Any = 0.0
    bias_value: float = 1.0
    feeds_activation: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", whole_number("Dense: units", self.units))
        if not isinstance(self.bias, bool):
            hint = " An activation is a layer of its own, such as nn.ReLU()." if isinstance(self.bias, str) else ""
            raise InputError(f"Dense: bias is {self.bias!r}; expected True or False.{hint}")
        object.__setattr__(self, "bias_value", number("Dense: bias_value", self.bias_value))
        if self.weight_init is not None:
            object.__setattr__(self, "weight_init", initializer(self.weight_init))
        object.__setattr__(self, "bias_init", initializer(self.bias_init))

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise InputError(
                f"Dense({self.units}) got rows of shape {input_shape}; expected (features,). Put Flatten() before it."
            )
        return (self.units,)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        (features,) = input_shape
        weight = initializer(self.weight_init if self.weight_init is not None else "glorot_normal")
        found = {"weight": Parameter((features, self.units), weight, features, self.units)}
        if self.bias:
            found["bias"] = Parameter((self.units,), self.bias_init, features, self.units, kind="bias")
        return found

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        y = x @ parameters["weight"]  # (N, units)
        if not self.bias:
            return y
        bias = parameters["bias"]
        return y + bias if self.bias_value == 1.0 else y + self.bias_value * bias

    def __str__(self) -> str:
        if not self.bias:
            return f"Dense({self.units}, no bias)"
        return (
            f"Dense({self.units})"
            if self.bias_value == 1.0
            else f"Dense({self.units}, bias units of {self.bias_value:g})"
        )
