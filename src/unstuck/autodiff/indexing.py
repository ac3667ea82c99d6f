"""Reading parts of a recorded value: ``x[...]`` with numbers, slices, new axes, index arrays and masks."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from unstuck.autodiff.graph import Node, apply
from unstuck.errors import InputError


def getitem(x: Node, key: Any) -> Node:
    """``x[key]`` as primitives; ``key`` may hold recorded integers wherever NumPy takes an index array."""
    keys = key if isinstance(key, tuple) else (key,)
    if any(isinstance(k, Node) for k in keys):
        return _recorded_index(x, keys)
    if any(isinstance(k, list | tuple | np.ndarray | bool | np.bool_) for k in keys):
        if len(keys) == 1 and x.ndim and (rows := np.asarray(keys[0])).dtype.kind in "iu" and rows.ndim:
            return apply("take", x, _within(rows, x, 0))
        # All indices are known now, so let NumPy itself say which element goes where.
        try:
            places = np.arange(x.size).reshape(x.shape)[key]
        except (IndexError, ValueError, TypeError) as error:
            raise InputError(f"indexing a value of shape {x.shape}: {str(error).rstrip('. ')}.") from None
        return apply("take", apply("reshape", x, shape=(x.size,)), places)
    return _basic(x, keys)


def _basic(x: Node, keys: tuple[Any, ...]) -> Node:
    used = sum(k is not None and k is not Ellipsis for k in keys)
    if used > x.ndim or sum(k is Ellipsis for k in keys) > 1:
        raise InputError(
            f"indexing a value of shape {x.shape} with {used} indices and {keys.count(Ellipsis)} ellipses: expected at "
            f"most {x.ndim} indices and one ellipsis."
        )
    if Ellipsis not in keys:
        keys = (*keys, Ellipsis)
    slices: list[tuple[int, int, int]] = []
    shape: list[int] = []
    for k in keys:
        if k is None:
            shape.append(1)
        elif k is Ellipsis:
            for n in x.shape[len(slices) : x.ndim - used + len(slices)]:
                slices.append((0, n, 1))
                shape.append(n)
        elif isinstance(k, slice):
            span = _span(k, x.shape[len(slices)])
            slices.append(span)
            shape.append(len(range(*span)))
        else:
            n, i = x.shape[len(slices)], _integer(k, x)
            if not -n <= i < n:
                raise _outside(i, len(slices), x)
            slices.append((i % n, i % n + 1, 1))
    whole = tuple((0, n, 1) for n in x.shape)
    part = x if tuple(slices) == whole else apply("slice", x, slices=tuple(slices))
    return part if part.shape == tuple(shape) else apply("reshape", part, shape=tuple(shape))


def _span(k: slice, n: int) -> tuple[int, int, int]:
    try:
        start, stop, step = k.indices(n)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"indexing with {k}: {error}.") from None
    return (start, stop, step) if len(range(start, stop, step)) else (0, 0, 1)


def _outside(index: Any, axis: int, x: Node) -> InputError:
    n = x.shape[axis]
    expected = f"expected {-n} to {n - 1}" if n else "the axis is empty"
    return InputError(f"index {index} is out of range for axis {axis} of a value of shape {x.shape}; {expected}.")


def _within(index: Any, x: Node, axis: int) -> Any:
    """Integer indices counted from 0, known to lie inside the axis (recorded ones only if they have a value by now)."""
    n = x.shape[axis]
    known = index.value if isinstance(index, Node) else index
    if known is not None and np.any((known < -n) | (known >= n)):
        worst = known[(known < -n) | (known >= n)].flat[0] if known.ndim else known
        raise _outside(worst, axis, x)
    if isinstance(index, Node):
        index = index.astype(np.int64)
        return np.where(index < 0, index + n, index)
    return np.where(index < 0, index + n, index).astype(np.int64)


def _integer(k: Any, x: Node) -> int:
    try:
        return operator.index(k)
    except TypeError:
        raise InputError(
            f"a value of shape {x.shape} was indexed with {k!r}; expected an integer, a slice or an integer array."
        ) from None


def _recorded_index(x: Node, keys: tuple[Any, ...]) -> Node:
    """Leading axes indexed by integer arrays some of which are recorded: gather rows of the flattened axes."""
    if any(isinstance(k, Node) and k.dtype.kind == "b" for k in keys):
        raise InputError(
            "a mask that was computed inside the recorded function has no fixed number of true entries; "
            "use numpy.where(mask, a, b) instead of x[mask]."
        )
    indices = [k if isinstance(k, Node | slice) or k is None or k is Ellipsis else np.asarray(k) for k in keys]
    if len(keys) > x.ndim or any(getattr(index, "dtype", np.dtype(object)).kind not in "iu" for index in indices):
        raise InputError(
            "a recorded index array may only stand with other integer indices on the leading axes, as in "
            "x[rows] or x[rows, columns]; use numpy.moveaxis to bring the axis to the front, and .astype(int) on floats."
        )
    flat = _within(indices[0], x, 0)
    for axis, index in enumerate(indices[1:], 1):
        flat = flat * x.shape[axis] + _within(index, x, axis)
    rest = x.shape[len(keys) :]
    lead = int(np.prod(x.shape[: len(keys)], dtype=np.int64))
    return apply("take", x if len(keys) == 1 else apply("reshape", x, shape=(lead, *rest)), flat)
