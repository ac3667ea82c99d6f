"""The value of a node at a place: loaded where it is stored, computed from its operands where it is not."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from unstuck.autodiff import Node
from unstuck.engines.cpu.emit.code import INT64, Code, Value
from unstuck.engines.cpu.emit.elementwise import RULES, operand_dtypes
from unstuck.engines.cpu.emit.random import uniform
from unstuck.engines.cpu.fuse import Axes, Group, carry_back
from unstuck.engines.cpu.memory import Storage, View, contiguous
from unstuck.engines.cpu.plan import Plan

REDUCTIONS = ("sum", "max", "min")


class Pointers:
    """The address of each storage, found once at the entry of a kernel."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self._known: dict[tuple[int, int, int], str] = {}

    def slot(self, slot: int) -> str:
        return self._once(slot, 0, 0)

    def of(self, storage: Storage) -> str:
        return self._once(storage.slot, storage.offset, storage.per_step)

    def _once(self, slot: int, offset: int, per_step: int) -> str:
        key = (slot, offset, per_step)
        if key not in self._known:
            code = self.code
            place = code.once(f"getelementptr ptr, ptr %table, i64 {slot}")
            base = code.once(f"load ptr, ptr {place}")
            if offset:
                base = code.once(f"getelementptr i8, ptr {base}, i64 {offset}")
            if per_step:
                moved = code.once(f"mul i64 %step, {per_step}")
                base = code.once(f"getelementptr i8, ptr {base}, i64 {moved}")
            self._known[key] = base
        return self._known[key]


class Evaluator:
    """Values of the nodes of one group at the current row, for each chunk (a vector's worth of columns).

    ``space`` is the shape over which the kernel runs. ``at`` begins a straight stretch of code, ``next_row`` goes on in it:
    what does not depend on the row is kept. ``given`` holds values that come from elsewhere, such as the product's.
    """

    def __init__(self, code: Code, plan: Plan, group: Group, space: tuple[int, ...], pointers: Pointers) -> None:
        self.code, self.plan, self.group, self.space, self.pointers = code, plan, group, space, pointers
        self.given: dict[tuple[int, int], Value] = {}
        self.narrow = False  # chunks begin anywhere, so that no more may be touched than counts
        self._moving: dict[tuple[int, Axes, int], Value] = {}
        self._fixed: dict[tuple[int, Axes, int], Value] = {}

    def at(self, row: Value, chunks: Sequence[tuple[Value, int]]) -> None:
        """Begin at a row, with chunks of columns: (first column, how many of the lanes count)."""
        self._fixed.clear()
        self.chunks = list(chunks)
        self.next_row(row)

    def next_row(self, row: Value) -> None:
        self._moving.clear()
        self.given.clear()
        self.row = row

    # Values ------------------------------------------------------------------------------------------------------------
    def value(self, node: Node, axes: Axes, chunk: int) -> Value:
        """The node's value in all lanes of a chunk; what does not run along the columns is the same in all lanes."""
        last = len(self.space) - 1
        key = (node.index, axes, chunk if last in axes else -1)
        fixed = node.index not in self.group.members and all(a in (None, last) for a in axes)
        cache = self._fixed if fixed else self._moving
        if key not in cache:
            cache[key] = self._find(node, axes, chunk)
        return cache[key]

    def _find(self, node: Node, axes: Axes, chunk: int) -> Value:
        if (node.index, chunk) in self.given:
            return self.given[node.index, chunk]
        member = node.index in self.group.members
        if node.operation == "constant" and node.size == 1:
            assert node.value is not None
            return self.code.constant(node.value.item(), node.dtype)
        if not member and node.index not in self.plan.fusion.floating:
            return self._load(self.plan.view(node), axes, chunk)
        if node.operation in REDUCTIONS:
            return self._reduced(node, chunk)
        if node.operation == "argmax":
            return self._argmax(node)
        if node.operation == "random_uniform":
            return uniform(self, node, self._counters(node.shape, axes, chunk))
        if node.operation == "reshape":
            parent = node.inputs[0]
            return self.value(parent, self.axes_of(node, axes, parent), chunk)
        operands = []
        for parent, dtype in zip(node.inputs, operand_dtypes(node), strict=True):
            found = self.value(parent, self.axes_of(node, axes, parent), chunk)
            operands.append(self.code.convert(found, dtype))
        return RULES[node.operation](self.code, *operands)

    def axes_of(self, node: Node, axes: Axes, parent: Node) -> Axes:
        """How an operand lies in the space."""
        return self.group.members.get(parent.index) or carry_back(node, axes, parent)

    # Along a row -------------------------------------------------------------------------------------------------------
    def _row_of(self, node: Node) -> tuple[Node, list[Value]]:
        x = node.inputs[0]
        axes = tuple(i if n != 1 else None for i, n in enumerate(x.shape))
        return x, [self.value(x, axes, chunk) for chunk in range(len(self.chunks))]

    def _reduced(self, node: Node, chunk: int) -> Value:
        code = self.code
        _, parts = self._row_of(node)
        neutral = neutral_of(node)
        if self.space[-1] == 1:
            return code.convert(parts[0], node.dtype)
        total: Value | None = None
        for (_, count), part in zip(self.chunks, parts, strict=True):
            part = code.convert(part, node.dtype)
            if count < code.lanes:
                part = code.select(code.first_lanes(count), part, code.constant(neutral, node.dtype))
            total = part if total is None else combine(code, node.operation, total, part)
        assert total is not None
        return code.splat(horizontal(code, node, total))

    def _argmax(self, node: Node) -> Value:
        """The first place of the largest value; NaN counts as larger than all, as in NumPy."""
        code = self.code
        x, parts = self._row_of(node)
        if self.space[-1] == 1:
            return code.constant(0, INT64)
        masked = []
        for (_, count), part in zip(self.chunks, parts, strict=True):
            low = code.constant(-math.inf, x.dtype)
            masked.append(part if count == code.lanes else code.select(code.first_lanes(count), part, low))
        together = masked[0]
        for part in masked[1:]:
            together = combine(code, "max", together, part)
        top = code.splat(code.largest(together))
        top_is_nan = code.compare("ne", top, top)
        best = code.number(0)
        for number in reversed(range(len(masked))):
            part = masked[number]
            here = code.select(top_is_nan, code.compare("ne", part, part), code.compare("eq", part, top))
            bits = code.mask_bits(code.bits("and", here, code.first_lanes(self.chunks[number][1])))
            place = code.add(code.intrinsic("llvm.cttz", bits, extra="i1 false"), code.number(number * code.lanes))
            best = code.select(code.compare("ne", bits, code.number(0)), place, best)
        return code.splat(best)

    # Memory ------------------------------------------------------------------------------------------------------------
    def _row_offset(self, strides: Sequence[int], axes: Axes) -> Value | int:
        """What the current row adds to an address, in values."""
        steps = {axis: stride for axis, stride in zip(axes, strides, strict=True) if axis is not None}
        dims = [a for a in range(len(self.space) - 1) if self.space[a] != 1]
        wanted = [steps.get(a, 0) for a in dims]
        if not any(wanted):
            return 0
        inner = [math.prod(self.space[a + 1 : -1]) for a in dims]
        code = self.code
        if all(w == wanted[-1] * n for w, n in zip(wanted, inner, strict=True)):
            return code.mul(self.row, code.number(wanted[-1]))
        total = code.number(0)
        for a, stride, n in zip(dims, wanted, inner, strict=True):
            if stride:
                index = code.op(f"udiv {self.row}, {n}", INT64)
                index = code.op(f"urem {index}, {self.space[a]}", INT64)
                total = code.add(total, code.mul(index, code.number(stride)))
        return total

    def _place(self, view: View, axes: Axes, chunk: int) -> tuple[str, int]:
        """The address of a view's value here, and its stride along the columns (0: the same for all)."""
        code, last = self.code, len(self.space) - 1
        place = self.pointers.of(view.storage)
        if view.offset:
            place = code.address(place, view.offset, view.dtype)
        offset = self._row_offset(view.strides, axes)
        if offset != 0:
            place = code.address(place, offset, view.dtype)
        if last not in axes:
            return place, 0
        stride = view.strides[axes.index(last)]
        column = self.chunks[chunk][0]
        if column.text != "0":
            moved = column if stride == 1 else code.mul(column, code.number(stride))
            place = code.address(place, moved, view.dtype)
        return place, stride

    def _load(self, view: View, axes: Axes, chunk: int) -> Value:
        code, count = self.code, self.chunks[chunk][1]
        place, stride = self._place(view, axes, chunk)
        if stride == 0:
            return code.splat(code.load(place, view.dtype))
        if stride == 1:
            return code.load_vector(place, view.dtype, code.lanes if view.padded and not self.narrow else count)
        result = code.constant(0, view.dtype)
        for lane in range(count):
            one = code.load(code.address(place, lane * stride, view.dtype), view.dtype)
            result = code.insert(result, one, lane)
        return result

    def prefetch(self) -> None:
        """Ask for all that will be read here value by value, such as an optimiser's state."""
        for node in self.group.reads:
            if node.shape == self.space and (
                self.group.anchor is None or all(node is not p for p in self.group.anchor.inputs)
            ):
                axes = tuple(i if n != 1 else None for i, n in enumerate(node.shape))
                for chunk in range(len(self.chunks)):
                    self.code.prefetch(self._place(self.plan.view(node), axes, chunk)[0])

    def store(self, node: Node, view: View, chunk: int) -> None:
        """Write a member's value here to one of its places."""
        code, count = self.code, self.chunks[chunk][1]
        axes = self.group.members.get(node.index, tuple(i if n != 1 else None for i, n in enumerate(node.shape)))
        value = self.value(node, axes, chunk)
        place, stride = self._place(view, axes, chunk)
        if stride == 0:
            if chunk == 0:
                code.store(place, code.extract(value, 0))
        elif stride == 1:
            code.store_vector(place, value, code.lanes if view.padded and not self.narrow else count)
        else:
            for lane in range(count):
                code.store(code.address(place, lane * stride, view.dtype), code.extract(value, lane))

    def store_all(self) -> None:
        """Write every stored member of the group, at this row and in all its chunks."""
        for node in self.group.stores:
            for chunk in range(len(self.chunks)):
                for view in self.plan.places(node):
                    self.store(node, view, chunk)

    def _counters(self, shape: tuple[int, ...], axes: Axes, chunk: int) -> Value:
        """The number of each value in an array of this shape, counted row by row (int32)."""
        code, last = self.code, len(self.space) - 1
        offset = self._row_offset(contiguous(shape), axes)
        first = offset if isinstance(offset, Value) else code.number(offset)
        if last in axes:
            first = code.add(first, self.chunks[chunk][0])
        numbers = code.splat(first)
        numbers = code.add(numbers, code.lane_numbers()) if last in axes else numbers
        return code.convert(numbers, np.dtype(np.uint32))


def neutral_of(node: Node) -> float | int:
    """The number that changes nothing in a reduction; what a lane holds that does not count."""
    if node.operation == "sum":
        return 0
    if node.dtype.kind == "f":
        return -math.inf if node.operation == "max" else math.inf
    limits = np.iinfo(node.dtype)
    return int(limits.min if node.operation == "max" else limits.max)


def combine(code: Code, operation: str, a: Value, b: Value) -> Value:
    """Two partial results of a reduction, together."""
    return RULES[{"sum": "add", "max": "maximum", "min": "minimum"}[operation]](code, a, b)


def horizontal(code: Code, node: Node, total: Value) -> Value:
    """All lanes of a partial result together, a plain number."""
    if node.operation == "sum":
        return code.horizontal("fadd" if node.dtype.kind == "f" else "add", total)
    if node.dtype.kind == "f":
        return code.largest(total, sign=1 if node.operation == "max" else -1)
    return code.horizontal(f"{'s' if node.dtype.kind == 'i' else 'u'}{node.operation}", total)
