"""Function: a user's own layer, written as one array function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unstuck.autodiff import Graph, Node
from unstuck.errors import InputError
from unstuck.nn.initializers import initializer
from unstuck.nn.layers.base import Context, Layer, Parameter, Shape


@dataclass(frozen=True)
class Function(Layer):
    """Your own layer: ``function(x, **parameters)`` in NumPy on a batch x of shape (N, *input_shape).

    ``shapes`` gives each parameter's shape (without any layer size worked out for you), ``init`` its initialiser
    (default Glorot's normal scheme; parameters with one axis start at 0 and are not penalised). The derivative comes
    from the table of primitives. A saved network holds only the layer's ``name``: pass the function again to
    ``unstuck.load(path, functions={name: function})``.

    >>> from unstuck import nn
    >>> scaled = nn.Function(lambda x, gain: x * gain, shapes={"gain": (3,)}, init={"gain": 1.0}, name="scaled")
    >>> print(nn.Network(scaled, input_shape=3).parameters["scaled1.gain"])
    [1. 1. 1.]
    """

    function: Callable[..., Any] = field(repr=False)
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    init: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise InputError(f"Function: expected an array function, got {self.function!r}.")
        if not self.name:
            name = getattr(self.function, "__name__", "function")
            object.__setattr__(self, "name", "function" if name == "<lambda>" else name)
        object.__setattr__(self, "shapes", {k: tuple(np.atleast_1d(v).tolist()) for k, v in self.shapes.items()})
        object.__setattr__(self, "init", {k: initializer(v) for k, v in self.init.items()})

    def output_shape(self, input_shape: Shape) -> Shape:
        graph = Graph()
        x = graph.input("x", (2, *input_shape), np.float32)
        given = {name: graph.input(name, shape, np.float32) for name, shape in self.shapes.items()}
        result = self.forward(x, given, Context())
        if not isinstance(result, Node) or result.shape[:1] != (2,):
            raise InputError(
                f"layer {self.name!r}: for a batch of shape (2, …) it returned "
                f"{getattr(result, 'shape', type(result).__name__)}; expected one row for each row of the batch."
            )
        return result.shape[1:]

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        found = {}
        for name, shape in self.shapes.items():
            kind = "bias" if len(shape) < 2 else "weight"
            initial = self.init.get(name) or initializer(0.0 if kind == "bias" else "glorot_normal")
            found[name] = Parameter(shape, initial, shape[0], shape[-1], kind)
        return found

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        return self.function(x, **parameters)

    def to_dict(self) -> dict[str, Any]:
        init = {name: initial.to_dict() for name, initial in self.init.items()}
        return {"layer": "Function", "name": self.name, "shapes": dict(self.shapes), "init": init}
