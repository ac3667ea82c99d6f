"""What SimpleRNN, GRU and LSTM share: weights, masks, direction, truncation, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from unstuck.autodiff import apply, scan
from unstuck.errors import InputError
from unstuck.nn.checks import whole_number
from unstuck.nn.initializers import initializer
from unstuck.nn.layers.base import Context, Layer, Parameter, Shape

# With fewer rows, the inputs of all steps are multiplied with the weights in one product; with more, each step has a product
# of its own, whose result is still in the cache when the state joins it.
FEW_ROWS = 16


@dataclass(frozen=True)
class Recurrent(Layer):
    """A recurrence over sequences (N, steps, features); each kind says how many gates it has and what one step does.

    ``sequences=False`` gives the last state (N, units), ``True`` the states after all steps (N, steps, units).
    ``reverse`` goes from the last step to the first. ``truncate=k`` cuts the gradient every k steps (truncated
    backpropagation through time); the states go on. Steps that a mask leaves out keep the state as it is
    (:class:`Masking`, ``Embedding(padding=…)``), so that the last state is that after the last real step.

    ``stateful=True`` is for sequences too long for one row, cut into pieces: in training row i of a batch goes on with the
    state in which row i of the batch before ended (rows arranged so by :func:`unstuck.datasets.streams`, ``shuffle=False``);
    the gradient ends at the border, and each epoch begins with zeros. Prediction and evaluation begin each row with zeros.
    """

    units: int
    sequences: bool = False
    reverse: bool = False
    truncate: int | None = None
    stateful: bool = field(default=False, kw_only=True)
    weight_init: Any = "glorot_uniform"
    recurrent_init: Any = "orthogonal"
    bias_init: Any = 0.0
    gates: ClassVar[int] = 1
    states: ClassVar[int] = (
        1  # parts of the state, each (N, units); they begin with zeros, and the first is what is told
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", whole_number(f"{self.kind}: units", self.units))
        for name in ("sequences", "reverse", "stateful"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{self.kind}: {name} is {getattr(self, name)!r}; expected True or False.")
        if self.stateful and self.reverse:
            raise InputError(
                f"{self.kind}: stateful=True takes the state on to what comes behind, so it does not go with reverse=True; leave "
                "one of them out."
            )
        if self.truncate is not None:
            object.__setattr__(self, "truncate", whole_number(f"{self.kind}: truncate", self.truncate))
        for name in ("weight_init", "recurrent_init", "bias_init"):
            object.__setattr__(self, name, initializer(getattr(self, name)))

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 2:
            raise InputError(f"{self} got rows of shape {input_shape}; expected (steps, features).")
        return (input_shape[0], self.units) if self.sequences else (self.units,)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        features, units, width = input_shape[1], self.units, self.gates * self.units
        return {
            "weight": Parameter((features, width), self.weight_init, features, units),
            "recurrent": Parameter((units, width), self.recurrent_init, units, units),
            "bias": Parameter((width,), self.bias_init, features, units, kind="bias"),
        }

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        rows, steps, features = x.shape
        ordered = np.transpose(x, (1, 0, 2))
        weight, bias = parameters["weight"], parameters["bias"]
        together = rows < FEW_ROWS
        if together:
            joined = np.reshape(ordered, (steps * rows, features))
            ordered = np.reshape(joined @ weight + bias, (steps, rows, -1))  # (steps, N, gates · units)

        def step(state: tuple[Any, ...], now: Any, mask: Any = None) -> tuple[Any, ...]:
            new = self.step(now if together else now @ weight + bias, state, parameters)
            return new if mask is None else tuple(np.where(mask, a, b) for a, b in zip(new, state, strict=True))

        mask = None if context.mask is None else np.transpose(context.mask)[:, :, None]  # (steps, N, 1)
        state: tuple[Any, ...] = (x.graph.constant(np.zeros((rows, self.units)), x.dtype),) * self.states
        if self.stateful:
            state = tuple(context.state_before(f"state{i + 1}", zeros) for i, zeros in enumerate(state))
        if not self.sequences:
            context.mask = None
        pieces = []
        for begin, end in self._spans(x.shape[1]):
            here = (ordered[begin:end],) if mask is None else (ordered[begin:end], mask[begin:end])
            states = scan(lambda state, now: step(state, *now), state, here, reverse=self.reverse)
            last = 0 if self.reverse else -1
            state = tuple(apply("stop_gradient", part[last]) for part in states)
            pieces.append(states[0])
        if self.stateful:
            for i, part in enumerate(state):
                context.state_after(f"state{i + 1}", part)
        if not self.sequences:
            return pieces[-1][0 if self.reverse else -1]  # (N, units)
        told = pieces[::-1] if self.reverse else pieces
        return np.transpose(np.concatenate(told) if len(told) > 1 else told[0], (1, 0, 2))

    def step(self, z: Any, state: tuple[Any, ...], parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        """The next state from the inputs' share z (N, gates · units) and the state; each part (N, units)."""
        raise NotImplementedError

    def _spans(self, steps: int) -> list[tuple[int, int]]:
        """Runs of steps through which the gradient flows, in the order in which they are taken."""
        size = self.truncate or steps
        if self.reverse:
            return [(max(end - size, 0), end) for end in range(steps, 0, -size)]
        return [(begin, min(begin + size, steps)) for begin in range(0, steps, size)]

    def part(self, z: Any, gate: int) -> Any:
        """The columns of one gate."""
        return z[:, gate * self.units : (gate + 1) * self.units]
