"""Windows: all windows of an array as one array, and the adjoint, which adds windows back to where they came from.

Both are linear, and each is the other's derivative. The array is (N, *spatial, C), windows are (N, *places, *size, C).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from unstuck.autodiff.primitives.basic import ShapeAndDtype, _apply, define
from unstuck.errors import InputError

Sizes = tuple[int, ...]


def places(spatial: Sequence[int], size: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Sizes:
    """How many windows fit along each axis; 0 or less where none does."""
    return tuple((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(spatial, size, stride, dilation, strict=True))


def view(x: Any, size: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    """All windows of ``x`` (N, *spatial, C) as a view without a copy: (N, *places, *size, C)."""
    axes = range(1, 1 + len(size))
    count = places(x.shape[1:-1], size, stride, dilation)
    shape = (x.shape[0], *count, *size, x.shape[-1])
    steps = [x.strides[a] * s for a, s in zip(axes, stride, strict=True)]
    inside = [x.strides[a] * d for a, d in zip(axes, dilation, strict=True)]
    strides = (x.strides[0], *steps, *inside, x.strides[-1])
    return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)


def add_back(windows: Any, spatial: Sizes, size: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    """An array (N, *spatial, C) of the sums of all window values that came from each place."""
    dims = len(size)
    result = np.zeros((windows.shape[0], *spatial, windows.shape[-1]), windows.dtype)
    count = windows.shape[1 : 1 + dims]
    for offset in itertools.product(*map(range, size)):
        target = tuple(
            slice(o * d, o * d + (p - 1) * s + 1, s) for o, p, s, d in zip(offset, count, stride, dilation, strict=True)
        )
        result[(slice(None), *target)] += windows[(slice(None),) * (1 + dims) + offset]
    return result


def _windows_rule(x: Any, *, size: Sizes, stride: Sizes, dilation: Sizes) -> ShapeAndDtype:
    spatial = tuple(x.shape[1:-1])
    count = places(spatial, size, stride, dilation)
    if len(spatial) != len(size) or min(count) < 1:
        raise InputError(
            f"windows: a window of size {size} (dilation {dilation}) does not fit into a value of shape {x.shape}; take a "
            "smaller window, or pad the value."
        )
    return (x.shape[0], *count, *size, x.shape[-1]), x.dtype


def _unwindows_rule(w: Any, *, spatial: Sizes, size: Sizes, stride: Sizes, dilation: Sizes) -> ShapeAndDtype:
    return (w.shape[0], *spatial, w.shape[-1]), w.dtype


define(
    "windows",
    _windows_rule,
    lambda x, *, size, stride, dilation: view(x, size, stride, dilation),
    lambda g, y, x, *, size, stride, dilation: (
        _apply("unwindows", g, spatial=tuple(x.shape[1:-1]), size=size, stride=stride, dilation=dilation),
    ),
)
define(
    "unwindows",
    _unwindows_rule,
    lambda w, *, spatial, size, stride, dilation: add_back(w, spatial, size, stride, dilation),
    lambda g, y, w, *, spatial, size, stride, dilation: (
        _apply("windows", g, size=size, stride=stride, dilation=dilation),
    ),
)
