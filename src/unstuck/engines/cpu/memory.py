"""Where values lie: storages in a table of pointers, and views of them with strides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

ARENA = 0  # its slot in the table of pointers
LINE = 64  # bytes of a cache line; every storage of the arena begins on one


@dataclass
class Storage:
    """A piece of memory: a slot of the table of pointers, bytes behind it, and bytes by which it moves on with each step.

    The arena is slot 0; its storages get their ``offset`` when the order of the kernels is known.
    """

    slot: int
    size: int  # bytes
    offset: int = 0
    per_step: int = 0


@dataclass(frozen=True)
class View:
    """Values of a shape in a storage; ``offset`` and ``strides`` count values. In ``padded`` storages whole vectors may be read
    and written beyond the end of a row."""

    storage: Storage
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int = 0
    padded: bool = False

    @property
    def is_contiguous(self) -> bool:
        return all(n == 1 or s == t for n, s, t in zip(self.shape, self.strides, contiguous(self.shape), strict=True))

    def transposed(self, axes: Sequence[int]) -> View:
        last = axes[-1] == len(axes) - 1
        return replace(
            self,
            shape=tuple(self.shape[a] for a in axes),
            strides=tuple(self.strides[a] for a in axes),
            padded=self.padded and last,
        )

    def sliced(self, slices: Sequence[tuple[int, int, int]]) -> View:
        offset = self.offset + sum(s[0] * stride for s, stride in zip(slices, self.strides, strict=True))
        shape = tuple(len(range(*s)) for s in slices)
        strides = tuple(s[2] * stride for s, stride in zip(slices, self.strides, strict=True))
        return replace(self, shape=shape, strides=strides, offset=offset, padded=False)

    def windowed(self, size: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> View:
        """All windows of (*spatial, C, N): (*places, *size, C, N)."""
        dims = len(size)
        spatial = zip(self.shape[:dims], size, stride, dilation, strict=True)
        count = tuple((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in spatial)
        steps = tuple(s * t for s, t in zip(self.strides[:dims], stride, strict=True))
        inside = tuple(s * d for s, d in zip(self.strides[:dims], dilation, strict=True))
        shape = (*count, *size, *self.shape[dims:])
        return replace(self, shape=shape, strides=(*steps, *inside, *self.strides[dims:]))

    def flipped(self, axis: int) -> View:
        return self.sliced([(n - 1, -1, -1) if i == axis else (0, n, 1) for i, n in enumerate(self.shape)])

    def reshaped(self, shape: tuple[int, ...]) -> View | None:
        """The same values in another shape, or None if they would have to be moved."""
        if without_ones(self.shape) == without_ones(shape):
            kept = iter([s for n, s in zip(self.shape, self.strides, strict=True) if n != 1])
            strides = tuple(next(kept) if n != 1 else 1 for n in shape)
            return replace(self, shape=shape, strides=strides)
        if not self.is_contiguous:
            return None
        return replace(self, shape=shape, strides=contiguous(shape), padded=False)


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides, in values, of an array without gaps."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def without_ones(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)


def placed(shape: tuple[int, ...], dtype: np.dtype[Any], *, dense: bool, slot: int = ARENA) -> View:
    """A new place in the arena (or another slot). Rows begin on cache lines, unless it is to be ``dense``."""
    # A whole vector of a float32 kernel is 16 values, also of the 8-byte numbers that stand beside the floats in it.
    lanes = LINE // min(dtype.itemsize, 4)
    columns = shape[-1] if shape else 1
    strides = contiguous(shape)
    count = math.prod(shape)
    padded = True
    if len(shape) > 1 and columns > 1:
        if dense:
            padded = columns % lanes == 0
        else:
            width = -(-columns // lanes) * lanes
            if width * dtype.itemsize % 2048 == 0:
                width += lanes  # rows a multiple of a page apart would compete for the same places of the cache
            strides = (*(s // columns * width for s in strides[:-1]), 1)
            count = count // columns * width
    size = max(1, -(-count // lanes)) * lanes * dtype.itemsize
    return View(Storage(slot, size), shape, strides, dtype, padded=padded)
