"""Network: layers in a row, their parameters, and what is needed to use them on raw data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unstuck.autodiff import Graph, Node
from unstuck.data.named import by_name
from unstuck.errors import InputError, UnstuckError
from unstuck.nn.answers import Answers, Head
from unstuck.nn.checks import whole_number
from unstuck.nn.layers.activations import ACTIVATIONS
from unstuck.nn.layers.activations import activation as activation_layer
from unstuck.nn.layers.base import Context, Layer, Parameter, Shape
from unstuck.nn.layers.dense import Dense
from unstuck.nn.layers.named import Inputs, Outputs, split
from unstuck.nn.rows import finished, rows_of
from unstuck.nn.sharing import Places, every
from unstuck.nn.suited import suited

Array = np.ndarray[Any, Any]
ACTIVATION_KINDS = tuple(a.__name__.lower() for a in ACTIVATIONS.values())


class Network(Answers):
    """Layers applied one after the other.

    ``Network(nn.Dense(16), nn.Sigmoid(), nn.Dense(10))`` takes its input shape from the data it is first fitted to;
    give ``input_shape`` (an int or a tuple, without the batch axis; a dict of them for ``nn.Inputs``) to create the parameters at
    once. ``parameters``
    maps names such as "dense1.weight" to arrays; ``seed`` fixes their initial values. The same layer object in several
    places, also inside branches, is one layer with one set of parameters, named by its first place.
    """

    def __init__(
        self,
        *layers: Layer,
        input_shape: int | Sequence[int] | Mapping[str, Any] | None = None,
        seed: int = 0,
        dtype: Any = np.float32,
    ):
        for i, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                hint = f"; did you mean {layer.__name__}()?" if isinstance(layer, type) else ""
                raise InputError(
                    f"layer {i + 1} of the network is {layer!r}; expected a layer such as nn.Dense(16){hint}"
                )
        if not layers:
            raise InputError("a network needs at least one layer, such as nn.Dense(10).")
        _check_ends(layers)
        self.layers = layers
        self.places = Places(layers)
        self.names = self.places.names
        if dtype not in ("float32", "float64", np.float32, np.float64):
            raise InputError(f"dtype is {dtype!r}; expected float32 or float64.")
        self.dtype = np.dtype(dtype)
        self.input_shape: Shape | None = None
        self.parameters: dict[str, Array] = {}
        self.preprocessing = self.task = self.class_names = self.loss = None  # known after training
        if input_shape is not None:
            self.build(input_shape, seed)

    @classmethod
    def from_sizes(
        cls, sizes: str | Sequence[int], *, activation: str = "sigmoid", output: str = "identity", seed: int = 0
    ) -> Network:
        """A dense network from its sizes, inputs first: "784-16-16-10" has two hidden layers of 16 units."""
        try:
            widths = [int(n) if isinstance(n, str) else whole_number("size", n) for n in _parts(sizes)]
        except (ValueError, TypeError):
            widths = []
        if len(widths) < 2 or any(w < 1 for w in widths):
            raise InputError(
                f"network {sizes!r} is not understood; expected sizes joined by '-', inputs first, such as 784-16-16-10."
            )
        layers: list[Layer] = []
        for width in widths[1:-1]:
            layers += [Dense(width), activation_layer(activation)]
        layers.append(Dense(widths[-1]))
        if output not in ("identity", "linear", "none"):
            layers.append(activation_layer(output))
        return cls(*layers, input_shape=widths[0], seed=seed)

    # Building ---------------------------------------------------------------------------------------------------------
    def build(self, input_shape: int | Sequence[int] | Mapping[str, Any], seed: int | Sequence[int] = 0) -> Network:
        """Create the parameters for rows of the given shape with the random values of ``seed``; returns the network."""
        before = self.layers, self.input_shape
        shape = self._take_shapes(input_shape) if isinstance(input_shape, Mapping) else input_shape
        sizes = tuple(shape) if isinstance(shape, Sequence) else (shape,)
        self.input_shape = tuple(whole_number("input_shape: a size", n) for n in sizes)
        if isinstance(seed, int | np.integer):
            whole_number("seed", seed, 0)
        rng = np.random.default_rng(seed)
        try:
            self.parameters = {
                name: p.initial.sample(p.shape, p.fan_in, p.fan_out, rng).astype(self.dtype)
                for name, p in self.parameter_specs().items()
            }
        except InputError:
            self.layers, self.input_shape = before
            raise
        return self

    def _take_shapes(self, shapes: Mapping[str, Any]) -> tuple[int]:
        """Let ``nn.Inputs`` know the shapes of its parts; gives that of a row, all parts side by side."""
        first = self.layers[0]
        if not isinstance(first, Inputs):
            raise InputError(
                f"input_shape is {dict(shapes)}, but the network does not begin with nn.Inputs; give one shape."
            )
        first = first.with_shapes(by_name(shapes, first.names, "input"))
        self.layers = (first, *self.layers[1:])
        return (first.width,)

    def rows_of(self, inputs: Any) -> Any:
        """Raw inputs in a form that can be taken apart by rows; InputError for names that do not fit the network's own."""
        return rows_of(self.layers[0], inputs)

    def shapes(self) -> list[Shape]:
        """The shape of a row after each layer; InputError names the layer that cannot take its input."""
        shapes = [self._shape_of_inputs()]
        for name, layer in zip(self.names, self.layers, strict=True):
            try:
                shapes.append(layer.output_shape(shapes[-1]))
            except InputError as error:
                raise InputError(f"layer {name}: {error}") from None
        return shapes[1:]

    @property
    def output_shape(self) -> Shape:
        """The shape of one output row."""
        return self.shapes()[-1]

    @property
    def is_built(self) -> bool:
        return self.input_shape is not None

    def parameter_specs(self) -> dict[str, Parameter]:
        """What each parameter is, by name, in the order of the layers."""
        shapes = [self._shape_of_inputs(), *self.shapes()]
        specs: dict[str, Parameter] = {}
        for i, (name, layer) in enumerate(zip(self.names, suited(self.layers), strict=True)):
            for key, spec in layer.parameters(shapes[i]).items():
                home = self.places.home_of(f"{name}.{key}")
                if specs.setdefault(home, spec).shape != spec.shape:
                    owner, _, parameter = home.rpartition(".")
                    raise InputError(
                        f"the layer {owner} stands in several places, and its {parameter} would have the shapes "
                        f"{specs[home].shape} and {spec.shape}; give it inputs of one size in all of them, or write another "
                        "layer there."
                    )
        return specs

    def _shape_of_inputs(self) -> Shape:
        if self.input_shape is None:
            raise InputError(
                "the network does not know the shape of its inputs yet; give input_shape= or fit it to data first."
            )
        return self.input_shape

    # Running ----------------------------------------------------------------------------------------------------------
    def forward(self, x: Node, parameters: Mapping[str, Node], context: Context | None = None) -> Node:
        """Record the network on a batch ``x`` of shape (N, *input_shape); gives (N, *output_shape)."""
        context = context or Context()
        context.homes = self.places.homes
        for name, layer in zip(self.names, self.layers, strict=True):
            x.graph.scope = context.layer = name
            mine = self.places.parameters_of(name, parameters)
            try:
                x = layer.forward(x, mine, context)
            except UnstuckError as error:
                raise InputError(f"layer {name}: {error}") from None
        x.graph.scope = ""
        return x

    def graph(self, rows: int) -> Graph:
        """The forward pass on ``rows`` rows as a graph; its inputs are x and the parameters in order."""
        graph = Graph()
        x = graph.input("x", (rows, *self._shape_of_inputs()), self.dtype)
        nodes = {name: graph.input(name, p.shape, p.dtype) for name, p in self.parameters.items()}
        graph.outputs = [self.forward(x, nodes)]
        return graph.pruned()

    def outputs(self, inputs: Any, *, rows: int = 4096) -> Array:
        """What the last layer gives for raw inputs (N, …), preprocessing applied: (N, *output_shape).

        Named inputs are a dict of arrays; named outputs lie side by side, see :meth:`parts_of`.
        """
        from unstuck.nn.prediction import outputs

        return outputs(self, self.rows_of(inputs), rows)

    def byte_scale(self, shape: Shape) -> tuple[Array, Array] | None:
        """Shift and factor of each place of a row of bytes of this shape: its inputs are (byte - shift) · factor."""
        done = self.preprocessing and self.preprocessing.for_input()
        if done is None or done.divisor is None or done.shift is None:
            return None
        shift, divisor = (np.broadcast_to(part, shape).ravel() for part in (done.shift, done.divisor))
        return shift.astype(self.dtype), (1 / divisor).astype(self.dtype)

    def prepared(self, inputs: Any) -> Array:
        """Raw inputs checked, preprocessed as in training and shaped (N, *input_shape) in the network's dtype."""
        return finished(inputs, self.layers[0], self._shape_of_inputs(), self.preprocessing, self.dtype)

    def predict_probabilities(self, inputs: Any) -> Any:
        """The probability of each class for raw inputs, (N, K) float64; logits are turned into probabilities first.

        Outputs that are no probabilities by themselves (squared error on sigmoids, say) are scaled to a sum of 1; a single
        output p gives (1 - p, p). With named outputs: a dict of those that tell classes.
        """
        heads = self.heads
        classes = {name: head for name, head in heads.items() if head.task == "classification"}
        if self.task != "classification" and not classes:
            raise InputError("predict_probabilities needs a network trained for classes; use predict for values.")
        outputs = self.outputs(inputs)
        if not heads:
            return self.probabilities_of(outputs)
        parts = self.parts_of(outputs)
        return {name: head.probabilities_of(parts[name]) for name, head in classes.items()}

    def predict(self, inputs: Any) -> Any:
        """For classes the class number of each row, (N,) int64; otherwise numbers (N, D) in the targets' own units.

        For numbers trained with a loss on logits or logarithms these are its probabilities or rates. With named outputs: a
        dict with one such array for each.
        """
        outputs, heads = self.outputs(inputs), self.heads
        if not heads:
            return self.answers_of(outputs)
        return {name: heads[name].answers_of(part) for name, part in self.parts_of(outputs).items()}

    # Named outputs ----------------------------------------------------------------------------------------------------
    @property
    def heads(self) -> dict[str, Head]:
        """Each named output, as it is after training; empty for a network without ``nn.Outputs``."""
        last = self.layers[-1]
        if not isinstance(last, Outputs):
            return {}
        shapes = last.output_shapes([self._shape_of_inputs(), *self.shapes()][-2])
        found = {}
        for name, branch, shape in zip(last.names, last.branches, shapes, strict=True):
            head = found[name] = Head((*self.layers[:-1], *branch), shape)
            if self.task is not None:
                head.task, head.class_names = self.task[name], self.class_names[name]
                head.loss = self.loss.parts[name].loss
                head.preprocessing = self.preprocessing.for_output(name)
        return found

    def parts_of(self, outputs: Array) -> dict[str, Array]:
        """Packed outputs (N, D) of a network with named outputs as those of each."""
        heads = self.heads
        return dict(zip(heads, split(outputs, [head.output_shape for head in heads.values()]), strict=True))

    # Showing ----------------------------------------------------------------------------------------------------------
    def __str__(self) -> str:
        if not self.is_built:
            return "Network(" + ", ".join(map(str, self.layers)) + "), shapes not known yet"
        specs = {name: spec for name, spec in self.parameter_specs().items() if spec.kind != "statistic"}
        first = self.layers[0]
        inputs = dict(zip(first.names, first.known_shapes(), strict=True)) if isinstance(first, Inputs) else {}
        given = inputs or {"input": self._shape_of_inputs()}
        rows = [("layer", "", "output", "parameters"), *((name, "", _shape_text(s), "") for name, s in given.items())]
        for i, (name, shape) in enumerate(zip(self.names, self.shapes(), strict=True)):
            count = (
                0
                if i in self.places.repeated
                else sum(math.prod(s.shape) for key, s in specs.items() if key.startswith(name + "."))
            )
            rows.append((name, self._shown(i), _shape_text(shape), f"{count:,}" if count else ""))
        widths = [max(len(r[i]) for r in rows) for i in range(4)]
        lines = [
            f"{a.ljust(widths[0])}  {b.ljust(widths[1])}  {c.ljust(widths[2])}  {d.rjust(widths[3])}".rstrip()
            for a, b, c, d in rows
        ]
        total = sum(math.prod(s.shape) for s in specs.values())
        return "\n".join([*lines, f"{total:,} parameters, {self.dtype}"])

    __repr__ = __str__

    def _shown(self, i: int) -> str:
        """A layer of the row, with a word where it stands at an earlier place, too."""
        return f"{self.layers[i]}, once more" if i in self.places.repeated else str(self.layers[i])

    @property
    def size(self) -> int:
        """The number of all parameters."""
        return sum(p.size for p in self.parameters.values())

    def describe(self) -> str:
        """One line: "784-16-16-10 sigmoid" or "4-8-3 relu, softmax output" where that says it all, else the layers.

        A last layer without an activation is not mentioned: "4-8-3 relu" ends in plain sums.
        """
        layers = [layer for layer in self.layers if layer.kind not in ("Flatten", "Identity")]
        dense = [layer.units for layer in layers if isinstance(layer, Dense)]
        last = layers.pop().kind.lower() if layers and layers[-1].kind != "Dense" else ""
        hidden = {layer.kind.lower() for layer in layers[1::2]}
        alternating = [isinstance(layer, Dense) for layer in layers] == [i % 2 == 0 for i in range(len(layers))]
        elementwise = hidden | ({last} if last else set()) <= set(ACTIVATION_KINDS)
        plain = alternating and elementwise and not self.places.repeated
        if not (self.is_built and dense and plain and len(layers) % 2 and len(hidden) <= 1):
            return " → ".join(self._shown(i) for i in range(len(self.layers)))
        sizes = "-".join(map(str, [math.prod(self._shape_of_inputs()), *dense]))
        output = [f"{last} output"] if last and {last} != hidden else []
        return " ".join([sizes, ", ".join([*hidden, *output])]).rstrip()

    def to_dict(self) -> dict[str, Any]:
        """The layers, input shape and dtype as JSON-able data (the parameters apart)."""
        return {
            "layers": [layer.to_dict() for layer in self.places.described(self.layers)],
            "input_shape": list(self._shape_of_inputs()),
            "dtype": str(self.dtype),
        }


def _check_ends(layers: Sequence[Layer]) -> None:
    """InputError for named inputs that do not come first, and named outputs that do not come last."""
    ends = [(Inputs, layers[0], "first"), (Outputs, layers[-1], "last")]
    for kind, end, place in ends:
        found = [layer for layer in every(layers) if isinstance(layer, kind)]
        if found and not (len(found) == 1 and found[0] is end):
            raise InputError(
                f"nn.{kind.__name__} can only be the {place} layer of a network, and only once; move it there."
            )


def _parts(sizes: Any) -> Sequence[Any]:
    return sizes.split("-") if isinstance(sizes, str) else list(sizes)


def _shape_text(shape: Shape) -> str:
    return " × ".join(map(str, shape))
