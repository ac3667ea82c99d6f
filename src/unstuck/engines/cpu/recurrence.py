"""A scan in compiled code: its body is a program of its own, run step by step on the memory of the program around it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from unstuck.autodiff import Graph, Node
from unstuck.autodiff.primitives.scan import layout
from unstuck.engines.cpu.binding import Binding
from unstuck.engines.cpu.fuse import VIEWS, only_ones
from unstuck.engines.cpu.plan import Plan
from unstuck.engines.cpu.resident import Resident
from unstuck.engines.cpu.rewrite import rewritten

if TYPE_CHECKING:
    from unstuck.engines.cpu.engine import Compiled

Array = np.ndarray[Any, Any]


class Recurrence:
    """The compiled body of a scan.

    The carries are its state; steps of the inputs are read where they lie, whatever their strides (but for those that the body
    reshapes, which are made dense before); constants are laid out once as the products read them; results are written to their
    places in the scan's value.
    """

    def __init__(self, node: Node, plan: Plan) -> None:
        from unstuck.engines.cpu.engine import Compiled

        body = _without_inputs_as_outputs(rewritten(node.params["body"]), node.params["carries"])
        self.carries, self.steps = node.params["carries"], node.params["steps"]
        self.length = node.params["length"]
        self.node = node
        self.views = [plan.view(operand) for operand in node.inputs]
        self.parts = layout(body, self.carries, self.length)
        results, varying = len(body.outputs) - self.carries, self.carries + self.steps
        self.dense = {
            i: np.empty(self.views[i].shape, self.views[i].dtype)
            for i in range(self.carries, varying)
            if min(self.views[i].strides) < 0 or (_is_reshaped(body, i) and not self.views[i].is_contiguous)
        }
        binding = Binding(
            inputs_per_step=tuple(range(self.carries, self.carries + self.steps)),
            outputs_per_step=tuple(range(self.carries, len(body.outputs))),
            state={i: i for i in range(self.carries)},
            resident=tuple(range(varying, len(self.views))),
            strides={i: self.views[i].strides for i in range(self.carries, varying) if i not in self.dense},
            exact=not plan.is_training,
            backwards=self.length if node.params["reverse"] else 0,
        )
        self.compiled = Compiled(body, binding)
        inner = self.compiled.plan
        self.state = [self.compiled.room(inner.view(given)) for given in body.inputs[: self.carries]]
        self.constants = [Resident(self.compiled, given) for given in body.inputs[varying:]]
        # Results of another dtype than the whole value are made beside it.
        self.beside = {
            r: np.empty(shape, dtype) for r, (_, shape, dtype) in enumerate(self.parts[:results]) if dtype != node.dtype
        }
        for r, array in self.beside.items():
            self.compiled.point(inner.output_slots[self.carries + r], array)

    def run(self, around: Compiled, step: int) -> None:
        """Compute the scan's value at this step of the program around it."""
        compiled, slots = self.compiled, self.compiled.plan.input_slots
        for state, view in zip(self.state, self.views, strict=False):
            state[...] = around.array(view, step)
        varying = self.carries + self.steps
        for number in range(self.carries, varying):
            if number in self.dense:
                self.dense[number][...] = around.array(self.views[number], step)
            lies = self.dense.get(number)
            compiled.point(slots[number], around.raw(self.views[number], step) if lies is None else lies)
        for constant, view in zip(self.constants, self.views[varying:], strict=True):
            constant.fill(around.array(view, step))
        first, *others = around.plan.places(self.node)
        value = around.array(first, step)
        results = len(self.parts) - self.carries
        for r, (start, _, _) in enumerate(self.parts[:results]):
            if r not in self.beside:
                compiled.point(compiled.plan.output_slots[self.carries + r], value[start:])
        compiled.run(0, self.length)
        self._take_over(value, [*(self.beside.get(r) for r in range(results)), *self.state])
        for place in others:
            around.array(place, step)[...] = value

    def _take_over(self, value: Array, made: Sequence[Array | None]) -> None:
        """What does not yet lie in the value: the last carries, and results of other dtypes."""
        for (start, shape, _), array in zip(self.parts, made, strict=True):
            if array is not None:
                value[start : start + math.prod(shape)].reshape(shape)[...] = array


def _is_reshaped(body: Graph, number: int) -> bool:
    """Whether an input is given another shape, itself or a part of it."""
    shown = {body.inputs[number].index}
    for node in body.nodes:
        if node.operation in VIEWS and node.inputs[0].index in shown:
            shown.add(node.index)
            if node.operation == "reshape" and not only_ones(node):
                return True
    return False


def _without_inputs_as_outputs(body: Graph, carries: int) -> Graph:
    """A copy of the body in which an input that comes out (or a part of one) is copied by a node of its own, which is then known
    to read it before a new carry takes its place."""
    body = body.pruned()
    outputs = list(body.outputs)
    for number, node in enumerate(outputs):
        root = node
        while root.operation in VIEWS:
            root = root.inputs[0]
        if root.operation == "input" and not (number < carries and node is body.inputs[number]):
            outputs[number] = body.alias(node)
    return body.with_outputs(outputs)
