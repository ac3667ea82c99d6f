"""The reference engine: NumPy, one primitive at a time, in the graph's order. What it says is the truth."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from unstuck.autodiff import Graph, Node
from unstuck.autodiff.primitives import TABLE
from unstuck.engines.steps import PlainSteps, Training
from unstuck.errors import InputError

Array = np.ndarray[Any, Any]


class ReferenceEngine:
    """Interprets a graph with NumPy, in float32 or float64 as recorded."""

    name = "reference"

    def compile(self, graph: Graph) -> Program:
        """A callable that runs the graph; see :class:`Program`."""
        return Program(graph)

    def steps(self, training: Training) -> PlainSteps:
        """Training step by step."""
        return PlainSteps(training, self.compile)


class Program:
    """A graph made ready to run: constants in their places, one (function, operands, result) triple per node."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._constants: list[Any] = [node.value if node.operation == "constant" else None for node in graph.nodes]
        self._inputs = [(node.index, node.shape) for node in graph.inputs]
        self._outputs = [node.index for node in graph.outputs]
        self._steps: list[tuple[Callable[..., Any], tuple[int, ...], int]] = []
        for node in graph.nodes:
            if node.inputs:
                numpy = TABLE[node.operation].numpy
                function = functools.partial(numpy, **node.params) if node.params else numpy
                self._steps.append((function, tuple(parent.index for parent in node.inputs), node.index))

    def __call__(self, *inputs: Any) -> list[Any]:
        """The outputs for these inputs; InputError if they do not have the shapes that the graph was recorded with."""
        values = self.values(*inputs)
        return [values[i] for i in self._outputs]

    def values(self, *inputs: Any) -> list[Any]:
        """The value of every node for these inputs, in the order of ``graph.nodes``."""
        if len(inputs) != len(self._inputs):
            raise InputError(f"the graph takes {len(self._inputs)} inputs; {len(inputs)} were given.")
        values = self._constants.copy()
        for (index, shape), value in zip(self._inputs, inputs, strict=True):
            if np.shape(value) != shape:
                name = self.graph.nodes[index].name
                raise InputError(f"input {name!r} has shape {np.shape(value)}; the graph was recorded for {shape}.")
            values[index] = value
        # Infinities and NaN are values here; whoever trains looks for them.
        with np.errstate(all="ignore"):
            for function, operands, result in self._steps:
                values[result] = function(*[values[i] for i in operands])
        return values

    def first_non_finite(self, *inputs: Any) -> Node | None:
        """The node where a NaN or an infinity of the outputs began, or None if all outputs are finite.

        The first node, in the order of recording, that is not finite although its operands are, and from which a chain of
        such values leads to an output. An infinity that nobody uses (in the branch that ``where`` did not choose) is no fault.
        """
        values = self.values(*inputs)
        pending = [i for i in self._outputs if not is_finite(values[i])]
        reached: set[int] = set()
        while pending:
            index = pending.pop()
            if index not in reached:
                reached.add(index)
                parents = self.graph.nodes[index].inputs
                pending += [parent.index for parent in parents if not is_finite(values[parent.index])]
        return self.graph.nodes[min(reached)] if reached else None


def is_finite(value: Any) -> bool:
    """Whether an array or a number holds neither NaN nor infinity."""
    array = np.asarray(value)
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())
