"""Inputs and Outputs: networks that are given several things by name, or that tell several.

Inside the network a row is one array: its parts, made flat, lie side by side. Inputs takes them apart again, and Outputs puts
its results so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unstuck.errors import InputError
from unstuck.nn.checks import whole_number
from unstuck.nn.layers.base import Context, Layer, Shape
from unstuck.nn.layers.branches import Branches, branch_of, side_by_side, way
from unstuck.nn.layers.dense import Dense


@dataclass(frozen=True, init=False)
class _Named(Branches):
    """Branches with names."""

    names: tuple[str, ...]

    def __init__(self, /, *given: Any, **branches: Any) -> None:
        if given or not branches:
            what = f"{given[0]!r} without a name" if given else "no branches"
            raise InputError(
                f"{self.kind} got {what}; expected a branch for each name, such as {self.kind}(size=nn.Dense(8))."
            )
        wrong = next((name for name in branches if not name.isidentifier()), None)
        if wrong is not None:
            raise InputError(
                f"{self.kind}: the name {wrong!r} cannot be used; expected letters, digits and _, such as 'size'."
            )
        object.__setattr__(self, "names", tuple(branches))
        object.__setattr__(self, "branches", tuple(branch_of(self.kind, branch) for branch in branches.values()))

    def labels(self) -> Sequence[str]:
        return self.names

    def with_branches(self, branches: Sequence[Sequence[Layer]]) -> Layer:
        return type(self)(**dict(zip(self.names, branches, strict=True)))

    def to_dict(self) -> dict[str, Any]:
        ways = zip(self.names, self.branches, strict=True)
        return {"layer": self.kind, "branches": {name: [layer.to_dict() for layer in branch] for name, branch in ways}}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Layer:
        return cls(**settings["branches"])

    def __str__(self) -> str:
        ways = (f"{name}={way(branch) or 'Identity()'}" for name, branch in zip(self.names, self.branches, strict=True))
        return f"{self.kind}({', '.join(ways)})"


@dataclass(frozen=True, init=False)
class Inputs(_Named):
    """Several inputs by name, each through a branch of its own.

    The first layer of its network, which is then given a dict of arrays with one row for each example. A branch is a layer or
    a list of layers, ``nn.Identity()`` for an input that goes on as it is; the results are put side by side along the last
    axis, and must agree in the others (InputError): ``Inputs(picture=[nn.Conv2D(8, 3), nn.Flatten()], facts=nn.Dense(8))``.
    The same layer object in two branches is one layer with one set of weights.
    ``shapes``, those of a row of each input, come from the data, or from ``input_shape={"picture": (28, 28), "facts": 5}``.
    """

    shapes: tuple[Shape, ...] | None = None

    def with_shapes(self, shapes: Mapping[str, Any]) -> Inputs:
        """The layer for rows of these shapes, one for each of its names in their order; what goes into Dense is made flat."""
        sizes = {name: tuple(shape) if isinstance(shape, Sequence) else (shape,) for name, shape in shapes.items()}
        known = [
            tuple(whole_number(f"input_shape: a size of {name!r}", n) for n in shape) for name, shape in sizes.items()
        ]
        made = Inputs(**dict(zip(self.names, self.branches, strict=True)))
        flat = [isinstance(branch[0], Dense) if branch else False for branch in self.branches]
        known = [(math.prod(shape),) if f else shape for f, shape in zip(flat, known, strict=True)]
        object.__setattr__(made, "shapes", tuple(known))
        return made

    def known_shapes(self) -> tuple[Shape, ...]:
        """The shapes; InputError as long as they are not known."""
        if self.shapes is None:
            given = ", ".join(f"{name!r}: …" for name in self.names)
            raise InputError(
                f"the shapes of the inputs are not known yet; give input_shape={{{given}}} or fit the network to data first."
            )
        return self.shapes

    @property
    def width(self) -> int:
        """How many numbers a row has, all parts together."""
        return sum(map(math.prod, self.known_shapes()))

    def input_shapes(self, input_shape: Shape) -> list[Shape]:
        if input_shape != (self.width,):
            raise InputError(
                f"{self.kind} got rows of shape {input_shape}; expected ({self.width},), the inputs side by side."
            )
        return list(self.known_shapes())

    def inputs_of(self, x: Any) -> list[Any]:
        return split(x, self.known_shapes())

    def with_branches(self, branches: Sequence[Sequence[Layer]]) -> Layer:
        made = super().with_branches(branches)
        object.__setattr__(made, "shapes", self.shapes)
        return made

    def output_shape(self, input_shape: Shape) -> Shape:
        return side_by_side(self.kind, self.output_shapes(input_shape))

    def check_rows(self, x: np.ndarray[Any, Any]) -> None:
        for name, part, branch in zip(self.names, self.inputs_of(x), self.branches, strict=True):
            try:
                for layer in branch[:1]:
                    layer.check_rows(part)
            except InputError as error:
                raise InputError(f"input {name!r}: {error}") from None

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        ends = self.ends(x, parameters, context)
        return np.concatenate(ends, axis=-1) if len(ends) > 1 else ends[0]

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "shapes": None if self.shapes is None else [list(shape) for shape in self.shapes]}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Layer:
        made = cls(**settings["branches"])
        shapes = settings["shapes"]
        return made if shapes is None else made.with_shapes(dict(zip(made.names, shapes, strict=True)))


@dataclass(frozen=True, init=False)
class Outputs(_Named):
    """Several outputs by name, each through a branch of its own: ``Outputs(digit=nn.Dense(10), size=[nn.ReLU(), nn.Dense(1)])``.

    The last layer of its network; each branch gets what came out of the layers before. The targets are then a dict of arrays, the
    loss is the sum of one for each output, and ``predict`` gives a dict. The layer itself gives all results, made flat, side by
    side.
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        return (sum(map(math.prod, self.output_shapes(input_shape))),)

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        ends = [np.reshape(y, (y.shape[0], math.prod(y.shape[1:]))) for y in self.ends(x, parameters, context)]
        context.mask = None
        return np.concatenate(ends, axis=1) if len(ends) > 1 else ends[0]


def split(rows: Any, shapes: Sequence[Shape]) -> list[Any]:
    """The parts of rows (N, width) in which values of these shapes lie side by side: (N, *shape) for each."""
    found, begin = [], 0
    for shape in shapes:
        end = begin + math.prod(shape)
        found.append(np.reshape(rows[:, begin:end], (rows.shape[0], *shape)))
        begin = end
    return found
