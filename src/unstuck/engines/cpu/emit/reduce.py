"""Reductions over any axes: partial results in registers, brought together at the end; what follows is computed at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

from unstuck.engines.cpu.emit.code import INT64, Code, Value, Variable
from unstuck.engines.cpu.emit.evaluate import Evaluator, Pointers, combine, horizontal, neutral_of
from unstuck.engines.cpu.emit.tiles import results
from unstuck.engines.cpu.fuse import Group
from unstuck.engines.cpu.kernel import ALONE, Kernel
from unstuck.engines.cpu.plan import Plan

CHAINS = 4  # partial results side by side, because an addition takes several cycles until the next can use it


def emit_reduce(code: Code, plan: Plan, kernel: Kernel) -> None:
    """The results ``%from`` to ``%to``; or all of them or none, where one thread does it."""
    group = kernel.group
    assert group is not None
    reduction = Reduction(code, plan, group)
    first, last = Value("%from", INT64), Value("%to", INT64)
    if kernel.domain is ALONE:
        with code.loop(first, last):
            reduction.emit(code.number(0), code.number(reduction.results))
    else:
        reduction.emit(first, last)


class Reduction:
    """Emits one reduction ``y = reduce(x)``; x is evaluated in its own space, what follows in the one of y."""

    def __init__(self, code: Code, plan: Plan, group: Group) -> None:
        assert group.anchor is not None
        self.code, self.node, self.x = code, group.anchor, group.anchor.inputs[0]
        pointers = Pointers(code)
        self.space = self.x.shape or (1,)
        self.inside = Evaluator(code, plan, group, self.space, pointers)
        self.outside = Evaluator(code, plan, group, group.space, pointers)
        self.axes: tuple[int, ...] = self.node.params["axes"]
        self.x_axes = tuple(i if n != 1 else None for i, n in enumerate(self.x.shape))
        self.neutral = neutral_of(self.node)
        last = len(self.space) - 1
        self.kept = [a for a in range(last) if a not in self.axes]
        self.gone = [a for a in range(last) if a in self.axes]
        self.results = results(self.x.shape, self.axes, code.lanes)

    def emit(self, first: Value, last: Value) -> None:
        """The results from ``first`` to before ``last``; see :func:`unstuck.engines.cpu.emit.tiles.results`."""
        if len(self.space) - 1 in self.axes or not self.x.shape:
            self._to_numbers(first, last)
        else:
            self._to_rows(first, last)

    # The columns stay: vectors are added up -----------------------------------------------------------------------------
    def _to_rows(self, first: Value, last: Value) -> None:
        code, columns = self.code, self.space[-1]
        strips, rest = -(-columns // code.lanes), columns % code.lanes
        with code.loop(first, last) as number:
            kept = code.op(f"udiv {number}, {strips}", INT64) if strips > 1 else number
            strip = code.op(f"urem {number}, {strips}", INT64) if strips > 1 else code.number(0)
            column = code.mul(strip, code.number(code.lanes))
            if strips > bool(rest):
                with code.when(code.compare("lt", strip, code.number(columns // code.lanes))):
                    self._strip(kept, column, code.lanes)
            if rest:
                with code.when(code.compare("eq", strip, code.number(strips - 1))):
                    self._strip(kept, code.number(columns - rest), rest)

    def _strip(self, kept: Value, column: Value, count: int) -> None:
        partial = self._start()
        self._each_row(kept, lambda row, k: self._take(row, (column, count), partial[k]))
        self._finish(kept, column, count, self._together(partial))

    # The columns go, too: to one number ---------------------------------------------------------------------------------
    def _to_numbers(self, first: Value, last: Value) -> None:
        code, columns = self.code, self.space[-1]
        with code.loop(first, last) as kept:
            partial = self._start()
            wide = code.lanes * CHAINS
            whole = columns // wide * wide

            def row_sum(row: Value, k: int) -> None:
                if whole:
                    with code.loop(0, whole, wide) as column:
                        for i, p in enumerate(partial):
                            self._take(row, (code.add(column, code.number(i * code.lanes)), code.lanes), p)
                for i, start in enumerate(range(whole, columns, code.lanes)):
                    count = min(code.lanes, columns - start)
                    self._take(row, (code.number(start), count), partial[(i + k) % CHAINS])

            self._each_row(kept, row_sum)
            total = code.splat(horizontal(code, self.node, self._together(partial)))
            self._finish(kept, kept, 1, total)

    # Pieces ------------------------------------------------------------------------------------------------------------
    def _start(self) -> list[Variable]:
        neutral = self.code.constant(self.neutral, self.node.dtype)
        return [self.code.variable(neutral) for _ in range(CHAINS)]

    def _each_row(self, kept: Value, body: object) -> None:
        """``body(row, chain)`` for all rows that are brought together, by turns into each of the partial results."""
        assert callable(body)
        code, count = self.code, self._size(self.gone)
        whole = count // CHAINS * CHAINS
        if whole:
            with code.loop(0, whole, CHAINS) as gone:
                for k in range(CHAINS):
                    body(self._row(kept, code.add(gone, code.number(k)) if k else gone), k)
        for k in range(count - whole):
            body(self._row(kept, code.number(whole + k)), k)

    def _take(self, row: Value, chunk: tuple[Value, int], partial: Variable) -> None:
        code = self.code
        self.inside.at(row, [chunk])
        value = code.convert(self.inside.value(self.x, self.x_axes, 0), self.node.dtype)
        if chunk[1] < code.lanes:
            value = code.select(code.first_lanes(chunk[1]), value, code.constant(self.neutral, self.node.dtype))
        partial.set(combine(code, self.node.operation, partial.get(), value))

    def _together(self, partial: Sequence[Variable]) -> Value:
        values = [p.get() for p in partial]
        while len(values) > 1:
            pairs = zip(values[::2], values[1::2], strict=True)
            values = [combine(self.code, self.node.operation, a, b) for a, b in pairs]
        return values[0]

    def _finish(self, kept: Value, column: Value, count: int, total: Value) -> None:
        """What follows the reduction, and the stores. ``kept`` counts the axes that stay, but for the columns."""
        numbers = self.space[-1] == 1 or len(self.space) - 1 in self.axes or not self.x.shape
        if numbers:  # one number for each kept row: they are the columns of the result's space, one at a time
            columns = self.outside.space[-1]
            row = self.code.op(f"udiv {kept}, {columns}", INT64)
            place = self.code.op(f"urem {kept}, {columns}", INT64)
            self.outside.narrow = True
            self.outside.at(row, [(place, 1)])
        else:
            self.outside.at(kept, [(column, count)])
        self.outside.given[self.node.index, 0] = total
        self.outside.store_all()

    def _row(self, kept: Value, gone: Value) -> Value:
        """The number of a row of x, from the counters of kept and reduced axes."""
        code = self.code
        total = code.number(0)
        for axes, counter in ((self.kept, kept), (self.gone, gone)):
            for i, axis in enumerate(axes):
                inner = math.prod(self.space[a] for a in axes[i + 1 :])
                index = code.op(f"udiv {counter}, {inner}", INT64) if inner > 1 else counter
                if i:
                    index = code.op(f"urem {index}, {self.space[axis]}", INT64)
                stride = math.prod(self.space[axis + 1 : -1])
                total = code.add(total, code.mul(index, code.number(stride)))
        return total

    def _size(self, axes: Sequence[int]) -> int:
        return math.prod(self.space[a] for a in axes)
