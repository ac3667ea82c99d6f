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
    if any(isinstance(k, list | np.ndarray) for k in keys):
        # All indices are known now, so let NumPy itself say which element goes where.
        try:
            rows = np.arange(x.size).reshape(x.shape)[key]
        except IndexError as error:
            raise InputError(f"indexing a value of shape {x.shape}: {error}.") from None
        return apply("take", apply("reshape", x, shape=(x.size,)), rows)
    return _basic(x, keys)


def _basic(x: Node, keys: tuple[Any, ...]) -> Node:
    used = sum(k is not None and k is not Ellipsis for k in keys)
    if used > x.ndim or sum(k is Ellipsis for k in keys) > 1:
        raise InputError(f"indexing a value of shape {x.shape} with {used} indices: it has {x.ndim} dimensions.")
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
            span = k.indices(x.shape[len(slices)])
            slices.append(span)
            shape.append(len(range(*span)))
        else:
            n, i = x.shape[len(slices)], _integer(k, x)
            if not -n <= i < n:
                raise InputError(f"index {i} is out of range for axis {len(slices)} of a value of shape {x.shape}.")
            slices.append((i % n, i % n + 1, 1))
    whole = tuple((0, n, 1) for n in x.shape)
    part = x if tuple(slices) == whole else apply("slice", x, slices=tuple(slices))
    return part if part.shape == tuple(shape) else apply("reshape", part, shape=tuple(shape))


def _integer(k: Any, x: Node) -> int:
    try:
        return operator.index(k)
    except TypeError:
        raise InputError(
            f"a value of shape {x.shape} was indexed with {k!r}; expected an integer, a slice or an integer array."
        ) from None


def _recorded_index(x: Node, keys: tuple[Any, ...]) -> Node:
    """Leading axes indexed by integer arrays some of which are recorded: gather rows of the flattened axes."""
    if any(k is None or k is Ellipsis or isinstance(k, slice) for k in keys) or len(keys) > x.ndim:
        raise InputError(
            "a recorded index array may only stand with other integer indices on the leading axes, as in "
            "x[rows] or x[rows, columns]; use numpy.moveaxis to bring the axis to the front."
        )
    if any(isinstance(k, Node) and k.dtype.kind == "b" for k in keys):
        raise InputError(
            "a mask that was computed inside the recorded function has no fixed number of true entries; "
            "use numpy.where(mask, a, b) instead of x[mask]."
        )
    flat: Any = 0
    for k, n in zip(keys, x.shape, strict=False):
        index = k if isinstance(k, Node) else np.asarray(k)
        flat = flat * n + np.where(index < 0, index + n, index)
    rest = x.shape[len(keys) :]
    lead = int(np.prod(x.shape[: len(keys)], dtype=np.int64))
    return apply("take", apply("reshape", x, shape=(lead, *rest)), flat)
