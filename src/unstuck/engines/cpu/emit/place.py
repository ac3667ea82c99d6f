"""Kernels that put values side by side: concatenation, a part put back into its whole, with zeros around it, and a reshape of
values that do not lie in the order in which it shows them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from unstuck.engines.cpu.emit.code import INT64, Code, Value
from unstuck.engines.cpu.emit.evaluate import Pointers
from unstuck.engines.cpu.emit.rows import column_loop, row_range
from unstuck.engines.cpu.kernel import Kernel
from unstuck.engines.cpu.memory import View
from unstuck.engines.cpu.plan import Plan
from unstuck.engines.cpu.taps import rest

WIDE = 4  # vectors that are moved in one go
Spans = list[tuple[int, int, int]]


def emit_place(code: Code, plan: Plan, kernel: Kernel) -> None:
    """A concatenation, interleaved taps, an unslice or a reshape, into each of its places."""
    assert kernel.group is not None
    assert kernel.group.anchor is not None
    node, pointers = kernel.group.anchor, Pointers(code)
    if kernel.domain.rows > 0:
        _side_by_side(code, plan, kernel, pointers)
        return
    units = kernel.domain.units
    for place in plan.places(node):
        if node.operation in ("concatenate", "interleave_last"):
            for box in rest(node.shape, node.params["size"]) if node.operation == "interleave_last" else ():
                _copy(code, pointers, None, place.sliced(box), units)
            for part, target in plan.parts_of(node, place):
                if not plan.lies_at(part, target):
                    _copy(code, pointers, plan.view(part), target, units)
        elif node.operation == "reshape":
            source = plan.view(node.inputs[0])
            whole = place.reshaped(source.shape)
            assert whole is not None, "the place of a reshape is dense"
            _copy(code, pointers, source, whole, units)
        else:
            spans = list(node.params["slices"])
            for around in _complement(spans, node.shape):
                _copy(code, pointers, None, place.sliced(around), units)
            _copy(code, pointers, plan.view(node.inputs[0]), place.sliced(spans), units)


def _side_by_side(code: Code, plan: Plan, kernel: Kernel, pointers: Pointers) -> None:
    """A concatenation of matrices by their columns, for some of the rows."""
    assert kernel.group is not None
    assert kernel.group.anchor is not None
    node, rows = kernel.group.anchor, row_range(code, kernel.domain, kernel.group.rows)
    for place in plan.places(node):
        for part, target in plan.parts_of(node, place):
            if not plan.lies_at(part, target):
                _copy(code, pointers, plan.view(part), target, rows)


def _complement(spans: Spans, shape: tuple[int, ...]) -> Iterator[Spans]:
    """Boxes that together with the one of the spans make up the whole; with other steps than 1, the whole."""
    if any(step != 1 for _, _, step in spans):
        yield [(0, n, 1) for n in shape]
        return
    for axis, ((start, stop, _), n) in enumerate(zip(spans, shape, strict=True)):
        rest: Spans = [(0, m, 1) for m in shape[axis + 1 :]]
        for a, b in ((0, start), (stop, n)):
            if a < b:
                yield [*spans[:axis], (a, b, 1), *rest]


def _copy(code: Code, pointers: Pointers, source: View | None, target: View, share: tuple[Value, Value] | int) -> None:
    """The values of a view to another of the same shape; without a source, zeros.

    ``share``: those of some rows of a matrix, from one to before another, or the share of the units %from to %to of so many.
    """
    strides = source.strides if source else target.strides
    shape, from_, to = list(target.shape), list(strides), list(target.strides)
    if isinstance(share, int):
        shape, steps = _merged(target.shape, strides, target.strides)
        from_, to = ([s[i] for s in steps] for i in (0, 1))
    dtype, size = target.dtype, math.prod(shape)
    if not size:
        return
    if isinstance(share, int):
        count = size // shape[-1]
        ends = (code.mul(Value(end, INT64), code.number(count)) for end in ("%from", "%to"))
        first, last = (code.op(f"udiv {end}, {share}", INT64) for end in ends)
    else:
        first, last = share
    with code.loop(first, last) as row:
        goal = _row(code, pointers, target, shape, to, row)
        origin = _row(code, pointers, source, shape, from_, row) if source else ""
        for column, count in column_loop(code, shape[-1], WIDE):
            for start in range(0, count, code.lanes):
                here, lanes = code.add(column, code.number(start)), min(code.lanes, count - start)
                value = code.constant(0, dtype)
                if source is not None:
                    value = _load(code, origin, here, from_[-1], dtype, lanes)
                _store(code, goal, here, to[-1], value, lanes)


def _row(code: Code, pointers: Pointers, view: View, shape: list[int], strides: list[int], row: Value) -> str:
    """The address of a row's first value."""
    offset = code.number(view.offset)
    for axis in range(len(shape) - 1):
        inner = math.prod(shape[axis + 1 : -1])
        index = code.op(f"udiv {row}, {inner}", INT64) if inner > 1 else row
        if axis:
            index = code.op(f"urem {index}, {shape[axis]}", INT64)
        offset = code.add(offset, code.mul(index, code.number(strides[axis])))
    return code.address(pointers.of(view.storage), offset, view.dtype)


def _load(code: Code, origin: str, column: Value, stride: int, dtype: np.dtype[Any], lanes: int) -> Value:
    place = code.address(origin, code.mul(column, code.number(stride)), dtype)
    if stride == 1:
        return code.load_vector(place, dtype, lanes)
    value = code.constant(0, dtype)
    for lane in range(lanes):
        value = code.insert(value, code.load(code.address(place, lane * stride, dtype), dtype), lane)
    return value


def _store(code: Code, goal: str, column: Value, stride: int, value: Value, lanes: int) -> None:
    place = code.address(goal, code.mul(column, code.number(stride)), value.dtype)
    if stride == 1:
        code.store_vector(place, value, lanes)
        return
    for lane in range(lanes):
        code.store(code.address(place, lane * stride, value.dtype), code.extract(value, lane))


def _merged(
    shape: tuple[int, ...], first: tuple[int, ...], second: tuple[int, ...]
) -> tuple[list[int], list[tuple[int, int]]]:
    """The shape without axes of size 1, and with axes as one that lie behind each other in both; strides in pairs."""
    sizes: list[int] = []
    steps: list[tuple[int, int]] = []
    for n, a, b in zip(shape, first, second, strict=True):
        if n == 1:
            continue
        if sizes and steps[-1] == (n * a, n * b):
            sizes[-1] *= n
            steps[-1] = (a, b)
        else:
            sizes.append(n)
            steps.append((a, b))
    return (sizes, steps) if sizes else ([1], [(1, 1)])
