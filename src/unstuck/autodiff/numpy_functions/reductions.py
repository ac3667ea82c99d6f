"""Sums, means, extremes, products, order: functions that take several values together."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from unstuck.autodiff.graph import apply, normal_axis
from unstuck.autodiff.numpy_functions.choice import take_along_axis
from unstuck.autodiff.numpy_functions.registry import axes_of, rule
from unstuck.autodiff.numpy_functions.shape import concatenate, ravel, reshape, transpose
from unstuck.errors import InputError


def root(x: Any) -> Any:
    """The square root of a sum of squares; its derivative at 0 is taken as 0, so that lengths of 0 do no harm."""
    zero = apply("equal", x, 0)
    return apply("select", zero, 0.0, apply("sqrt", apply("select", zero, 1.0, x)))


@rule(np.sum, method="sum")
def sum_(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    axes = axes_of(x, axis, "sum")
    return apply("sum", x, axes=axes, keepdims=bool(keepdims)) if axes or x.dtype.kind != "f" else x


@rule(np.mean, method="mean")
def mean(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    count = math.prod(x.shape[a] for a in axes_of(x, axis, "mean"))
    return apply("divide", sum_(x, axis, keepdims=keepdims), float(count))


@rule(np.max, np.amax, method="max")
def max_(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return apply("max", x, axes=axes_of(x, axis, "max"), keepdims=bool(keepdims))


@rule(np.min, np.amin, method="min")
def min_(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return apply("min", x, axes=axes_of(x, axis, "min"), keepdims=bool(keepdims))


@rule(np.var, method="var")
def var(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    centred = x - mean(x, axis, keepdims=True)
    count = math.prod(x.shape[a] for a in axes_of(x, axis, "var"))
    return sum_(apply("square", centred), axis, keepdims=keepdims) / float(max(count - ddof, 0))


@rule(np.std, method="std")
def std(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    return root(var(x, axis, ddof=ddof, keepdims=keepdims))


@rule(np.prod, method="prod")
def prod(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    # Multiplying halves keeps the derivative right where factors are zero; y / x would not.
    axes = axes_of(x, axis, "prod")
    order = [i for i in range(x.ndim) if i not in axes] + list(axes)
    kept = tuple(x.shape[i] for i in order[: x.ndim - len(axes)])
    x = x if x.dtype.kind == "f" else x.astype(np.uint64 if x.dtype.kind == "u" else np.int64)
    x2 = transpose(x, order).reshape((*kept, math.prod(x.shape[a] for a in axes)))
    if x2.shape[-1] == 0:
        x2 = concatenate([x2, np.ones((*kept, 1), x.dtype)], -1)
    while x2.shape[-1] > 1:
        half = x2.shape[-1] // 2
        product = x2[..., :half] * x2[..., half : 2 * half]
        x2 = concatenate([product, x2[..., 2 * half :]], axis=-1) if x2.shape[-1] % 2 else product
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape)) if keepdims else kept
    return reshape(x2, shape)


@rule(np.any, method="any")
def any_(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return apply("not_equal", sum_(apply("not_equal", x, 0), axis, keepdims=keepdims), 0)


@rule(np.all, method="all")
def all_(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return apply("equal", sum_(apply("equal", x, 0), axis, keepdims=keepdims), 0)


@rule(np.argmax, method="argmax")
def argmax(x: Any, axis: Any = None) -> Any:
    if axis is None:
        return apply("argmax", ravel(x), axis=0)
    return apply("argmax", x, axis=normal_axis(axis, x.ndim, "argmax"))


@rule(np.argmin, method="argmin")
def argmin(x: Any, axis: Any = None) -> Any:
    return argmax(-(x.astype(np.int64) if x.dtype.kind in "bu" else x), axis)


@rule(np.argsort, method="argsort")
def argsort(x: Any, axis: Any = -1) -> Any:
    if axis is None:
        return argsort(ravel(x), 0)
    return apply("argsort", x, axis=normal_axis(axis, x.ndim, "argsort"))


@rule(np.sort)
def sort(x: Any, axis: Any = -1) -> Any:
    if axis is None:
        return sort(ravel(x), 0)
    return take_along_axis(x, argsort(x, axis), axis)


@rule(np.cumsum, method="cumsum")
def cumsum(x: Any, axis: Any = None) -> Any:
    x = x if x.dtype.kind == "f" else x.astype(np.uint64 if x.dtype.kind == "u" else np.int64)
    if axis is None:
        return apply("cumsum", ravel(x), axis=0)
    return apply("cumsum", x, axis=normal_axis(axis, x.ndim, "cumsum"))


@rule(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    count = x.ndim if axis is None else len(axes_of(x, axis, "norm"))
    if not (ord is None or (ord == 2 and count == 1) or (ord == "fro" and count == 2)):
        raise InputError(
            f"numpy.linalg.norm: ord={ord!r} over {count} axes has no rule here; use the Euclidean norm (ord=None)."
        )
    return root(sum_(apply("square", x), axis, keepdims=keepdims))
