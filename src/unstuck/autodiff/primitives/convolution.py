"""Convolution: three products of input, kernel and output, each linear in two of them and closed under differentiation.

    conv(x, k)            y[n, p, o] = Σ_{t, c} x[n, p·stride + t·dilation - before, c] · k[t, c, o]
    conv_transpose(g, k)  the same sum, gathered at x: the derivative of conv by x
    conv_weight(x, g)     the same sum, gathered at k: the derivative of conv by k

p, t and the places of x run over one or more spatial axes. Inputs are (N, *spatial, C), kernels (*size, C / groups, O),
outputs (N, *places, O); output channel o belongs to group o // (O / groups). (No flipping of the kernel: what other
libraries call convolution, and signal processing calls correlation.) See Dumoulin and Visin, "A guide to convolution
arithmetic for deep learning" (2016).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from unstuck.autodiff.primitives.basic import ShapeAndDtype, _apply, define
from unstuck.autodiff.primitives.windows import add_back, places, view
from unstuck.errors import InputError

Sizes = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]


def _padded(spatial: Any, padding: Pads) -> Sizes:
    return tuple(n + before + after for n, (before, after) in zip(spatial, padding, strict=True))


def _conv_rule(x: Any, k: Any, *, stride: Sizes, padding: Pads, dilation: Sizes, groups: int) -> ShapeAndDtype:
    dims = len(stride)
    if len(x.shape) != dims + 2 or len(k.shape) != dims + 2:
        raise InputError(
            f"conv: an input of shape {x.shape} and a kernel of shape {k.shape} do not fit; expected (N, *spatial, channels) "
            f"and (*size, channels / groups, outputs) with {dims} spatial axes."
        )
    channels, share, outputs = x.shape[-1], k.shape[-2], k.shape[-1]
    if channels != share * groups or outputs % groups:
        raise InputError(
            f"conv: {channels} channels in {groups} groups do not fit a kernel of shape {k.shape}; expected a kernel with "
            f"{channels} / {groups} channels and a number of outputs that {groups} divides."
        )
    spatial, size = tuple(x.shape[1:-1]), tuple(k.shape[:-2])
    count = places(_padded(spatial, padding), size, stride, dilation)
    if min(count) < 1:
        raise InputError(
            f"conv: a kernel of size {size} (dilation {dilation}) does not fit into an input of size {spatial} with padding "
            f"{padding}; take a smaller kernel, or more padding."
        )
    return (x.shape[0], *count, outputs), np.result_type(x.dtype, k.dtype)


def _transpose_rule(g: Any, k: Any, *, spatial: Sizes, **setting: Any) -> ShapeAndDtype:
    shape = (g.shape[0], *spatial, k.shape[-2] * setting["groups"])
    _check("conv_transpose", g, k.shape, shape, setting)
    return shape, np.result_type(g.dtype, k.dtype)


def _weight_rule(x: Any, g: Any, *, size: Sizes, **setting: Any) -> ShapeAndDtype:
    shape = (*size, x.shape[-1] // setting["groups"], g.shape[-1])
    _check("conv_weight", g, shape, x.shape, setting)
    return shape, np.result_type(x.dtype, g.dtype)


def _check(what: str, g: Any, kernel: Sizes, shape: Sizes, setting: dict[str, Any]) -> None:
    """InputError unless the convolution of an input with a kernel of these shapes has the shape of ``g``."""
    count = places(_padded(shape[1:-1], setting["padding"]), kernel[:-2], setting["stride"], setting["dilation"])
    if (shape[0], *count, kernel[-1]) != tuple(g.shape):
        raise InputError(
            f"{what}: an input of shape {tuple(shape)} and a kernel of shape {tuple(kernel)} give outputs of shape "
            f"{(shape[0], *count, kernel[-1])}, not {tuple(g.shape)}; check spatial sizes, stride and padding."
        )


# What they mean in NumPy: windows side by side, and one matrix product for each group -----------------------------------
def _pad(x: Any, padding: Pads) -> Any:
    return np.pad(x, ((0, 0), *padding, (0, 0))) if any(map(any, padding)) else x


def _columns(x: Any, size: Sizes, stride: Sizes, padding: Pads, dilation: Sizes, groups: int) -> Any:
    """Windows as rows: (groups, N · places, size · channels of a group)."""
    windows = view(_pad(x, padding), size, stride, dilation)
    rows = math.prod(windows.shape[: 1 + len(size)])
    share = x.shape[-1] // groups
    columns = windows.reshape(rows, math.prod(size), groups, share)
    if groups == 1:
        return columns.reshape(1, rows, -1)
    return columns.transpose(2, 0, 1, 3).reshape(groups, rows, -1)


def _grouped(k: Any, groups: int) -> Any:
    """A kernel as matrices: (groups, size · channels of a group, outputs of a group)."""
    matrix = k.reshape(-1, groups, k.shape[-1] // groups)
    return matrix.transpose(1, 0, 2)


def _by_group(y: Any, groups: int) -> Any:
    """Outputs (N, *places, O) as matrices: (groups, N · places, outputs of a group)."""
    return y.reshape(-1, groups, y.shape[-1] // groups).transpose(1, 0, 2)


def _conv(x: Any, k: Any, *, stride: Sizes, padding: Pads, dilation: Sizes, groups: int) -> Any:
    size = k.shape[:-2]
    columns = _columns(x, size, stride, padding, dilation, groups)
    y = np.matmul(columns, _grouped(k, groups))  # (groups, N · places, O / groups)
    count = places(_padded(x.shape[1:-1], padding), size, stride, dilation)
    return y.transpose(1, 0, 2).reshape(x.shape[0], *count, k.shape[-1])


def _conv_transpose(
    g: Any, k: Any, *, spatial: Sizes, stride: Sizes, padding: Pads, dilation: Sizes, groups: int
) -> Any:
    size, share = k.shape[:-2], k.shape[-2]
    columns = np.matmul(_by_group(g, groups), _grouped(k, groups).transpose(0, 2, 1))
    rows = columns.reshape(groups, -1, math.prod(size), share).transpose(
        1, 2, 0, 3
    )  # (N · places, size, groups, share)
    windows = rows.reshape(*g.shape[:-1], *size, groups * share)
    padded = add_back(windows, _padded(spatial, padding), size, stride, dilation)
    inner = tuple(slice(before, before + n) for n, (before, _) in zip(spatial, padding, strict=True))
    return padded[(slice(None), *inner)]


def _conv_weight(x: Any, g: Any, *, size: Sizes, stride: Sizes, padding: Pads, dilation: Sizes, groups: int) -> Any:
    columns = _columns(x, size, stride, padding, dilation, groups)
    k = np.matmul(columns.transpose(0, 2, 1), _by_group(g, groups))  # (groups, size · share, O / groups)
    return k.transpose(1, 0, 2).reshape(*size, x.shape[-1] // groups, g.shape[-1])


# The table: each derivative is one of the three ------------------------------------------------------------------------
define(
    "conv",
    _conv_rule,
    _conv,
    lambda g, y, x, k, **setting: (
        _apply("conv_transpose", g, k, spatial=tuple(x.shape[1:-1]), **setting),
        _apply("conv_weight", x, g, size=tuple(k.shape[:-2]), **setting),
    ),
)
define(
    "conv_transpose",
    _transpose_rule,
    _conv_transpose,
    lambda g, y, u, k, *, spatial, **setting: (
        _apply("conv", g, k, **setting),
        _apply("conv_weight", g, u, size=tuple(k.shape[:-2]), **setting),
    ),
)
define(
    "conv_weight",
    _weight_rule,
    _conv_weight,
    lambda g, y, x, u, *, size, **setting: (
        _apply("conv_transpose", u, g, spatial=tuple(x.shape[1:-1]), **setting),
        _apply("conv", x, g, **setting),
    ),
)
