"""Convolution with the batch as the last axis: a tile is some channels × some vectors of the batch, held in registers.

For each place, tap and channel a few vectors of the source are loaded, and one number of the kernel for each channel of the
tile; what follows the convolution is applied to the registers.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

from unstuck.autodiff import Node
from unstuck.engines.cpu.emit.code import INT64, Code, Value, Variable
from unstuck.engines.cpu.emit.evaluate import Evaluator, Pointers
from unstuck.engines.cpu.emit.rows import chunks_of, column_loop
from unstuck.engines.cpu.kernel import Kernel
from unstuck.engines.cpu.memory import View
from unstuck.engines.cpu.plan import Plan

UNROLL = 2  # channels that are taken in one go


def emit_conv(code: Code, plan: Plan, kernel: Kernel) -> None:
    """conv_last or conv_transpose_last, and what follows it."""
    Convolution(code, plan, kernel).emit()


def split(number: Value | int, sizes: tuple[int, ...], code: Code) -> list[Value]:
    """A counter of places as one index for each axis."""
    found = []
    here = number if isinstance(number, Value) else code.number(number)
    for axis, n in enumerate(sizes):
        inner = math.prod(sizes[axis + 1 :])
        index = code.op(f"udiv {here}, {inner}", INT64) if inner > 1 else here
        found.append(code.op(f"urem {index}, {n}", INT64) if axis else index)
    return found


@contextlib.contextmanager
def taps(code: Code, size: tuple[int, ...]) -> Iterator[list[Value]]:
    """A loop over all places of a window: one index for each axis."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(code.loop(0, n)) for n in size]


def came_from(
    code: Code, place: list[Value], tap: list[Value], node: Node, limits: tuple[int, ...]
) -> tuple[list[Value], Value | None]:
    """The window of which ``place`` is tap ``tap``, for each axis, and whether there is one."""
    found: list[Value] = []
    valid: Value | None = None
    for p, t, s, d, n in zip(place, tap, node.params["stride"], node.params["dilation"], limits, strict=True):
        ahead = code.sub(p, code.mul(t, code.number(d)))
        index = code.op(f"sdiv {ahead}, {s}", INT64) if s > 1 else ahead
        tests = [code.compare("ge", ahead, code.number(0)), code.compare("lt", index, code.number(n))]
        if s > 1:
            tests.append(code.compare("eq", code.mul(index, code.number(s)), ahead))
        for test in tests:
            valid = test if valid is None else code.bits("and", valid, test)
        found.append(index)
    return found, valid


class Convolution:
    def __init__(self, code: Code, plan: Plan, kernel: Kernel) -> None:
        assert kernel.group is not None
        assert kernel.group.anchor is not None
        self.code, self.node = code, kernel.group.anchor
        pointers = Pointers(code)
        self.at = Evaluator(code, plan, kernel.group, kernel.group.space, pointers)
        source, weight = self.node.inputs
        self.source, self.weight = plan.view(source), plan.view(weight)
        self.source_place, self.weight_place = pointers.of(self.source.storage), pointers.of(self.weight.storage)
        self.transposed = self.node.operation == "conv_transpose_last"
        self.size, self.groups = weight.shape[:-2], self.node.params["groups"]
        share, outputs = weight.shape[-2], weight.shape[-1] // self.groups
        self.rows: int = share if self.transposed else outputs
        self.inner: int = outputs if self.transposed else share
        self.spatial, self.columns = self.node.shape[:-2], self.node.shape[-1]

    def emit(self) -> None:
        code = self.code
        count = -(-self.rows // self.at.plan.host.tile_rows)
        small, extra = self.rows // count, self.rows % count
        height = small + (1 if extra else 0)
        vectors = max(1, self.at.plan.host.tile_rows * self.at.plan.host.tile_vectors // height)
        vectors = min(vectors, 4 if self.at.plan.host.registers >= 32 else 2, -(-self.columns // code.lanes))
        with code.loop(Value("%from", INT64), Value("%to", INT64)) as number:
            place = split(number, self.spatial, code)
            first = code.mul(number, code.number(self.groups * self.rows))
            for column, width in column_loop(code, self.columns, vectors):
                with code.loop(0, self.groups) as group:
                    if extra:
                        with code.loop(0, extra) as tile:
                            self._tile(
                                place, first, group, code.mul(tile, code.number(small + 1)), column, small + 1, width
                            )
                    with code.loop(extra, count) as tile:
                        row = code.add(code.mul(tile, code.number(small)), code.number(extra))
                        self._tile(place, first, group, row, column, small, width)

    def _tile(
        self, place: list[Value], first: Value, group: Value, row: Value, column: Value, height: int, width: int
    ) -> None:
        code, dtype = self.code, self.node.dtype
        chunks = chunks_of(code, column, width)
        zero = code.constant(0, dtype)
        sums = [[code.variable(zero) for _ in chunks] for _ in range(height)]
        with taps(code, self.size) as tap:
            if self.transposed:
                at, valid = came_from(code, place, tap, self.node, self.source.shape[:-2])
                assert valid is not None
                with code.when(valid):
                    self._channels(at, tap, group, row, column, sums, [n for _, n in chunks])
            else:
                setting = zip(place, tap, self.node.params["stride"], self.node.params["dilation"], strict=True)
                at = [code.add(code.mul(p, code.number(s)), code.mul(t, code.number(d))) for p, t, s, d in setting]
                self._channels(at, tap, group, row, column, sums, [n for _, n in chunks])
        begin = code.add(code.add(first, code.mul(group, code.number(self.rows))), row)
        for i in range(height):
            here = code.add(begin, code.number(i)) if i else begin
            self.at.at(here, chunks) if i == 0 else self.at.next_row(here)
            for j in range(len(chunks)):
                self.at.given[self.node.index, j] = sums[i][j].get()
            self.at.store_all()

    def _channels(
        self,
        at: list[Value],
        tap: list[Value],
        group: Value,
        row: Value,
        column: Value,
        sums: list[list[Variable]],
        counts: list[int],
    ) -> None:
        """The sum over the channels of one tap."""
        code, dtype = self.code, self.node.dtype
        channel = code.mul(group, code.number(self.inner))
        source = address(code, self.source, self.source_place, [*at, channel, column])
        out = code.mul(group, code.number(self.weight.shape[-1] // self.groups))
        within = [row, out] if self.transposed else [code.number(0), code.add(out, row)]
        weight = address(code, self.weight, self.weight_place, [*tap, *within])
        by_row, by_channel = self.weight.strides[-1], self.weight.strides[-2]
        if self.transposed:
            by_row, by_channel = by_channel, by_row

        def one(source: str, weight: str, k: int) -> None:
            vectors = []
            for j, count in enumerate(counts):
                here = code.address(source, k * self.source.strides[-2] + j * code.lanes, dtype)
                vectors.append(code.load_vector(here, dtype, code.lanes if self.source.padded else count))
            for i, line in enumerate(sums):
                number = code.splat(code.load(code.address(weight, k * by_channel + i * by_row, dtype), dtype))
                for total, vector in zip(line, vectors, strict=True):
                    total.set(code.fma(number, vector, total.get()))

        whole = self.inner // UNROLL * UNROLL if self.inner > UNROLL else 0
        if whole:
            with code.loop(0, whole, UNROLL) as k:
                here = code.address(source, code.mul(k, code.number(self.source.strides[-2])), dtype)
                number = code.address(weight, code.mul(k, code.number(by_channel)), dtype)
                for i in range(UNROLL):
                    one(here, number, i)
        for rest in range(whole, self.inner):
            one(source, weight, rest)


def address(code: Code, view: View, place: str, index: list[Value]) -> str:
    """The address of a value of a view."""
    offset = code.number(view.offset)
    for i, stride in zip(index, view.strides, strict=True):
        offset = code.add(offset, code.mul(i, code.number(stride)))
    return code.address(place, offset, view.dtype)
