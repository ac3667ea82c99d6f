"""Functions that choose and gather: where, clip, take, repeat."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from unstuck.autodiff.graph import Node, apply, graph_of, lift, normal_axis
from unstuck.autodiff.numpy_functions.registry import rule
from unstuck.autodiff.numpy_functions.shape import broadcast_to, moveaxis, ravel, reshape, transpose
from unstuck.errors import InputError


@rule(np.where)
def where(condition: Any, a: Any = None, b: Any = None) -> Any:
    if a is None or b is None:
        raise InputError(
            "numpy.where(condition) alone has no fixed number of results; use numpy.where(condition, a, b)."
        )
    graph = graph_of((condition, a, b))
    first, second = lift(graph, (a, b))  # apart from the condition, whose dtype does not count
    if not isinstance(condition, Node):
        condition = graph.constant(np.asarray(condition, dtype=bool))
    elif condition.dtype.kind != "b":
        condition = apply("not_equal", condition, 0)
    return apply("select", condition, first, second)


@rule(np.clip, method="clip")
def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (a_min if a_min is not None else min), (a_max if a_max is not None else max)
    # Written with where, so that the derivative at the bound itself is 1, as in PyTorch.
    x = x if low is None else where(x < low, low, x)
    return x if high is None else where(x > high, high, x)


@rule(np.take, method="take")
def take(x: Any, indices: Any, axis: Any = None) -> Any:
    if axis is None:
        return getitem_rows(ravel(x), indices)
    axis = normal_axis(axis, x.ndim, "take")
    y = getitem_rows(moveaxis(x, axis, 0), indices)
    count = y.ndim - (x.ndim - 1)
    order = list(range(count, count + axis)) + list(range(count)) + list(range(count + axis, y.ndim))
    return transpose(y, order)


def getitem_rows(x: Node, rows: Any) -> Node:
    return x[rows if isinstance(rows, Node) else np.asarray(rows)]


@rule(np.take_along_axis)
def take_along_axis(x: Any, indices: Any, axis: Any = -1) -> Any:
    graph = graph_of((x, indices))
    x, indices = lift(graph, (x, indices))
    axis = normal_axis(axis, x.ndim, "take_along_axis")
    grid = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    grid[axis] = indices
    return x[tuple(grid)]


@rule(np.zeros_like)
def zeros_like(x: Any, dtype: Any = None) -> Any:
    return np.zeros(x.shape, dtype or x.dtype)


@rule(np.ones_like)
def ones_like(x: Any, dtype: Any = None) -> Any:
    return np.ones(x.shape, dtype or x.dtype)


@rule(np.full_like)
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    if isinstance(fill_value, Node):
        return broadcast_to(fill_value.astype(dtype or x.dtype), x.shape)
    return np.full(x.shape, fill_value, dtype or x.dtype)


@rule(np.copy, method="copy")
def copy(x: Any) -> Any:
    return x


@rule(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    if x.dtype.kind != "f":
        return x
    largest = float(np.finfo(x.dtype).max)
    x = where(x == math.inf, largest if posinf is None else posinf, where(x == x, x, nan))
    return where(x == -math.inf, -largest if neginf is None else neginf, x)


@rule(np.repeat, method="repeat")
def repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    if axis is None:
        return repeat(ravel(x), repeats, 0)
    axis = normal_axis(axis, x.ndim, "repeat")
    return take(x, np.repeat(np.arange(x.shape[axis]), repeats), axis)


@rule(np.roll)
def roll(x: Any, shift: int, axis: Any = None) -> Any:
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    axis = normal_axis(axis, x.ndim, "roll")
    n = x.shape[axis]
    return take(x, (np.arange(n) - operator.index(shift)) % n, axis) if n else x
