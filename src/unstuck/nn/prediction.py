"""The outputs of a network for many rows: by the reference engine at first, compiled once there is enough work for that."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from unstuck.nn.layers.base import Layer, Shape
from unstuck.nn.layers.branches import Branches

if TYPE_CHECKING:
    from unstuck.engines.cpu.predict import Predictor
    from unstuck.nn.network import Network

Array = np.ndarray[Any, Any]

# Multiplications and additions after which compiling has paid: about a tenth of a second of them.
WORTH_COMPILING = 2e9


# So many numbers a layer may give at once: rows of long sequences and large pictures are taken fewer at a time.
LARGEST_VALUES = 2**23


class _Past:
    """What a network has been asked so far, and the compiled program if it was made."""

    def __init__(self, network: Network) -> None:
        self.layers, self.input_shape = network.layers, network.input_shape
        self.operations, self.a_row = 0.0, _operations(network)
        self.predictor: Predictor | None = None


def _operations(network: Network) -> float:
    """About how many multiplications and additions one row costs: each weight is used at every place and step."""
    total = 0.0
    for layer, before, after in _each(network.layers, network.input_shape or ()):
        if not isinstance(layer, Branches):
            weights = sum(math.prod(spec.shape) for spec in layer.parameters(before).values())
            total += (
                2.0 * weights * max(math.prod(after[:-1]), math.prod(before[:-1]) if len(after) < len(before) else 1)
            )
    return total


def _each(layers: Sequence[Layer], shape: Shape) -> Iterator[tuple[Layer, Shape, Shape]]:
    """Each layer, also in branches, with the shape of a row before and after it."""
    for layer in layers:
        if isinstance(layer, Branches):
            for branch, own in zip(layer.branches, layer.input_shapes(shape), strict=True):
                yield from _each(branch, own)
        after = layer.output_shape(shape)
        yield layer, shape, after
        shape = after


_past: weakref.WeakKeyDictionary[Network, _Past] = weakref.WeakKeyDictionary()


def outputs(network: Network, inputs: Any, rows: int) -> Array:
    """What the last layer gives for raw inputs (N, …), preprocessing applied; ``rows`` at a time by the reference engine."""
    past = _past.get(network)
    if past is None or past.layers is not network.layers or past.input_shape != network.input_shape:
        past = _past[network] = _Past(network)
    past.operations += past.a_row * len(inputs) if hasattr(inputs, "__len__") else 0.0
    stored = isinstance(inputs, np.ndarray) and inputs.dtype == np.uint8 and len(inputs) > 0
    if past.operations < WORTH_COMPILING:
        if not stored:
            return _by_reference(network, network.prepared(inputs), rows)
        # Bytes are finite: they need no look at all of them at once, which would take four times their memory.
        parts = range(0, len(inputs), rows)
        return np.concatenate([_by_reference(network, network.prepared(inputs[i : i + rows]), rows) for i in parts])
    if past.predictor is None:
        from unstuck.engines.cpu.predict import Predictor

        past.predictor = Predictor(network.graph)
    parameters = list(network.parameters.values())
    if stored:
        network.prepared(inputs[:1])  # what is wrong with their shape is said
        return past.predictor(inputs, parameters, network.byte_scale(_row_shape(network, inputs)))
    return past.predictor(network.prepared(inputs), parameters)


def _row_shape(network: Network, inputs: Array) -> tuple[int, ...]:
    """The shape in which the preprocessing knows a row: flat rows of pictures are folded."""
    known = None if network.preprocessing is None else network.preprocessing.for_input().input_shape
    return known or inputs.shape[1:]


def _by_reference(network: Network, x: Array, rows: int) -> Array:
    from unstuck.engines import engine
    from unstuck.engines.threads import suited_to

    largest = max(math.prod(x.shape[1:]), *(math.prod(after) for *_, after in _each(network.layers, x.shape[1:])))
    rows = max(1, min(rows, LARGEST_VALUES // largest))
    programs: dict[int, Any] = {}
    parts = []
    for start in range(0, max(len(x), 1), rows):
        part = x[start : start + rows]
        if len(part) not in programs:
            programs[len(part)] = engine("reference").compile(network.graph(len(part)))
        program = programs[len(part)]
        with suited_to(program.graph):
            parts.append(program(part, *network.parameters.values())[0])
    return np.concatenate(parts)
