"""Function: a user's own layer, written as one array function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from unstuck.autodiff import Graph, Node
from unstuck.errors import InputError
from unstuck.nn.checks import whole_number
from unstuck.nn.initializers import initializer
from unstuck.nn.layers.base import Context, Layer, Parameter, Shape


@dataclass(frozen=True)
class Function(Layer):
    """Your own layer: ``function(x, **parameters)`` in NumPy on a batch x of shape (N, *input_shape).

    ``shapes`` gives each parameter's shape (without any layer size worked out for you), ``init`` its initialiser
    (default Glorot's normal scheme; parameters with at most one axis start at 0 and are not penalised). The derivative comes
    from the table of primitives; the result takes the dtype of x. A saved network holds only the layer's ``name`` (by default
    the function's own): pass the function again to ``unstuck.load(path, functions={name: function})``.

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
        object.__setattr__(self, "shapes", {k: _shape(f"Function: shapes[{k!r}]", v) for k, v in self.shapes.items()})
        for name in self.init:
            if name not in self.shapes:
                raise InputError(f"Function: init names {name!r}, but shapes gives no such parameter; add its shape.")
        object.__setattr__(self, "init", {k: initializer(v) for k, v in self.init.items()})

    def output_shape(self, input_shape: Shape) -> Shape:
        graph = Graph()
        x = graph.input("x", (2, *input_shape))
        given = {name: graph.input(name, shape) for name, shape in self.shapes.items()}
        return self.forward(x, given, Context()).shape[1:]

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        found = {}
        for name, shape in self.shapes.items():
            kind = "bias" if len(shape) < 2 else "weight"
            initial = self.init.get(name) or initializer(0.0 if kind == "bias" else "glorot_normal")
            fan_in, fan_out = (shape[0], shape[-1]) if shape else (1, 1)
            found[name] = Parameter(shape, initial, fan_in, fan_out, kind)
        return found

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        result = self.function(x, **parameters)
        if not isinstance(result, Node) or result.shape[:1] != x.shape[:1]:
            raise InputError(
                f"for a batch of shape {x.shape} the function {self.name!r} returned "
                f"{getattr(result, 'shape', type(result).__name__)}; expected an array with one row for each row of the batch."
            )
        # An array of float64 inside the function must not make the rest of a float32 network float64.
        return result if result.dtype == x.dtype else result.astype(x.dtype)

    def to_dict(self) -> dict[str, Any]:
        init = {name: initial.to_dict() for name, initial in self.init.items()}
        return {"layer": "Function", "name": self.name, "shapes": dict(self.shapes), "init": init}

    def __str__(self) -> str:
        return f"Function({self.name})"


def _shape(what: str, given: Any) -> Shape:
    sizes = given if isinstance(given, tuple | list) else (given,)
    return tuple(whole_number(f"{what}: a size", n) for n in sizes)
