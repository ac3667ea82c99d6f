"""Kernels that only move values: matrices turned round, results put in their last place."""

from __future__ import annotations

import math

from unstuck.engines.cpu.emit.code import Code, Value
from unstuck.engines.cpu.emit.evaluate import Evaluator, Pointers
from unstuck.engines.cpu.emit.rows import column_loop, row_range, shared_columns
from unstuck.engines.cpu.fuse import Group
from unstuck.engines.cpu.kernel import Kernel
from unstuck.engines.cpu.plan import Plan


def emit_copy(code: Code, plan: Plan, kernel: Kernel) -> None:
    """A stored value into its further places."""
    node = kernel.node
    assert node is not None
    group = Group(-1, "rows", node.shape or (1,), stores=[node])
    at = Evaluator(code, plan, group, group.space, Pointers(code))
    places = [plan.packed[node.index]] if kernel.kind == "pack" else plan.final[node.index]
    first, last = row_range(code, kernel.domain, group.rows)
    with code.loop(first, last) as row:
        for column, count in column_loop(code, group.columns):
            at.at(row, [(column, count)])
            for place in places:
                at.store(node, place, 0)


def emit_pack(code: Code, plan: Plan, kernel: Kernel) -> None:
    """A matrix whose columns are dense in memory, as one whose rows are: square blocks, turned round in registers."""
    node = kernel.node
    assert node is not None
    source, target = plan.view(node), plan.packed[node.index]
    if source.strides[-2] != 1:
        emit_copy(code, plan, kernel)
        return
    pointers = Pointers(code)
    inner, columns = node.shape[-2:]
    outer = math.prod(node.shape[:-2])
    steps = [
        next((s for n, s in zip(v.shape[-3::-1], v.strides[-3::-1], strict=True) if n != 1), 0)
        for v in (source, target)
    ]
    dtype = node.dtype
    for column, width in shared_columns(code, kernel, columns):
        with code.loop(0, outer) as number:
            first = code.add(code.mul(number, code.number(steps[0])), code.number(source.offset))
            origin = code.address(pointers.of(source.storage), first, dtype)
            goal = code.address(pointers.of(target.storage), code.mul(number, code.number(steps[1])), dtype)
            for row, height in column_loop(code, inner):
                start = code.address(origin, code.add(code.mul(column, code.number(source.strides[-1])), row), dtype)
                block = []
                for i in range(code.lanes):
                    place = code.address(start, i * source.strides[-1], dtype)
                    block.append(code.load_vector(place, dtype, height) if i < width else code.constant(0, dtype))
                end = code.address(goal, code.add(code.mul(row, code.number(target.strides[-2])), column), dtype)
                for i, vector in enumerate(turned(code, block)[:height]):
                    code.store_vector(code.address(end, i * target.strides[-2], dtype), vector, code.lanes)


def turned(code: Code, block: list[Value]) -> list[Value]:
    """The transpose of a square block of vectors: lanes of partners exchanged at distances 1, 2, 4 …"""
    n, distance = len(block), 1
    while distance < n:
        low = [i if not i & distance else n + i - distance for i in range(n)]
        high = [i + distance if not i & distance else n + i for i in range(n)]
        for i in range(n):
            if not i & distance:
                a, b = block[i], block[i + distance]
                block[i], block[i + distance] = code.shuffle(a, b, low), code.shuffle(a, b, high)
        distance *= 2
    return block
