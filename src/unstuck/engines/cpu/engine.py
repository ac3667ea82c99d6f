"""The CPU engine: a graph compiled for the processor at hand, called like any other program."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from unstuck.autodiff import Graph
from unstuck.autodiff.primitives import TABLE
from unstuck.engines.cpu import threads as threads_
from unstuck.engines.cpu.binding import Binding
from unstuck.engines.cpu.compile import library
from unstuck.engines.cpu.host import host
from unstuck.engines.cpu.kernel import Kernel, operations
from unstuck.engines.cpu.memory import ARENA, LINE, View
from unstuck.engines.cpu.places import BARRIER, CONSTANTS
from unstuck.engines.cpu.plan import Plan
from unstuck.engines.cpu.recurrence import Recurrence
from unstuck.engines.cpu.rewrite import rewritten
from unstuck.engines.steps import Training
from unstuck.errors import InputError

if TYPE_CHECKING:
    from unstuck.engines.cpu.steps import CpuSteps

Array = np.ndarray[Any, Any]


class CpuEngine:
    """Compiles graphs; see :class:`Program`."""

    name = "cpu"

    def compile(self, graph: Graph) -> Program:
        """A callable that runs the graph; see :class:`Program`."""
        return Program(graph)

    def steps(self, training: Training) -> CpuSteps:
        """Training in compiled code, many steps at a time."""
        from unstuck.engines.cpu.steps import CpuSteps

        return CpuSteps(training)


class Compiled:
    """A plan with its machine code, its arena and its table of pointers."""

    def __init__(self, graph: Graph, binding: Binding | None = None) -> None:
        self.plan = Plan(graph, host(), binding)
        self.segments = self.plan.segments
        key = self.plan.key()
        self._library = library(key, self._text, host())
        self.functions = [
            None if segment[0].kind == "reference" else self._library.function(f"run{i}")
            for i, segment in enumerate(self.segments)
        ]
        # Parts in Python are one thread's work, those between them are shared each by itself.
        self._choices = [
            threads_.choice(f"{key} {number}", sum(map(operations, segment)))
            for number, segment in enumerate(self.segments)
        ]
        self.arena = aligned(self.plan.arena_bytes)
        self._constants = aligned(max(self.plan.constant_bytes, LINE))
        self._barrier = aligned(2 * LINE)
        for offset, node in self.plan.constants:
            assert node.value is not None
            raw = np.ascontiguousarray(node.value).view(np.uint8).reshape(-1) if node.size else b""
            self._constants[offset : offset + len(raw)] = raw
        self.table = np.zeros(self.plan.slots, np.uintp)
        self._kept: dict[int, Array] = {}
        for slot, array in ((ARENA, self.arena), (CONSTANTS, self._constants), (BARRIER, self._barrier)):
            self.point(slot, array)
        scans = [k.group.anchor for k in self.plan.kernels if k.group is not None and k.kind == "reference"]
        self._recurrences = {
            n.index: Recurrence(n, self.plan) for n in scans if n is not None and n.operation == "scan"
        }

    def _text(self) -> str:
        from unstuck.engines.cpu.emit.step import program_text

        return program_text(self.plan, "run")

    def point(self, slot: int, array: Array) -> None:
        """Let a slot of the table show an array, which must be contiguous and is kept alive."""
        self._kept[slot] = array
        self.table[slot] = array.ctypes.data

    def room(self, view: View) -> Array:
        """New memory for a view outside the arena, as an array of its shape; the slot shows it."""
        self.point(view.storage.slot, aligned(view.storage.size))
        return self.array(view)

    def run(self, first: int, last: int) -> None:
        """Run steps, in as many threads as pay; with parts for the reference engine in between, step by step."""
        together = last - first if len(self.functions) == 1 else 1
        for step in range(first, last, max(together, 1)):
            for number in range(len(self.functions)):
                self._run_part(number, step, step + together)

    def _run_part(self, number: int, first: int, last: int) -> None:
        """One segment, for some steps."""
        function, choice = self.functions[number], self._choices[number]
        if function is None:
            back = self.plan.binding.backwards
            for step in range(first, last):
                self._interpret(self.segments[number][0], back - 1 - step if back else step)
            return
        table = self.table.ctypes.data
        while first < last:
            turn = choice.next(last - first)
            begun = time.perf_counter()
            threads = threads_.team.run(turn.threads, functools.partial(function, table, first, first + turn.steps))
            choice.tell(turn, threads, (time.perf_counter() - begun) / turn.steps)
            first += turn.steps

    def _interpret(self, kernel: Kernel, step: int) -> None:
        """One primitive that has no kernel, by its NumPy meaning."""
        assert kernel.group is not None
        node = kernel.group.anchor
        assert node is not None
        if node.index in self._recurrences:
            self._recurrences[node.index].run(self, step)
            return
        operands = [self.array(self.plan.view(parent), step) for parent in node.inputs]
        with np.errstate(all="ignore"):
            value = TABLE[node.operation].numpy(*operands, **node.params)
        for place in self.plan.places(node):
            self.array(place, step)[...] = value

    def raw(self, view: View, step: int = 0) -> Array:
        """The bytes from the first value of a view on."""
        base = self._kept[view.storage.slot].view(np.uint8).reshape(-1)
        return base[view.storage.offset + view.storage.per_step * step + view.offset * view.dtype.itemsize :]

    def array(self, view: View, step: int = 0) -> Array:
        """A view as a NumPy array on the same memory."""
        base = self._kept[view.storage.slot].view(np.uint8).reshape(-1)
        start = view.storage.offset + view.storage.per_step * step
        flat = base[start : start + view.storage.size].view(np.uint8 if view.dtype.kind == "b" else view.dtype)
        strides = [s * view.dtype.itemsize for s in view.strides]
        shown = np.lib.stride_tricks.as_strided(flat[view.offset :], view.shape, strides)
        return shown.view(bool) if view.dtype.kind == "b" else shown


class Program:
    """A compiled graph: arrays in the order of its inputs to arrays in the order of its outputs."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph = rewritten(graph)
        self._compiled = Compiled(graph)
        self.plan = self._compiled.plan

    def __call__(self, *inputs: Any) -> list[Any]:
        """The outputs for these inputs; InputError if they do not have the shapes that the graph was recorded with."""
        graph, compiled, plan = self.graph, self._compiled, self.plan
        if len(inputs) != len(graph.inputs):
            raise InputError(f"the graph takes {len(graph.inputs)} inputs; {len(inputs)} were given.")
        for node, slot, value in zip(graph.inputs, plan.input_slots, inputs, strict=True):
            if np.shape(value) != node.shape:
                raise InputError(
                    f"input {node.name!r} has shape {np.shape(value)}; the graph was recorded for {node.shape}."
                )
            compiled.point(slot, np.ascontiguousarray(value, node.dtype))
        outputs = [np.empty(node.shape, node.dtype) for node in graph.outputs]
        for slot, output in zip(plan.output_slots, outputs, strict=True):
            compiled.point(slot, output)
        compiled.run(0, 1)
        return [output if output.shape else output[()] for output in outputs]


def aligned(size: int) -> Array:
    """Bytes that begin on a line of the cache, all zero."""
    raw = np.zeros(size + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    return raw[start : start + size]
