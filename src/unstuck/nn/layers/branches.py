"""Add and Concatenate: several ways through the network side by side, brought together again."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unstuck.errors import InputError
from unstuck.nn.layers.base import Context, Layer, Parameter, Shape, layer_from_dict


@dataclass(frozen=True, init=False)
class _Branches(Layer):
    """What both share: branches, each a tuple of layers, that all get the same input."""

    branches: tuple[tuple[Layer, ...], ...]

    def __init__(self, *given: Any, branches: Any = ()) -> None:
        made = tuple(_branch(self.kind, branch) for branch in (*given, *branches))
        if len(made) < 2:
            raise InputError(
                f"{self.kind} got {len(made)} branches; expected at least two, such as nn.Identity() and nn.Dense(8)."
            )
        object.__setattr__(self, "branches", made)

    def to_dict(self) -> dict[str, Any]:
        return {"layer": self.kind, "branches": [[layer.to_dict() for layer in branch] for branch in self.branches]}

    def inside(self) -> dict[str, Layer]:
        return {_name(i, k, layer): layer for i, b in enumerate(self.branches) for k, layer in enumerate(b)}

    def with_inside(self, layers: Mapping[str, Layer]) -> Layer:
        given = iter(layers.values())
        return type(self)(branches=[[next(given) for _ in branch] for branch in self.branches])

    def output_shapes(self, input_shape: Shape) -> list[Shape]:
        """The shape at the end of each branch."""
        ends = []
        for branch in self.branches:
            shape = input_shape
            for layer in branch:
                shape = layer.output_shape(shape)
            ends.append(shape)
        return ends

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        found: dict[str, Parameter] = {}
        for i, branch in enumerate(self.branches):
            shape = input_shape
            for k, layer in enumerate(branch):
                found.update({f"{_name(i, k, layer)}.{key}": spec for key, spec in layer.parameters(shape).items()})
                shape = layer.output_shape(shape)
        return found

    def ends(self, x: Any, parameters: Mapping[str, Any], context: Context) -> list[Any]:
        """What comes out of each branch."""
        outer, mask, found = context.layer, context.mask, []
        for i, branch in enumerate(self.branches):
            y, context.mask = x, mask
            for k, layer in enumerate(branch):
                prefix = f"{_name(i, k, layer)}."
                mine = {key.removeprefix(prefix): p for key, p in parameters.items() if key.startswith(prefix)}
                context.layer = f"{outer}.{prefix}".removesuffix(".")
                y = layer.forward(y, mine, context)
            found.append(y)
        context.layer = outer
        return found

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(' → '.join(map(str, branch)) for branch in self.branches)})"


@dataclass(frozen=True, init=False)
class Add(_Branches):
    """The sum of several branches: ``Add(nn.Identity(), [nn.Dense(16), nn.ReLU(), nn.Dense(8)])`` is a residual block.

    Each branch is a layer or a list of layers, and all get the same input; their results must have one shape (InputError
    otherwise). Source: He et al. (2016).
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        first, *others = shapes = self.output_shapes(input_shape)
        if any(shape != first for shape in others):
            raise InputError(f"Add: the branches end in the shapes {', '.join(map(str, shapes))}; expected one shape.")
        return first

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        return functools.reduce(operator.add, self.ends(x, parameters, context))


@dataclass(frozen=True, init=False)
class Concatenate(_Branches):
    """The channels (or features) of several branches side by side, along the last axis.

    Each branch is a layer or a list of layers, and all get the same input; their results must agree in the other axes
    (InputError otherwise).
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        first, *others = shapes = self.output_shapes(input_shape)
        if any(shape[:-1] != first[:-1] for shape in others):
            raise InputError(
                f"Concatenate: the branches end in the shapes {', '.join(map(str, shapes))}; expected shapes that differ only "
                "in the last axis."
            )
        return *first[:-1], sum(shape[-1] for shape in shapes)

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        return np.concatenate(self.ends(x, parameters, context), axis=-1)


def _name(branch: int, place: int, layer: Layer) -> str:
    """The name of a layer of a branch, such as "branch2.dense1": both counted from 1."""
    return f"branch{branch + 1}.{layer.kind.lower()}{place + 1}"


def _branch(kind: str, branch: Any) -> tuple[Layer, ...]:
    layers = tuple(branch) if isinstance(branch, list | tuple) else (branch,)
    layers = tuple(layer_from_dict(layer) if isinstance(layer, Mapping) else layer for layer in layers)
    for layer in layers:
        if not isinstance(layer, Layer):
            raise InputError(f"{kind}: a branch holds {layer!r}; expected layers such as nn.Dense(16).")
    return layers
