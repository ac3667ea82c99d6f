"""Add and Concatenate: several ways through the network side by side, brought together again."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unstuck.errors import InputError
from unstuck.nn.layers.base import Context, Layer, Parameter, Shape, layer_from_dict


@dataclass(frozen=True, init=False)
class Branches(Layer):
    """What all layers with branches share, each of them a tuple of layers."""

    branches: tuple[tuple[Layer, ...], ...]

    def labels(self) -> Sequence[str]:
        """What the branches are called in the names of their parameters."""
        return [f"branch{i + 1}" for i in range(len(self.branches))]

    def input_shapes(self, input_shape: Shape) -> list[Shape]:
        """The shape of what goes into each branch: all get the same input."""
        return [input_shape] * len(self.branches)

    def inputs_of(self, x: Any) -> list[Any]:
        """What goes into each branch."""
        return [x] * len(self.branches)

    def inside(self) -> dict[str, Layer]:
        """The layers of all branches, by names such as "branch2.dense1": both counted from 1."""
        return {
            f"{label}.{layer.kind.lower()}{k + 1}": layer
            for label, branch in zip(self.labels(), self.branches, strict=True)
            for k, layer in enumerate(branch)
        }

    def with_branches(self, branches: Sequence[Sequence[Layer]]) -> Layer:
        """The same layer with other branches."""
        return type(self)(branches=branches)  # type: ignore[call-arg]

    def with_inside(self, layers: Mapping[str, Layer]) -> Layer:
        given = iter(layers.values())
        return self.with_branches([[next(given) for _ in branch] for branch in self.branches])

    def output_shapes(self, input_shape: Shape) -> list[Shape]:
        """The shape at the end of each branch."""
        ends = []
        for shape, branch in zip(self.input_shapes(input_shape), self.branches, strict=True):
            for layer in branch:
                shape = layer.output_shape(shape)
            ends.append(shape)
        return ends

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        found: dict[str, Parameter] = {}
        names = iter(self.inside())
        for shape, branch in zip(self.input_shapes(input_shape), self.branches, strict=True):
            for layer in branch:
                name = next(names)
                found.update({f"{name}.{key}": spec for key, spec in layer.parameters(shape).items()})
                shape = layer.output_shape(shape)
        return found

    def ends(self, x: Any, parameters: Mapping[str, Any], context: Context) -> list[Any]:
        """What comes out of each branch; behind them a step of a sequence is masked where every branch has it masked."""
        outer, mask, found = context.layer, context.mask, []
        masks: list[Any] = []
        names = iter(self.inside())
        for y, branch in zip(self.inputs_of(x), self.branches, strict=True):
            context.mask = mask
            for layer in branch:
                name = next(names)
                mine = {key[len(name) + 1 :]: p for key, p in parameters.items() if key.startswith(f"{name}.")}
                context.layer = f"{outer}.{name}"
                y = layer.forward(y, mine, context)
            found.append(y)
            masks.append(context.mask)
        context.layer, context.mask = outer, _joined(masks)
        return found

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(map(way, self.branches))})"


@dataclass(frozen=True, init=False)
class _Several(Branches):
    """Two branches or more, that all get the same input."""

    def __init__(self, *given: Any, branches: Any = ()) -> None:
        made = tuple(branch_of(self.kind, branch) for branch in (*given, *branches))
        if len(made) < 2:
            raise InputError(
                f"{self.kind} got {len(made)} branches; expected at least two, such as nn.Identity() and nn.Dense(8)."
            )
        object.__setattr__(self, "branches", made)

    def to_dict(self) -> dict[str, Any]:
        return {"layer": self.kind, "branches": [[layer.to_dict() for layer in branch] for branch in self.branches]}


@dataclass(frozen=True, init=False)
class Add(_Several):
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
class Concatenate(_Several):
    """The channels (or features) of several branches side by side, along the last axis.

    Each branch is a layer or a list of layers, and all get the same input; their results must agree in the other axes
    (InputError otherwise).
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        return side_by_side(self.kind, self.output_shapes(input_shape))

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        return np.concatenate(self.ends(x, parameters, context), axis=-1)


def side_by_side(kind: str, shapes: Sequence[Shape]) -> Shape:
    """The shape of the ends of branches along the last axis; InputError where the other axes differ."""
    first = shapes[0]
    if any(shape[:-1] != first[:-1] for shape in shapes):
        raise InputError(
            f"{kind}: the branches end in the shapes {', '.join(map(str, shapes))}; expected shapes that differ only "
            "in the last axis."
        )
    return *first[:-1], sum(shape[-1] for shape in shapes)


def way(branch: Sequence[Layer]) -> str:
    """A branch in a line."""
    return " → ".join(map(str, branch))


def branch_of(kind: str, branch: Any) -> tuple[Layer, ...]:
    """A layer or a list of layers, or of their descriptions, as a tuple; InputError for anything else."""
    layers = tuple(branch) if isinstance(branch, list | tuple) else (branch,)
    layers = tuple(layer_from_dict(layer) if isinstance(layer, Mapping) else layer for layer in layers)
    for layer in layers:
        if not isinstance(layer, Layer):
            raise InputError(f"{kind}: a branch holds {layer!r}; expected layers such as nn.Dense(16).")
    return layers


def _joined(masks: Sequence[Any]) -> Any:
    """Steps that any of the masks keeps; None, which keeps all, where one of them does or they are of different lengths."""
    first = masks[0]
    if any(mask is None or mask.shape != first.shape for mask in masks):
        return None
    return functools.reduce(lambda a, b: a if a is b else a | b, masks)
