"""Embedding: whole numbers become vectors that are learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unstuck.autodiff import apply
from unstuck.errors import InputError
from unstuck.nn.checks import whole_number
from unstuck.nn.initializers import initializer
from unstuck.nn.layers.base import Context, Layer, Parameter, Shape


@dataclass(frozen=True)
class Embedding(Layer):
    """Tokens (N, steps), whole numbers from 0 to count - 1, become (N, steps, width): row ``token`` of weight (count, width).

    ``padding`` is a token that means "nothing here", such as 0: the layers behind leave its steps out (see
    :attr:`Context.mask`). The first layer of its network: InputError for data that hold other numbers, and for rows that
    hold nothing but padding.
    """

    count: int
    width: int
    padding: int | None = None
    weight_init: Any = "normal"

    def __post_init__(self) -> None:
        for name in ("count", "width"):
            object.__setattr__(self, name, whole_number(f"Embedding: {name}", getattr(self, name)))
        if self.padding is not None:
            padding = whole_number("Embedding: padding", self.padding, 0)
            if padding >= self.count:
                raise InputError(f"Embedding: padding is {padding}; expected a token below {self.count}, or None.")
        object.__setattr__(self, "weight_init", initializer(self.weight_init))

    def check_rows(self, x: np.ndarray[Any, Any]) -> None:
        wrong = (x != np.floor(x)) | (x < 0) | (x >= self.count)
        if wrong.any():
            row, *place = (int(i) for i in np.argwhere(wrong)[0])
            raise InputError(
                f"row {row} holds the token {x[row, *place]:g} at step {place[0]}; expected whole numbers from 0 to "
                f"{self.count - 1} (and preprocessing='none')."
            )
        if self.padding is not None:
            empty = (x == self.padding).all(axis=1)
            if empty.any():
                raise InputError(
                    f"row {int(empty.argmax())} holds nothing but padding ({self.padding}); leave such rows out."
                )

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise InputError(f"{self} got rows of shape {input_shape}; expected (steps,), one token each.")
        return *input_shape, self.width

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        return {"weight": Parameter((self.count, self.width), self.weight_init, self.count, self.width)}

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        if self.padding is not None:
            context.mask = x != self.padding  # (N, steps)
        # Not weight[…], which would also serve numbers below 0: check_rows has refused them.
        return apply("take", parameters["weight"], x.astype(np.int64))  # (N, steps, width)
