"""The reference engine: NumPy, one primitive at a time, in the graph's order. What it says is the truth."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from unstuck.autodiff import Graph, Node
from unstuck.autodiff.primitives import TABLE
from unstuck.errors import InputError

Array = np.ndarray[Any, Any]


class ReferenceEngine:
    """Interprets a graph with NumPy, in float32 or float64 as recorded."""

    name = "reference"

    def compile(self, graph: Graph) -> Program:
        """A callable that runs the graph; see :class:`Program`."""
        return Program(graph)


class Program:
    """A graph made ready to run: constants in their places, one (function, operands, result) triple per other node."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._constants: list[Any] = [node.value if node.operation == "constant" else None for node in graph.nodes]
        self._inputs = [node.index for node in graph.inputs]
        self._outputs = [node.index for node in graph.outputs]
        self._steps: list[tuple[Callable[..., Any], tuple[int, ...], int]] = []
        for node in graph.nodes:
            if not node.inputs:
                continue
            numpy = TABLE[node.operation].numpy
            function = functools.partial(numpy, **node.params) if node.params else numpy
            operands = tuple(parent.index for parent in node.inputs)
            known = [self._constants[i] for i in operands]
            if all(value is not None for value in known):
                # What constants alone decide, such as the gradient of a mean by its rows, is worked out once, here.
                with np.errstate(all="ignore"):
                    self._constants[node.index] = function(*known)
            else:
                self._steps.append((function, operands, node.index))

    def __call__(self, *inputs: Any) -> list[Any]:
        """The outputs for these inputs, whose shapes must be those of the graph."""
        values = self._constants.copy()
        for index, value in zip(self._inputs, inputs, strict=True):
            values[index] = value
        # Infinities and NaN are values here; whoever trains looks for them.
        with np.errstate(all="ignore"):
            for function, operands, result in self._steps:
                values[result] = function(*[values[i] for i in operands])
        return [values[i] for i in self._outputs]

    def first_non_finite(self, *inputs: Any) -> Node | None:
        """The first node whose value holds a NaN or an infinity for these inputs, or None."""
        values = self._constants.copy()
        for node, value in zip(self.graph.inputs, inputs, strict=True):
            values[node.index] = value
        nodes = self.graph.nodes
        for node in self.graph.inputs:
            if not _finite(values[node.index]):
                return node
        with np.errstate(all="ignore"):
            for function, operands, result in self._steps:
                values[result] = function(*[values[i] for i in operands])
                if not _finite(values[result]):
                    return nodes[result]
        return None


def _finite(value: Any) -> bool:
    array = np.asarray(value)
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def check_inputs(graph: Graph, inputs: tuple[Any, ...]) -> None:
    """InputError if the arrays do not have the shapes that the graph was recorded with."""
    for node, value in zip(graph.inputs, inputs, strict=True):
        if np.shape(value) != node.shape:
            raise InputError(
                f"input {node.name!r} has shape {np.shape(value)}; the graph was recorded for {node.shape}."
            )
