"""Windows added back to where they came from, and batches turned round to be the last axis."""

from __future__ import annotations

import math

from unstuck.engines.cpu.emit.code import INT64, Code, Value
from unstuck.engines.cpu.emit.conv import came_from, split, taps
from unstuck.engines.cpu.emit.evaluate import Evaluator, Pointers
from unstuck.engines.cpu.emit.move import turned
from unstuck.engines.cpu.emit.rows import column_loop, shared_columns
from unstuck.engines.cpu.kernel import Kernel
from unstuck.engines.cpu.memory import contiguous
from unstuck.engines.cpu.plan import Plan


def emit_unwindows(code: Code, plan: Plan, kernel: Kernel) -> None:
    """unwindows_last: each value is the sum of what all windows say of its place, which is computed as it is asked for."""
    group = kernel.group
    assert group is not None
    assert group.anchor is not None
    node, pointers = group.anchor, Pointers(code)
    (w,) = node.inputs
    inside, outside = (
        Evaluator(code, plan, group, w.shape, pointers),
        Evaluator(code, plan, group, group.space, pointers),
    )
    size, dims = node.params["size"], len(node.params["size"])
    limits, channels = w.shape[:dims], node.shape[-2]
    axes = tuple(i if n != 1 else None for i, n in enumerate(w.shape))
    with code.loop(Value("%from", INT64), Value("%to", INT64)) as number:
        place = split(number, node.shape[:-2], code)
        with code.loop(0, channels) as channel:
            row = code.add(code.mul(number, code.number(channels)), channel)
            for column, count in column_loop(code, node.shape[-1]):
                total = code.variable(code.constant(0, node.dtype))
                with taps(code, size) as tap:
                    at, valid = came_from(code, place, tap, node, limits)
                    assert valid is not None
                    with code.when(valid):
                        index = code.number(0)
                        for i, n in zip([*at, *tap, channel], w.shape, strict=False):
                            index = code.add(code.mul(index, code.number(n)), i)
                        inside.at(index, [(column, count)])
                        total.set(code.add(total.get(), code.convert(inside.value(w, axes, 0), node.dtype)))
                outside.at(row, [(column, count)])
                outside.given[node.index, 0] = total.get()
                outside.store_all()


def emit_batch_last(code: Code, plan: Plan, kernel: Kernel) -> None:
    """(N, …) to (…, N): square blocks turned round in registers."""
    assert kernel.group is not None
    assert kernel.group.anchor is not None
    node, pointers = kernel.group.anchor, Pointers(code)
    (x,) = node.inputs
    source, dtype = plan.view(x), node.dtype
    rows, width = x.shape[0], math.prod(x.shape[1:])
    inner = zip(x.shape[1:], source.strides[1:], contiguous(x.shape[1:]), strict=True)
    plain = all(n == 1 or s == t for n, s, t in inner)
    for target in plan.places(node):
        step = next((s for n, s in zip(target.shape[-2::-1], target.strides[-2::-1], strict=True) if n != 1), 0)
        origin, goal = pointers.of(source.storage), pointers.of(target.storage)
        for column, count in shared_columns(code, kernel, width):
            for first, height in column_loop(code, rows):
                offset = code.add(code.mul(first, code.number(source.strides[0])), code.number(source.offset))
                block = []
                if plain:
                    start = code.address(origin, code.add(offset, column), dtype)
                    for i in range(code.lanes):
                        here = code.address(start, i * source.strides[0], dtype)
                        block.append(code.load_vector(here, dtype, count) if i < height else code.constant(0, dtype))
                    block = turned(code, block)
                else:
                    for i in range(count):
                        index = split(code.add(column, code.number(i)), x.shape[1:], code)
                        here_is = offset
                        for k, stride in zip(index, source.strides[1:], strict=True):
                            here_is = code.add(here_is, code.mul(k, code.number(stride)))
                        value = code.constant(0, dtype)
                        for lane in range(height):
                            there = code.add(here_is, code.number(lane * source.strides[0]))
                            value = code.insert(value, code.load(code.address(origin, there, dtype), dtype), lane)
                        block.append(value)
                end = code.add(code.add(code.mul(column, code.number(step)), first), code.number(target.offset))
                for i, vector in enumerate(block[:count]):
                    code.store_vector(
                        code.address(goal, code.add(end, code.number(i * step)), dtype),
                        vector,
                        code.lanes if target.padded and rows > 1 else height,
                    )
