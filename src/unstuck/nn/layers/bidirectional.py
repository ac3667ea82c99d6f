"""Bidirectional: a recurrent layer from both ends of a sequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unstuck.errors import InputError
from unstuck.nn.layers.base import Context, Layer, Parameter, Shape, layer_from_dict
from unstuck.nn.layers.recurrent import Recurrent


@dataclass(frozen=True)
class Bidirectional(Layer):
    """``recurrent`` forwards, and a second one of its kind backwards, side by side: (N, 2·units) or (N, steps, 2·units).

    At each step (``sequences=True``) the state from before stands beside the state from behind; otherwise the two states
    after a whole pass. Source: Schuster and Paliwal (1997).
    """

    recurrent: Any

    def __post_init__(self) -> None:
        if isinstance(self.recurrent, Mapping):
            object.__setattr__(self, "recurrent", layer_from_dict(self.recurrent))
        if not isinstance(self.recurrent, Recurrent):
            raise InputError(
                f"Bidirectional: recurrent is {self.recurrent!r}; expected a recurrent layer such as nn.LSTM(16)."
            )
        if self.recurrent.stateful:
            raise InputError(
                "Bidirectional: recurrent is stateful, but what reads from behind cannot begin with a state from before; leave "
                "stateful=True out."
            )
        object.__setattr__(self, "recurrent", replace(self.recurrent, reverse=False))

    def _both(self) -> dict[str, Recurrent]:
        return {"forward": self.recurrent, "backward": replace(self.recurrent, reverse=True)}

    def output_shape(self, input_shape: Shape) -> Shape:
        *steps, units = self.recurrent.output_shape(input_shape)
        return *steps, 2 * units

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        return {
            f"{way}.{name}": spec
            for way, layer in self._both().items()
            for name, spec in layer.parameters(input_shape).items()
        }

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        mask, states = context.mask, []
        for way, layer in self._both().items():
            mine = {name.removeprefix(f"{way}."): p for name, p in parameters.items() if name.startswith(f"{way}.")}
            context.mask = mask
            states.append(layer.forward(x, mine, context))
        return np.concatenate(states, axis=-1)

    def __str__(self) -> str:
        return f"Bidirectional({self.recurrent})"
