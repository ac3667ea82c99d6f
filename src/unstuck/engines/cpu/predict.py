"""Prediction in compiled code: a forward pass over many rows, block by block, from the data as they are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unstuck.autodiff import Graph
from unstuck.engines.cpu.binding import Binding, Source
from unstuck.engines.cpu.engine import Compiled
from unstuck.engines.cpu.resident import Resident
from unstuck.engines.cpu.rewrite import rewritten

Array = np.ndarray[Any, Any]

BLOCK = 128  # rows of a block: enough to fill the registers, few enough to stay in the cache


class Predictor:
    """A network's forward pass; ``record(n)`` gives its graph for n rows: inputs x and the parameters, one output."""

    def __init__(self, record: Callable[[int], Graph]) -> None:
        self._graph = rewritten(record(BLOCK))
        self._compiled: dict[Any, Compiled] = {}
        self._places: dict[Compiled, list[Resident]] = {}  # of the parameters

    def __call__(self, rows: Array, parameters: Sequence[Array], scale: tuple[Array, Array] | None = None) -> Array:
        """The outputs for rows (N, …): of the network's dtype, or bytes that become (byte - shift) · factor for each place."""
        output = self._graph.outputs[0]
        blocks = -(-len(rows) // BLOCK)
        outputs = np.empty((blocks, *output.shape), output.dtype)
        whole = len(rows) // BLOCK
        compiled = self._program(rows.dtype, scale)
        for place, array in zip(self._places[compiled], parameters, strict=True):
            place.fill(array)
        if whole:
            self._run(compiled, rows[: whole * BLOCK], outputs[:whole])
        if blocks > whole:
            last = np.zeros((BLOCK, *rows.shape[1:]), rows.dtype)
            last[: len(rows) - whole * BLOCK] = rows[whole * BLOCK :]
            self._run(compiled, last, outputs[whole:])
        return outputs.reshape(blocks * BLOCK, *output.shape[1:])[: len(rows)]

    def _program(self, dtype: np.dtype[Any], scale: tuple[Array, Array] | None) -> Compiled:
        key = (dtype, scale is not None)
        if key not in self._compiled:
            resident = tuple(range(1, len(self._graph.inputs)))
            if dtype == self._graph.inputs[0].dtype:
                binding = Binding(inputs_per_step=(0,), outputs_per_step=(0,), resident=resident)
            else:
                binding = Binding(
                    {0: Source(dtype, scale is not None, in_order=True)}, outputs_per_step=(0,), resident=resident
                )
            made = self._compiled[key] = Compiled(self._graph, binding)
            self._places[made] = [Resident(made, node) for node in self._graph.inputs[1:]]
        compiled = self._compiled[key]
        if scale is not None:
            for slot, part in zip(compiled.plan.source_slots[0][1:], scale, strict=True):
                compiled.point(slot, np.ascontiguousarray(part))
        return compiled

    def _run(self, compiled: Compiled, rows: Array, outputs: Array) -> None:
        plan = compiled.plan
        slot = plan.source_slots[0][0] if plan.binding.gathered else plan.input_slots[0]
        compiled.point(slot, np.ascontiguousarray(rows))
        compiled.point(plan.output_slots[0], outputs)
        compiled.run(0, len(outputs))
