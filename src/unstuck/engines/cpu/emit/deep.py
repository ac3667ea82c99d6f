"""Matrix products whose second operand is put together strip by strip: because it is long, or because it lies turned round."""

from __future__ import annotations

from unstuck.engines.cpu.emit.code import INT64, Code, Value
from unstuck.engines.cpu.emit.matmul import Product
from unstuck.engines.cpu.emit.move import turned
from unstuck.engines.cpu.emit.rows import chunks_of, column_loop
from unstuck.engines.cpu.emit.tiles import pieces
from unstuck.engines.cpu.kernel import Kernel
from unstuck.engines.cpu.plan import Plan


def emit_deep(code: Code, plan: Plan, kernel: Kernel) -> None:
    """A product, and what follows it, shared by columns."""
    Deep(code, plan, kernel).emit()


class Deep(Product):
    """A product in pieces of its inner places, shared by columns.

    A piece of B, as wide as a tile, is put together in memory of the thread's own before it is multiplied with all rows: where
    it lies, its rows are often a power of two apart and crowd each other out of the first cache, or its columns are dense
    instead of its rows. The sums wait in memory until the last piece is added to them.
    """

    def emit(self) -> None:
        code = self.code
        self._width = code.lanes * self.at.plan.host.tile_vectors
        depth = -(-self.inner // pieces(self.inner))
        self._buffer = code.buffer(depth * self._width, self.node.dtype)
        last = (self.inner - 1) // depth * depth  # where the last piece begins
        if last:
            self._piece(code.number(0), depth, begins=True)
            with code.loop(depth, last, depth) as start:
                self._piece(start, depth)
        self._piece(code.number(last), self.inner - last, begins=not last, ends=True)

    def _piece(self, start: Value, depth: int, *, begins: bool = False, ends: bool = False) -> None:
        """Add the products of some inner places from ``start`` on to the sums; ``begins``: there are none yet, ``ends``: what
        follows the product is computed."""
        code, strips = self.code, self.columns // self._width
        self._start, self._depth, self._begins, self._ends = start, depth, begins, ends
        first, last = Value("%from", INT64), Value("%to", INT64)
        with code.loop(first, code.intrinsic("llvm.smin", last, code.number(strips))) as strip:
            self._strip(code.mul(strip, code.number(self._width)), self._width)
        rest = self.columns - strips * self._width
        if rest:
            with code.loop(code.intrinsic("llvm.smax", first, code.number(strips)), last):
                self._strip(code.number(self.columns - rest), rest)

    def _strip(self, column: Value, width: int) -> None:
        if self.b.strides[2] == 1:
            self._put_together(column, width)
        else:
            self._turn_round(column, width)
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

    def _turn_round(self, column: Value, width: int) -> None:
        """Put together what lies with dense columns: square blocks, turned round in registers."""
        code, dtype = self.code, self.node.dtype
        source = self._address(self.b, code.number(0), self._start, column)
        for k, height in column_loop(code, self._depth):
            for j, (_, count) in enumerate(chunks_of(code, column, width)):
                block = []
                for i in range(code.lanes):
                    offset = code.add(k, code.number((j * code.lanes + i) * self.b.strides[2]))
                    place = code.address(source, offset, dtype)
                    block.append(code.load_vector(place, dtype, height) if i < count else code.constant(0, dtype))
                goal = code.address(self._buffer, code.mul(k, code.number(self._width)), dtype)
                for i, vector in enumerate(turned(code, block)[:height]):
                    code.store_vector(code.address(goal, i * self._width + j * code.lanes, dtype), vector, code.lanes)

    def _tile(self, batch: Value, row: Value, column: Value, height: int, width: int, place: str = "") -> None:
        code, view = self.code, self.at.plan.sums.get(self.node.index)
        chunks = chunks_of(code, column, width)
        if self._ends:
            self._ask_for_what_follows(row, chunks, height)
        begun = None
        if not self._begins:
            assert view is not None
            begun = self._kept_sums(view, row, column, height, len(chunks))
        place_a = self._address(self.a, batch, row, self._start)
        sums = self._multiply(place_a, self._buffer, height, [count for _, count in chunks], self._depth, begun)
        if self._ends:
            self._what_follows(row, chunks, sums)
            return
        assert view is not None
        for i, line in enumerate(sums):
            here = code.add(row, code.number(i))
            for j, total in enumerate(line):
                code.store_vector(self._sum_place(view, (here, column), j), total, code.lanes)

    def _row_of_b(self) -> int:
        return self._width

    def _vector(self, place_b: str, k: int, j: int, count: int) -> Value:
        code, dtype = self.code, self.node.dtype
        return code.load_vector(code.address(place_b, k * self._width + j * code.lanes, dtype), dtype, code.lanes)
