"""The gradient of a convolution's kernel, with the batch as the last axis: tiles of (tap and channel) × output channel.

Each of a tile's sums is a vector that runs over the batch; it is added up when a block of places that fits into the cache has
been gone through. No sum is split among threads: each has its own tiles.
"""

from __future__ import annotations

from unstuck.engines.cpu.emit.code import INT64, Code, Value
from unstuck.engines.cpu.emit.conv import address
from unstuck.engines.cpu.emit.evaluate import Pointers
from unstuck.engines.cpu.emit.rows import column_loop
from unstuck.engines.cpu.emit.tiles import tiles
from unstuck.engines.cpu.kernel import Kernel
from unstuck.engines.cpu.plan import Plan

NEAR = 3 * 2**18  # bytes of both operands that are gone through at a time


def emit_conv_weight(code: Code, plan: Plan, kernel: Kernel) -> None:
    """conv_weight_last, block by block, all tiles for each."""
    ConvWeight(code, plan, kernel).emit()


class ConvWeight:
    def __init__(self, code: Code, plan: Plan, kernel: Kernel) -> None:
        assert kernel.group is not None
        assert kernel.group.anchor is not None
        self.code, self.node = code, kernel.group.anchor
        self.pointers = Pointers(code)
        x, g = self.node.inputs
        self.x, self.g, self.views = plan.view(x), plan.view(g), plan.places(self.node)
        self.groups = self.node.params["groups"]
        self.shape = self.node.shape
        self.rows, self.tall, self.broad = tiles(self.shape, self.groups, plan.host.registers)
        self.outputs = self.shape[-1] // self.groups
        self.places, self.columns = g.shape[:-2], g.shape[-1]
        # A sequence is an image of one row.
        line = self.x.strides[-2] * x.shape[-2] * x.shape[-3] + self.g.strides[-2] * g.shape[-2] * g.shape[-3]
        line *= self.node.dtype.itemsize
        self.lines = max(1, min(self.places[0], NEAR // line)) if len(self.places) == 2 else 1

    def emit(self) -> None:
        code = self.code
        begin, end = Value("%from", INT64), Value("%to", INT64)
        lines = self.places[0] if len(self.places) == 2 else 1
        with code.loop(0, lines, self.lines) as line:
            last = code.intrinsic("llvm.smin", code.add(line, code.number(self.lines)), code.number(lines))
            with code.loop(begin, end) as unit:
                tile_b = code.op(f"urem {unit}, {self.broad}", INT64)
                rest = code.op(f"udiv {unit}, {self.broad}", INT64)
                tile_a = code.op(f"urem {rest}, {self.tall}", INT64)
                rest = code.op(f"udiv {rest}, {self.tall}", INT64)
                group = code.op(f"urem {rest}, {self.groups}", INT64)
                high = code.op(f"udiv {rest}, {self.groups}", INT64)
                for a_first, a_height, a_test in self._variants(tile_a, self.rows, self.tall):
                    for b_first, b_width, b_test in self._variants(tile_b, self.outputs, self.broad):
                        with code.when(code.bits("and", a_test, b_test)):
                            self._tile(line, last, high, group, a_first, a_height, b_first, b_width)

    def _variants(self, tile: Value, total: int, count: int) -> list[tuple[Value, int, Value]]:
        """(first, height, whether it is this one) of the tiles that have one more, which come first, and of the others."""
        code = self.code
        small, extra = total // count, total % count
        longer = code.compare("lt", tile, code.number(extra))
        others = (code.add(code.mul(tile, code.number(small)), code.number(extra)), small,
                  code.compare("ge", tile, code.number(extra)))  # fmt: skip
        return [(code.mul(tile, code.number(small + 1)), small + 1, longer), others] if extra else [others]

    def _tile(
        self, line: Value, last: Value, high: Value, group: Value, row: Value, height: int, out: Value, width: int
    ) -> None:
        code, dtype = self.code, self.node.dtype
        share = self.shape[-2]
        *_, across, channel, _ = self.x.strides
        stride, dilation = self.node.params["stride"], self.node.params["dilation"]
        channel_0 = code.mul(group, code.number(share))
        # Rows of a tile: (tap along the last axis, channel), one after the other.
        offsets, targets = [], []
        for i in range(height):
            here = code.add(row, code.number(i))
            tap, c = code.op(f"udiv {here}, {share}", INT64), code.op(f"urem {here}, {share}", INT64)
            step = code.mul(tap, code.number(dilation[-1] * across))
            offsets.append(code.add(step, code.mul(code.add(channel_0, c), code.number(channel))))
            targets.append((tap, c))
        out_0 = code.add(code.mul(group, code.number(self.outputs)), out)
        zero = code.constant(0, dtype)
        sums = [[code.variable(zero) for _ in range(width)] for _ in range(height)]
        x_place, g_place = self.pointers.of(self.x.storage), self.pointers.of(self.g.storage)
        images = len(self.places) == 2
        nothing = code.number(0)
        with code.loop(line, last) as y, code.loop(0, self.places[-1]) as p:
            from_ = [code.mul(p, code.number(stride[-1])), nothing, nothing]
            to = [p, out_0, nothing]
            if images:
                vertical = code.add(code.mul(y, code.number(stride[0])), code.mul(high, code.number(dilation[0])))
                from_, to = [vertical, *from_], [y, *to]
            x_here = address(code, self.x, x_place, from_)
            g_here = address(code, self.g, g_place, to)
            places = [code.address(x_here, offset, dtype) for offset in offsets]
            for column, count in column_loop(code, self.columns):
                left = [code.load_vector(code.address(place, column, dtype), dtype, count) for place in places]
                for j in range(width):
                    there = code.address(g_here, code.add(column, code.number(j * self.g.strides[-2])), dtype)
                    right = code.load_vector(there, dtype, count)
                    for i in range(height):
                        sums[i][j].set(code.fma(left[i], right, sums[i][j].get()))
        beginning = code.compare("eq", line, code.number(0))
        for i, (tap, c) in enumerate(targets):
            index = [*([high] if images else []), tap, c]
            for j in range(width):
                total = code.horizontal("fadd", sums[i][j].get())
                for number, view in enumerate(self.views):
                    where = [*index, code.add(out_0, code.number(j))]
                    place = address(code, view, self.pointers.of(view.storage), where)
                    if number == 0:
                        before = code.load(place, dtype)
                        known = code.select(beginning, Value("0.0", dtype), before)
                        total = code.add(known, total)
                    code.store(place, total)
