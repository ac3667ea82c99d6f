"""The kernel that brings in a batch: rows picked out of the stored data, converted and scaled on the way."""

from __future__ import annotations

import math

import numpy as np

from unstuck.engines.cpu.emit.code import INT64, Code, Value
from unstuck.engines.cpu.emit.evaluate import Pointers
from unstuck.engines.cpu.emit.rows import chunks_of, column_loop, each_unit, row_range
from unstuck.engines.cpu.kernel import Kernel
from unstuck.engines.cpu.plan import Plan

LINE = 64
SIDE_BY_SIDE = 4  # vectors that are converted in one go


def emit_gather(code: Code, plan: Plan, kernel: Kernel) -> None:
    """``x[i] = (data[index[step · rows + i]] - shift) · factor``, converted to the dtype of x."""
    Gather(code, plan, kernel).emit()


class Gather:
    def __init__(self, code: Code, plan: Plan, kernel: Kernel) -> None:
        assert kernel.node is not None
        self.code, self.kernel, self.node = code, kernel, kernel.node
        self.view, self.source = plan.view(kernel.node), plan.source_of(kernel.node)
        self.width = math.prod(self.node.shape[1:])
        self.pointers = Pointers(code)
        self.data, self.index = self.pointers.slot(kernel.source), self.pointers.slot(kernel.index)
        self.target = self.pointers.of(self.view.storage)
        self.scaling = [self.pointers.slot(kernel.source + i) for i in (1, 2)] if self.source.scaled else []

    def emit(self) -> None:
        code, rows = self.code, self.node.shape[0]
        if self.kernel.domain.line > 1:
            for unit, start, width in each_unit(code, self.kernel.domain):
                part = code.address(self.target, code.mul(unit, code.number(self.view.strides[0])), self.node.dtype)
                self._rows(code.number(0), code.number(rows), part, start, width)
        else:
            self._rows(*row_range(code, self.kernel.domain, rows), self.target, None, self.width)

    def _rows(self, first: Value, last: Value, target: str, start: Value | None, width: int) -> None:
        """So many columns of each row, from ``start`` on."""
        code = self.code
        begin = code.mul(Value("%step", INT64), code.number(self.node.shape[0]))
        stride = self.view.strides[0] if start is None else self.view.strides[1]
        with code.loop(first, last) as row:
            number = code.add(begin, row)
            if not self.source.in_order:
                number = code.load(code.address(self.index, number, INT64), INT64)
            place = self._row(number)
            to = code.address(target, code.mul(row, code.number(stride)), self.node.dtype)
            for column, count in column_loop(code, width, SIDE_BY_SIDE):
                for chunk, lanes in chunks_of(code, column, count):
                    self._move(place, to, chunk, lanes, start)

    def _row(self, number: Value) -> str:
        """The address of a stored row."""
        return self.code.address(self.data, self.code.mul(number, self.code.number(self.width)), self.source.dtype)

    def ask_ahead(self, unit: Value, units: int) -> None:
        """Ask for a share of the next step's rows; the index goes on for as many rows behind its end."""
        code, rows = self.code, self.node.shape[0]
        following = code.mul(code.add(Value("%step", INT64), code.number(1)), code.number(rows))
        here = code.mul(unit, code.number(rows))
        first = code.op(f"udiv {here}, {units}", INT64)
        last = code.op(f"udiv {code.add(here, code.number(rows))}, {units}", INT64)
        with code.loop(code.add(following, first), code.add(following, last)) as number:
            early = self._row(code.load(code.address(self.index, number, INT64), INT64))
            for offset in range(0, self.width * self.source.dtype.itemsize, LINE):
                code.prefetch(code.address(early, offset, np.dtype(np.int8)))

    def ask_for_columns(self, line: Value, start: Value, count: int) -> None:
        """Ask for a share of the next step's rows, and of them ``count`` columns from ``start`` on; the share is the one that
        ``line``, which goes through these columns, stands for."""
        code, rows = self.code, self.node.shape[0]
        following = code.mul(code.add(Value("%step", INT64), code.number(1)), code.number(rows))
        first, last = (
            code.add(following, code.op(f"udiv {code.mul(place, code.number(rows))}, {count}", INT64))
            for place in (line, code.add(line, code.number(self.kernel.domain.line)))
        )
        size = self.source.dtype.itemsize
        with code.loop(first, last) as number:
            early = self._row(code.load(code.address(self.index, number, INT64), INT64))
            early = code.address(early, start, self.source.dtype)
            for offset in range(0, count * size, LINE):
                code.prefetch(code.address(early, offset, np.dtype(np.int8)))

    def _move(self, place: str, to: str, column: Value, count: int, start: Value | None) -> None:
        """One vector of a row; ``to`` has the columns from ``start`` on."""
        code, source, dtype = self.code, self.source, self.node.dtype
        goal = code.address(to, column, dtype)
        column = column if start is None else code.add(start, column)
        if count == 1 and not source.scaled:
            one = code.load(code.address(place, column, source.dtype), source.dtype)
            code.store(goal, code.convert(one, dtype))
            return
        stored = code.load_vector(code.address(place, column, source.dtype), source.dtype, count)
        value = code.convert(stored, dtype)
        if source.scaled:
            shift, factor = (code.address(part, column, dtype) for part in self.scaling)
            if source.shifted:
                value = code.sub(value, code.load_vector(shift, dtype, count))
            value = code.mul(value, code.load_vector(factor, dtype, count))
        in_rows = len(self.view.shape) - (start is not None) == 2 and self.width > 1  # with room behind each
        code.store_vector(goal, value, code.lanes if self.view.padded and in_rows else count)
