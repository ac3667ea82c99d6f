"""Matrix products with many inner places, piece by piece."""

from __future__ import annotations

from unstuck.engines.cpu.emit.code import INT64, Code, Value
from unstuck.engines.cpu.emit.matmul import Product
from unstuck.engines.cpu.emit.rows import chunks_of
from unstuck.engines.cpu.kernel import Kernel
from unstuck.engines.cpu.plan import Plan

PIECE = 192  # inner places of a piece: 24 KB of B for two vectors of 64 bytes


def emit_deep(code: Code, plan: Plan, kernel: Kernel) -> None:
    """The sums of a product with many inner places; what follows the product comes in a kernel of its own."""
    Deep(code, plan, kernel).emit()


class Deep(Product):
    """A product in pieces of its inner places, shared by columns.

    A piece of B, as wide as a tile, is put together in memory of the thread's own before it is multiplied with all rows: where
    it lies, its rows are often a power of two apart and crowd each other out of the first cache.
    """

    def emit(self) -> None:
        code = self.code
        self._width = code.lanes * self.at.plan.host.tile_vectors
        pieces = -(-self.inner // PIECE)
        depth = -(-self.inner // pieces)
        self._buffer = code.buffer(depth * self._width, self.node.dtype)
        whole = self.inner // depth * depth
        self._piece(code.number(0), depth, fresh=True)
        with code.loop(depth, whole, depth) as start:
            self._piece(start, depth)
        if whole < self.inner:
            self._piece(code.number(whole), self.inner - whole)

    def _piece(self, start: Value, depth: int, *, fresh: bool = False) -> None:
        """Add the products of some inner places from ``start`` on to the sums; ``fresh``: there are none yet."""
        code, strips = self.code, self.columns // self._width
        self._start, self._depth, self._fresh = start, depth, fresh
        first, last = Value("%from", INT64), Value("%to", INT64)
        with code.loop(first, code.intrinsic("llvm.smin", last, code.number(strips))) as strip:
            self._strip(code.mul(strip, code.number(self._width)), self._width)
        rest = self.columns - strips * self._width
        if rest:
            with code.loop(code.intrinsic("llvm.smax", first, code.number(strips)), last):
                self._strip(code.number(self.columns - rest), rest)

    def _strip(self, column: Value, width: int) -> None:
        self._put_together(column, width)
        self._all_rows(self.code.number(0), column, width)

    def _put_together(self, column: Value, width: int) -> None:
        code, dtype = self.code, self.node.dtype
        source = self._address(self.b, code.number(0), self._start, column)
        with code.loop(0, self._depth) as k:
            row = code.address(source, code.mul(k, code.number(self.b.strides[1])), dtype)
            place = code.address(self._buffer, code.mul(k, code.number(self._width)), dtype)
            for j, (_, count) in enumerate(chunks_of(code, column, width)):
                vector = code.load_vector(code.address(row, j * code.lanes, dtype), dtype, count)
                code.store_vector(code.address(place, j * code.lanes, dtype), vector, code.lanes)

    def _tile(self, batch: Value, row: Value, column: Value, height: int, width: int, place: str = "") -> None:
        code = self.code
        assert self.sums is not None
        counts = [count for _, count in chunks_of(code, column, width)]
        begun = None if self._fresh else self._kept_sums(self.sums, row, column, height, len(counts))
        place_a = self._address(self.a, batch, row, self._start)
        sums = self._multiply(place_a, self._buffer, height, counts, self._depth, begun)
        for i, line in enumerate(sums):
            here = code.add(row, code.number(i))
            for j, total in enumerate(line):
                code.store_vector(self._sum_place(self.sums, (here, column), j), total, code.lanes)

    def _row_of_b(self) -> int:
        return self._width

    def _vector(self, place_b: str, k: int, j: int, count: int) -> Value:
        code, dtype = self.code, self.node.dtype
        return code.load_vector(code.address(place_b, k * self._width + j * code.lanes, dtype), dtype, code.lanes)
