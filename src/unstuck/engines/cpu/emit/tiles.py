"""Into how many parts work is cut: tiles of the gradient of a kernel, results of a reduction, pieces of a product."""

from __future__ import annotations

import math

PIECE = 192  # inner places of a piece of a product: 24 KB of its second operand for two vectors of 64 bytes


def tiles(node_shape: tuple[int, ...], groups: int, registers: int) -> tuple[int, int, int]:
    """(rows: places of the kernel's last axis but channels together, tiles of them, tiles of output channels)."""
    rows, outputs = node_shape[-3] * node_shape[-2], node_shape[-1] // groups
    high, wide = (4, 6) if registers >= 32 else (3, 3)
    if outputs < wide:
        high = (registers - 8) // max(outputs, 1) // 2 * 2 if registers >= 32 else high
        high = min(max(high, 1), 12)
    return rows, -(-rows // high), -(-outputs // wide)


def units(node_shape: tuple[int, ...], groups: int, registers: int) -> int:
    """How many tiles there are, which threads share."""
    _, a, b = tiles(node_shape, groups, registers)
    return math.prod(node_shape[:-3]) * groups * a * b


def results(shape: tuple[int, ...], axes: tuple[int, ...], lanes: int) -> int:
    """How many results a reduction over ``axes`` has, where vectors of the last axis count as one."""
    *outer, columns = shape or (1,)
    last = len(outer)
    kept = math.prod(n for axis, n in enumerate(outer) if axis not in axes)
    return kept if last in axes or not shape else kept * -(-columns // lanes)


def pieces(inner: int) -> int:
    """In how many pieces a product with so many inner places is made, where it is made in pieces."""
    return -(-inner // PIECE)
