"""Matrix products: tiles of rows × vectors held in registers, for every orientation of the first operand.

For each value of the inner index a tile loads a few vectors of B's row and one number of A for each of its rows, and adds the
products up. Then the tile's rows go on to what follows the product, without having been in memory.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from unstuck.engines.cpu.emit.code import INT64, Code, Value, Variable
from unstuck.engines.cpu.emit.evaluate import Evaluator, Pointers
from unstuck.engines.cpu.emit.gather import Gather
from unstuck.engines.cpu.emit.rows import chunks_of, each_unit
from unstuck.engines.cpu.kernel import Kernel
from unstuck.engines.cpu.memory import View
from unstuck.engines.cpu.plan import Plan

IN_FLIGHT = 8  # independent sums that keep the processor's multipliers busy
UNROLL = 4
Chunks = list[tuple[Value, int]]
NEAR = 2**18  # bytes that are surely still in the cache when they are needed again


def emit_matmul(code: Code, plan: Plan, kernel: Kernel) -> None:
    """A product and what follows it."""
    Product(code, plan, kernel).emit()


def emit_partial(code: Code, plan: Plan, kernel: Kernel) -> None:
    """The parts of a product, each the sum over some of the inner places; see :mod:`unstuck.engines.cpu.columns`."""
    Product(code, plan, kernel).emit_parts()


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
        self.by_columns = plan.columns
        self.in_parts = plan.columns is not None and plan.columns.product is self.node
        self.a = self._operand(plan.view(a))
        if b.index in plan.panels:
            view = plan.panels[b.index]
            # A tile begins with a panel: the step from column to column is only used from panel to panel.
            self.b = Operand(view, self.pointers.of(view.storage), (0, view.shape[2], view.shape[1]))
        else:
            self.b = self._operand(plan.packed.get(b.index) or plan.view(b))

    def _operand(self, view: View) -> Operand:
        if self.by_columns is not None and view is self.by_columns.place:
            turned = self.node is not self.by_columns.product
            part, row, column = view.strides
            return Operand(view, self.pointers.of(view.storage), (part, *((column, row) if turned else (row, column))))
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
        if domain.line > 1:
            return self._line_by_line(batch, column, width, gathers)
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

    def _line_by_line(self, batch: Value, column: Value, width: int, gathers: Sequence[Gather]) -> None:
        """The rows of whole lines, each line in as few tiles as hold it."""
        code, domain = self.code, self.kernel.domain
        in_units = (
            self.by_columns is not None and self.a.view is self.by_columns.place
        )  # then its rows lie unit by unit
        for unit, start, rows in each_unit(code, domain):
            with code.loop(0, rows, domain.line) as line:
                for gather in gathers:
                    gather.ask_for_columns(line, start, rows)
                for top, height in self._heights(domain.line, width):
                    here = code.add(line, code.number(top))
                    place = self._address(self.a, unit, here, code.number(0)) if in_units else ""
                    self._tile(batch, code.add(start, here), column, height, width, place)

    def _heights(self, rows: int, width: int) -> list[tuple[int, int]]:
        """(first row, rows) of the tiles in which so many rows are worked on, equally high but for one."""
        host = self.at.plan.host
        vectors = -(-width // self.code.lanes)
        count = -(-rows // ((host.registers - 2) // vectors - 1))
        starts = [rows * i // count for i in range(count + 1)]
        return [(a, b - a) for a, b in itertools.pairwise(starts)]

    # In parts ----------------------------------------------------------------------------------------------------------
    def emit_parts(self) -> None:
        """For each unit of the domain, which are inner places, the sums over these."""
        for unit, start, inner in each_unit(self.code, self.kernel.domain):
            self._part(unit, start, inner)

    def _part(self, unit: Value, start: Value, inner: int) -> None:
        code = self.code
        step = code.lanes * self.at.plan.host.tile_vectors
        whole = self.columns // step * step
        if whole:
            with code.loop(0, whole, step) as column:
                self._part_rows(unit, start, inner, column, step)
        if self.columns > whole:
            self._part_rows(unit, start, inner, code.number(whole), self.columns - whole)

    def _part_rows(self, unit: Value, start: Value, inner: int, column: Value, width: int) -> None:
        code = self.code
        assert self.by_columns is not None
        parts = self.by_columns.parts
        heights = [b for _, b in self._heights(self.rows, width)]
        row = code.number(0)
        for height, group in itertools.groupby(sorted(heights, reverse=True)):
            count = len(list(group))
            end = code.add(row, code.number(count * height))
            with code.loop(row, end, height) as top:
                counts = [n for _, n in chunks_of(code, column, width)]
                place_a = self._address(self.a, unit, top, code.number(0))
                place_b = self._address(self.b, code.number(0), start, column)
                sums = self._multiply(place_a, place_b, height, counts, inner)
                for i, line in enumerate(sums):
                    for j, total in enumerate(line):
                        place = self._sum_place(parts, (unit, code.add(top, code.number(i)), column), j)
                        code.store_vector(place, total, code.lanes)
            row = end

    def _sum_place(self, view: View, indices: Sequence[Value], j: int) -> str:
        """The address of the j-th vector from some place of sums on."""
        code = self.code
        place = self.pointers.of(view.storage)
        for index, stride in zip(indices, view.strides, strict=True):
            place = code.address(place, code.mul(index, code.number(stride)), view.dtype)
        return code.address(place, j * code.lanes, view.dtype)

    def _sums_of_parts(self, row: Value, column: Value, height: int, vectors: int) -> list[list[Value]]:
        code = self.code
        assert self.by_columns is not None
        sums = []
        for i in range(height):
            here = code.add(row, code.number(i))
            line = []
            for j in range(vectors):
                total: Value | None = None
                for unit in range(self.by_columns.domain.units):
                    place = self._sum_place(self.by_columns.parts, (code.number(unit), here, column), j)
                    part = code.load_vector(place, self.node.dtype, code.lanes)
                    total = part if total is None else code.add(total, part)
                assert total is not None
                line.append(total)
            sums.append(line)
        return sums

    # Piece by piece ----------------------------------------------------------------------------------------------------
    def _kept_sums(self, view: View, row: Value, column: Value, height: int, vectors: int) -> list[list[Value]]:
        code = self.code
        heres = [code.add(row, code.number(i)) for i in range(height)]
        return [
            [code.load_vector(self._sum_place(view, (here, column), j), view.dtype, code.lanes) for j in range(vectors)]
            for here in heres
        ]

    # Whole -------------------------------------------------------------------------------------------------------------
    def _ask_ahead(self, unit: Value, gathers: Sequence[Gather]) -> None:
        for gather in gathers:
            gather.ask_ahead(unit, self.kernel.domain.units)

    def _unsplit_rows(self, batch: Value, column: Value, width: int) -> None:
        """All rows in one thread: a batch of products, or a single row."""
        code = self.code
        with code.loop(Value("%from", INT64), Value("%to", INT64)):
            self._all_rows(batch, column, width)

    def _all_rows(self, batch: Value, column: Value, width: int) -> None:
        """All rows of some columns, in tiles of nearly equal height."""
        code = self.code
        count = -(-self.rows // self.at.plan.host.tile_rows)
        small, extra = self.rows // count, self.rows % count
        with code.loop(0, extra) as unit:
            self._tile(batch, code.mul(unit, code.number(small + 1)), column, small + 1, width)
        with code.loop(extra, count) as unit:
            row = code.add(code.mul(unit, code.number(small)), code.number(extra))
            self._tile(batch, row, column, small, width)

    def _tile(self, batch: Value, row: Value, column: Value, height: int, width: int, place: str = "") -> None:
        """One tile and what follows it; ``place`` is the address of its first row of A, where that is another."""
        code = self.code
        chunks = chunks_of(code, column, width)
        first = code.add(code.mul(batch, code.number(self.rows)), row)
        self._ask_for_what_follows(first, chunks, height)
        if self.in_parts:
            sums = self._sums_of_parts(row, column, height, len(chunks))
        else:
            place_a = place or self._address(self.a, batch, row, code.number(0))
            place_b = self._address(self.b, batch, code.number(0), column)
            sums = self._multiply(place_a, place_b, height, [count for _, count in chunks], self.inner)
        self._what_follows(first, chunks, sums)

    def _ask_for_what_follows(self, first: Value, chunks: Chunks, height: int) -> None:
        """Fetch ahead what a tile needs after its product, if it is far away."""
        for i in range(height if self.far else 0):
            self.at.at(self.code.add(first, self.code.number(i)), chunks)
            self.at.prefetch()

    def _what_follows(self, first: Value, chunks: Chunks, sums: list[list[Value]]) -> None:
        """Everything else of the group, row by row from ``first`` on, on the sums of a tile."""
        code = self.code
        for i, line in enumerate(sums):
            here = code.add(first, code.number(i)) if i else first
            self.at.at(here, chunks) if i == 0 else self.at.next_row(here)
            for j, total in enumerate(line):
                self.at.given[self.node.index, j] = total
            self.at.store_all()

    def _multiply(
        self,
        place_a: str,
        place_b: str,
        height: int,
        counts: list[int],
        inner: int,
        begun: list[list[Value]] | None = None,
    ) -> list[list[Value]]:
        """The sums of a tile, by row and vector, over so many inner places from two addresses on, added to those begun."""
        code, dtype = self.code, self.node.dtype
        chains = max(1, min(IN_FLIGHT // (height * len(counts)), inner))
        zero = code.constant(0, dtype)
        sums = [[[code.variable(zero) for _ in counts] for _ in range(height)] for _ in range(chains)]
        for i, line in enumerate(begun or ()):
            for j, value in enumerate(line):
                sums[0][i][j].set(value)
        step = chains if chains > 1 else (UNROLL if inner >= UNROLL else 1)
        whole = inner // step * step
        with code.loop(0, whole, step) as k:
            here_a = code.address(place_a, code.mul(k, code.number(self.a.strides[2])), dtype)
            here_b = code.address(place_b, code.mul(k, code.number(self._row_of_b())), dtype)
            for i in range(step):
                self._rank_one(here_a, here_b, i, sums[i % chains], counts)
        for rest in range(whole, inner):
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
                if self.at.plan.host.multiplies_and_adds:
                    total.set(code.fma(number, vector, total.get()))
                else:
                    total.set(code.add(code.mul(number, vector), total.get()))

    def _row_of_b(self) -> int:
        """The distance of two rows of B where the tiles read them."""
        return self.b.strides[1]

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
