"""The tiles of the gradient of a convolution's kernel: how many sums fit into the registers at once."""

from __future__ import annotations

import math


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
