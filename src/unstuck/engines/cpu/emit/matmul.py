"""Matrix products: tiles of rows × vectors held in registers, for every orientation of the first operand.

For each value of the inner index a tile loads a few vectors of B's row and one number of A for each of its rows, and adds the
products up. Then the tile's rows go on to what follows the product, without having been in memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from unstuck.engines.cpu.emit.code import INT64, Code, Value, Variable
from unstuck.engines.cpu.emit.evaluate import Evaluator, Pointers
from unstuck.engines.cpu.emit.gather import Gather
from unstuck.engines.cpu.emit.rows import chunks_of
from unstuck.engines.cpu.kernel import Kernel
from unstuck.engines.cpu.memory import View
from unstuck.engines.cpu.plan import Plan

IN_FLIGHT = 8  # independent sums that keep the processor's multipliers busy
UNROLL = 4
NEAR = 2**18  # bytes that are surely still in the cache when they are needed again


def emit_matmul(code: Code, plan: Plan, kernel: Kernel) -> None:
    """A product and what follows it."""
    Product(code, plan, kernel).emit()


@dataclass(frozen=True)
class Operand:
    """An operand as (batch, row, column): its first value's address and three strides."""

    view: View
    place: str
    strides: tuple[int, int, int]


class Product:
    def __init__(self, code: Code, plan: Plan, kernel: Kernel) -> None:
        group = kernel.group
        assert group is not None
        assert group.anchor is not None
        self.code, self.kernel, self.node = code, kernel, group.anchor
        self.pointers = Pointers(code)
        self.at = Evaluator(code, plan, group, group.space, self.pointers)
        a, b = self.node.inputs
        self.rows, self.columns, self.inner = self.node.shape[-2], self.node.shape[-1], a.shape[-1]
        self.batch = math.prod(self.node.shape[:-2])
        fetched = (
            [k for k in plan.kernels if k.kind == "gather" and plan.fetches(k)] if plan.asks_ahead is kernel else []
        )
        beside = [
            node for node in group.reads if node.shape == group.space and (node.inputs or node.index in plan.views)
        ]
        read = sum(plan.view(node).storage.size for node in beside)
        self.far = read > NEAR
        self.gathers = [Gather(code, plan, k) for k in fetched]
        self.a = self._operand(plan.view(a))
        if b.index in plan.panels:
            view = plan.panels[b.index]
            # A tile begins with a panel: the step from column to column is only used from panel to panel.
            self.b = Operand(view, self.pointers.of(view.storage), (0, view.shape[2], view.shape[1]))
        else:
            self.b = self._operand(plan.packed.get(b.index) or plan.view(b))

    def _operand(self, view: View) -> Operand:
        place = self.pointers.of(view.storage)
        outer = [s for n, s in zip(view.shape[:-2], view.strides[:-2], strict=True) if n != 1]
        return Operand(view, place, (outer[-1] if outer else 0, view.strides[-2], view.strides[-1]))

    def emit(self) -> None:
        code = self.code
        step = code.lanes * self.at.plan.host.tile_vectors
        whole = self.columns // step * step
        with code.loop(0, self.batch) as batch:
            if whole:
                with code.loop(0, whole, step) as column:
                    self._rows(batch, column, step)
            if self.columns > whole:
                self._rows(batch, code.number(whole), self.columns - whole, self.gathers)

    def _rows(self, batch: Value, column: Value, width: int, gathers: Sequence[Gather] = ()) -> None:
        """The tiles below each other, ``width`` columns wide; the first of them have one row more."""
        code, domain = self.code, self.kernel.domain
        small, extra = domain.bounds() if domain.rows else (self.rows, 0)
        first, last = Value("%from", INT64), Value("%to", INT64)
        if domain.rows != self.rows:
            return self._unsplit_rows(batch, column, width)
        if extra:
            limit = code.intrinsic("llvm.smin", last, code.number(extra))
            with code.loop(first, limit) as unit:
                self._ask_ahead(unit, gathers)
                self._tile(batch, code.mul(unit, code.number(small + 1)), column, small + 1, width)
            first = code.intrinsic("llvm.smax", first, code.number(extra))
        with code.loop(first, last) as unit:
            self._ask_ahead(unit, gathers)
            row = code.add(code.mul(unit, code.number(small)), code.number(extra))
            self._tile(batch, row, column, small, width)
        return None

    def _ask_ahead(self, unit: Value, gathers: Sequence[Gather]) -> None:
        for gather in gathers:
            gather.ask_ahead(unit, self.kernel.domain.units)

    def _unsplit_rows(self, batch: Value, column: Value, width: int) -> None:
        """All rows in one thread: a batch of products, or a single row."""
        code = self.code
        count = -(-self.rows // self.at.plan.host.tile_rows)
        small, extra = self.rows // count, self.rows % count
        with code.loop(Value("%from", INT64), Value("%to", INT64)):
            with code.loop(0, extra) as unit:
                self._tile(batch, code.mul(unit, code.number(small + 1)), column, small + 1, width)
            with code.loop(extra, count) as unit:
                row = code.add(code.mul(unit, code.number(small)), code.number(extra))
                self._tile(batch, row, column, small, width)

    def _tile(self, batch: Value, row: Value, column: Value, height: int, width: int) -> None:
        code = self.code
        chunks = chunks_of(code, column, width)
        first = code.add(code.mul(batch, code.number(self.rows)), row)
        if self.far:
            for i in range(height):
                self.at.at(code.add(first, code.number(i)), chunks)
                self.at.prefetch()
        sums = self._multiply(batch, row, column, height, [count for _, count in chunks])
        for i in range(height):
            here = code.add(first, code.number(i)) if i else first
            self.at.at(here, chunks) if i == 0 else self.at.next_row(here)
            for j, total in enumerate(sums[i]):
                self.at.given[self.node.index, j] = total
            self.at.store_all()

    def _multiply(self, batch: Value, row: Value, column: Value, height: int, counts: list[int]) -> list[list[Value]]:
        """The sums of a tile, by row and vector."""
        code, dtype = self.code, self.node.dtype
        chains = max(1, min(IN_FLIGHT // (height * len(counts)), self.inner))
        zero = code.constant(0, dtype)
        sums = [[[code.variable(zero) for _ in counts] for _ in range(height)] for _ in range(chains)]
        place_a = self._address(self.a, batch, row, code.number(0))
        place_b = self._address(self.b, batch, code.number(0), column)
        step = chains if chains > 1 else (UNROLL if self.inner >= UNROLL else 1)
        whole = self.inner // step * step
        with code.loop(0, whole, step) as k:
            here_a = code.address(place_a, code.mul(k, code.number(self.a.strides[2])), dtype)
            here_b = code.address(place_b, code.mul(k, code.number(self.b.strides[1])), dtype)
            for i in range(step):
                self._rank_one(here_a, here_b, i, sums[i % chains], counts)
        for rest in range(whole, self.inner):
            self._rank_one(place_a, place_b, rest, sums[rest % chains], counts)
        return [
            [self._total([sums[c][i][j] for c in range(chains)]) for j in range(len(counts))] for i in range(height)
        ]

    def _total(self, parts: list[Variable]) -> Value:
        values = [part.get() for part in parts]
        while len(values) > 1:
            values = [self.code.add(values[0], values[1]), *values[2:]]
        return values[0]

    def _rank_one(self, place_a: str, place_b: str, k: int, sums: list[list[Variable]], counts: list[int]) -> None:
        """Add a column of A times a row of B; both ``k`` places further on than the addresses."""
        code, dtype = self.code, self.node.dtype
        vectors = [self._vector(place_b, k, j, count) for j, count in enumerate(counts)]
        for i, row in enumerate(sums):
            offset = i * self.a.strides[1] + k * self.a.strides[2]
            number = code.splat(code.load(code.address(place_a, offset, dtype), dtype))
            for total, vector in zip(row, vectors, strict=True):
                total.set(code.fma(number, vector, total.get()))

    def _vector(self, place_b: str, k: int, j: int, count: int) -> Value:
        code, dtype = self.code, self.node.dtype
        place = code.address(place_b, k * self.b.strides[1] + j * code.lanes, dtype)
        if self.columns == 1 and not self.b.view.shape[2:]:
            return code.splat(code.load(place, dtype))
        return code.load_vector(place, dtype, code.lanes if self.b.view.padded else count)

    def _address(self, operand: Operand, batch: Value, row: Value, column: Value) -> str:
        code = self.code
        offset = code.number(operand.view.offset)
        for index, stride in zip((batch, row, column), operand.strides, strict=True):
            offset = code.add(offset, code.mul(index, code.number(stride)))
        return code.address(operand.place, offset, operand.view.dtype)
