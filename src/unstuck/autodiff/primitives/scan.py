"""Scan: a whole recurrence as one primitive, whose parameter is the graph of a single step.

The body is a graph with the inputs (carries …, inputs of the step …, constants …) and the outputs (new carries …,
results …). Operands are the first carries, the inputs of all steps (length, …), and the constants. The value is one flat
vector: the results of all steps stacked (length, …), one after the other, and then the last carries; :func:`parts` takes it
apart. The derivative is a second scan in the other direction (:mod:`unstuck.autodiff.through_time`).
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from unstuck.autodiff.primitives.basic import TABLE, ShapeAndDtype, _apply, define
from unstuck.errors import InputError

if TYPE_CHECKING:
    from unstuck.autodiff.graph import Graph

Array = np.ndarray[Any, Any]


def layout(body: Graph, carries: int, length: int) -> list[tuple[int, tuple[int, ...], Any]]:
    """(start, shape, dtype) of each part of the value: the stacked results, then the last carries."""
    found, start = [], 0
    for node, shape in [
        *((node, (length, *node.shape)) for node in body.outputs[carries:]),
        *((node, node.shape) for node in body.outputs[:carries]),
    ]:
        found.append((start, shape, node.dtype))
        start += math.prod(shape)
    return found


def parts(value: Any, body: Graph, carries: int, length: int) -> list[Any]:
    """The stacked results and the last carries, from the flat vector of a scan."""
    found = []
    for start, shape, dtype in layout(body, carries, length):
        part = _apply("slice", value, slices=((start, start + math.prod(shape), 1),))
        part = part if part.shape == shape else _apply("reshape", part, shape=shape)
        found.append(part if part.dtype == dtype else _apply("astype", part, dtype=dtype))
    return found


def _scan_rule(*operands: Any, body: Graph, carries: int, steps: int, length: int, reverse: bool) -> ShapeAndDtype:
    if length < 1:
        raise InputError("scan: the sequence has length 0; expected at least one step.")
    size = sum(math.prod(shape) for _, shape, _ in layout(body, carries, length))
    return (size,), np.result_type(*(node.dtype for node in body.outputs))


# What it means in NumPy ------------------------------------------------------------------------------------------------
class _Steps:
    """A body made ready to run: what depends on constants alone is computed once, the rest at each step."""

    def __init__(self, body: Graph, varying: int) -> None:
        self._values: list[Any] = [node.value if node.operation == "constant" else None for node in body.nodes]
        self.inputs = [node.index for node in body.inputs]
        self.outputs = [node.index for node in body.outputs]
        changes = set(self.inputs[:varying])
        self._before: list[Any] = []
        self._each: list[Any] = []
        for node in body.nodes:
            if not node.inputs:
                continue
            entry = (TABLE[node.operation].numpy, [parent.index for parent in node.inputs], node.params, node.index)
            if any(parent.index in changes for parent in node.inputs):
                changes.add(node.index)
                self._each.append(entry)
            else:
                self._before.append(entry)

    def begin(self, constants: Sequence[Any]) -> list[Any]:
        """The values of all nodes as far as they are the same at each step."""
        values = self._values.copy()
        for index, value in zip(self.inputs[len(self.inputs) - len(constants) :], constants, strict=True):
            values[index] = value
        self._compute(self._before, values)
        return values

    def step(self, values: list[Any], varying: Sequence[Any]) -> list[Any]:
        """The outputs of one step."""
        for index, value in zip(self.inputs, varying, strict=False):
            values[index] = value
        self._compute(self._each, values)
        return [values[index] for index in self.outputs]

    @staticmethod
    def _compute(entries: list[Any], values: list[Any]) -> None:
        for function, operands, params, result in entries:
            values[result] = function(*[values[i] for i in operands], **params)


_prepared: weakref.WeakKeyDictionary[Graph, _Steps] = weakref.WeakKeyDictionary()


def _scan(*operands: Any, body: Graph, carries: int, steps: int, length: int, reverse: bool) -> Array:
    runner = _prepared.get(body)
    if runner is None:
        runner = _prepared[body] = _Steps(body, carries + steps)
    (size,), dtype = _scan_rule(body=body, carries=carries, steps=steps, length=length, reverse=reverse)
    value = np.empty(size, dtype)
    places = [
        value[start : start + math.prod(shape)].reshape(shape) for start, shape, _ in layout(body, carries, length)
    ]
    results = places[: len(places) - carries]
    carry, inputs = list(operands[:carries]), operands[carries : carries + steps]
    values = runner.begin(operands[carries + steps :])
    for t in reversed(range(length)) if reverse else range(length):
        outputs = runner.step(values, [*carry, *(x[t] for x in inputs)])
        carry = outputs[:carries]
        for place, result in zip(results, outputs[carries:], strict=True):
            place[t] = result
    for place, last in zip(places[len(places) - carries :], carry, strict=True):
        place[...] = last
    return value


def _gradients(g: Any, y: Any, *operands: Any, **params: Any) -> tuple[Any, ...]:
    from unstuck.autodiff.through_time import scan_gradients

    return scan_gradients(g, y, operands, **params)


define("scan", _scan_rule, _scan, _gradients)
