"""Training steps in compiled code: a whole range of them without returning to Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unstuck.autodiff import Graph
from unstuck.engines.cpu.binding import Binding, Source
from unstuck.engines.cpu.engine import Compiled, aligned
from unstuck.engines.cpu.listing import listing
from unstuck.engines.cpu.rewrite import rewritten
from unstuck.engines.steps import Training

Array = np.ndarray[Any, Any]


class CpuSteps:
    """Takes steps of a training in compiled code; see :class:`unstuck.engines.steps.Steps`."""

    def __init__(self, training: Training) -> None:
        self.training = training
        self._programs: dict[int, _Stepping] = {}
        self._memory: list[Array] = []
        first = self._program(training.batch)
        self._memory, self._parts = first.memory, first.parts
        self.state = list(training.state)

    @property
    def state(self) -> list[Array]:
        return [part.copy() for part in self._parts]

    @state.setter
    def state(self, values: list[Array]) -> None:
        for part, value in zip(self._parts, values, strict=True):
            part[...] = value

    def run(self, order: Array, rates: Array, before: int) -> list[Array]:
        batch = self.training.batch
        whole = len(order) // batch
        parts = []
        if whole:
            parts.append(self._program(batch).run(order[: whole * batch], rates[:whole], before))
        if len(order) > whole * batch:
            rest = order[whole * batch :]
            parts.append(self._program(len(rest)).run(rest, rates[whole:], before + whole))
        return [np.concatenate(values) for values in zip(*parts, strict=True)]

    def listing(self) -> str:
        """The kernels of a step."""
        return listing(self._program(self.training.batch).compiled.plan)

    def _program(self, rows: int) -> _Stepping:
        if rows not in self._programs:
            self._programs[rows] = _Stepping(self.training, rewritten(self.training.record(rows)), self._memory)
        return self._programs[rows]


class _Stepping:
    """The compiled steps of one batch size."""

    def __init__(self, training: Training, graph: Graph, memory: Sequence[Array]) -> None:
        self.training, self.graph = training, graph
        self.rows = graph.inputs[0].shape[0]
        first = 2 if training.weights is None else 3  # the numbers of rate, step and key; then comes the state
        self._scalars = (first, first + 1, first + 2)
        self._figures = len(graph.outputs) - len(training.state)
        dtype = graph.inputs[0].dtype
        stored = [
            training.inputs,
            training.targets,
            *([] if training.weights is None else [training.weights.astype(dtype)]),
        ]
        # All rows in their order, in the dtype that is wanted: there is nothing to gather.
        all_rows = self.rows == len(training.targets)
        gathered, direct = {}, {}
        for number, (array, node) in enumerate(zip(stored, graph.inputs, strict=False)):
            scaled = number == 0 and training.factor is not None
            if array is None:
                gathered[number] = Source(dtype, in_order=True)
            elif all_rows and array.dtype == node.dtype and not scaled:
                direct[number] = np.ascontiguousarray(array)
            else:
                gathered[number] = Source(array.dtype, scaled, shifted=scaled and bool(np.any(training.shift)))
        state_outputs = {self._figures + i: first + 3 + i for i in range(len(training.state))}
        binding = Binding(gathered, self._scalars, tuple(range(self._figures)), state_outputs)
        self.compiled = Compiled(graph, binding)
        slots = self.compiled.plan.input_slots
        for number, array in direct.items():
            self.compiled.point(slots[number], array)
        self.memory, self.parts = self._state(first + 3, memory)
        for number, source in gathered.items():
            array = stored[number]
            if array is not None:
                self._show(number, array, source.scaled)

    def _state(self, first: int, shared: Sequence[Array]) -> tuple[list[Array], list[Array]]:
        """Memory of the parameters and slots, and they themselves in it: new memory, or that of another batch size."""
        compiled, memory, parts = self.compiled, [], []
        for number, node in enumerate(self.graph.inputs[first:]):
            view = compiled.plan.view(node)
            raw = shared[number] if shared else aligned(view.storage.size)
            assert len(raw) == view.storage.size, "the state lies otherwise for another batch size"
            compiled.point(view.storage.slot, raw)
            memory.append(raw)
            parts.append(compiled.array(view))
        return memory, parts

    def _show(self, number: int, array: Array, scaled: bool) -> None:
        """Let an input be gathered from an array."""
        data, shift, factor = self.compiled.plan.source_slots[number]
        self.compiled.point(data, np.ascontiguousarray(array))
        if scaled:
            assert self.training.shift is not None
            assert self.training.factor is not None
            self.compiled.point(shift, self.training.shift)
            self.compiled.point(factor, self.training.factor)

    def run(self, order: Array, rates: Array, before: int) -> list[Array]:
        """Steps on ``order``, which holds as many rows as there are rates, times the batch."""
        training, compiled, plan = self.training, self.compiled, self.compiled.plan
        count, dtype = len(rates), self.graph.inputs[0].dtype
        index = np.zeros(len(order) + self.rows, np.int64)  # the rows behind the last step are asked for, not used
        index[: len(order)] = order
        if training.inputs is None:  # rows that have to be prepared: only those of these steps, in their order
            self._show(0, training.rows(order), False)
        compiled.point(plan.index_slot, index)
        numbers = np.arange(before, before + count)
        key = np.empty((count, 2), np.uint32)
        key[:, 0], key[:, 1] = training.seed & 0xFFFFFFFF, numbers & 0xFFFFFFFF
        values = (np.asarray(rates, dtype), (numbers + 1).astype(dtype), key)
        for number, array in zip(self._scalars, values, strict=True):
            compiled.point(plan.input_slots[number], array)
        figures = [np.empty((count, *node.shape), node.dtype) for node in self.graph.outputs[: self._figures]]
        for slot, array in zip(plan.output_slots, figures, strict=False):
            compiled.point(slot, array)
        compiled.run(0, count)
        return figures
