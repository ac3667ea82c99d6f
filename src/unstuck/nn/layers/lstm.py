"""LSTM: a memory cell beside the state, and gates that say what is written, kept and told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from unstuck.autodiff import apply
from unstuck.nn.checks import number
from unstuck.nn.layers.recurrent import Recurrent


@dataclass(frozen=True)
class LSTM(Recurrent):
    """``c = forget · c + input · tanh(candidate)``, ``h = output · tanh(c)`` (Hochreiter and Schmidhuber, 1997; Gers, 2000).

    weight (features, 4·units), recurrent (units, 4·units) and bias (4·units,) hold the gates in the order input, forget,
    candidate, output; gates are sigmoids. ``forget_bias`` is added to the forget gate, so that memory lasts at the start
    (Jozefowicz et al., 2015). The other settings are those of :class:`Recurrent`.
    """

    forget_bias: float = 1.0
    gates: ClassVar[int] = 4
    states: ClassVar[int] = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "forget_bias", number("LSTM: forget_bias", self.forget_bias))

    def step(self, z: Any, state: tuple[Any, ...], parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        h, c = state
        z = z + h @ parameters["recurrent"]  # (N, 4 · units)
        write, candidate, tell = apply("sigmoid", self.part(z, 0)), np.tanh(self.part(z, 2)), self.part(z, 3)
        keep = apply("sigmoid", self.part(z, 1) + self.forget_bias)
        c = keep * c + write * candidate
        return apply("sigmoid", tell) * np.tanh(c), c
