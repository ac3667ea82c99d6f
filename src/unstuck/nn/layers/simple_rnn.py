"""SimpleRNN: the state is an activation of the input and of the last state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unstuck.errors import InputError
from unstuck.nn.layers.activations import activation
from unstuck.nn.layers.recurrent import Recurrent


@dataclass(frozen=True)
class SimpleRNN(Recurrent):
    """``h = activation(x @ weight + bias + h @ recurrent)`` at each step (Elman, 1990).

    weight (features, units), recurrent (units, units), bias (units,); ``activation`` is "tanh", "relu" or another name. The
    other settings are those of :class:`Recurrent`.
    """

    activation: str = "tanh"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.activation, str):
            raise InputError(f"SimpleRNN: activation is {self.activation!r}; expected a name such as 'tanh' or 'relu'.")
        activation(self.activation)

    def step(self, z: Any, state: tuple[Any, ...], parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        return (activation(self.activation).function(z + state[0] @ parameters["recurrent"]),)  # type: ignore[attr-defined]
