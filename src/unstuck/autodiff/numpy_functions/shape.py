"""Functions that only arrange values: reshape, transpose, join, split, pad."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from unstuck.autodiff.graph import Node, apply, graph_of, lift, normal_axis
from unstuck.autodiff.numpy_functions.registry import FUNCTIONS, METHODS, axes_of, rule
from unstuck.errors import InputError


@rule(np.reshape)
def reshape(x: Any, shape: Any, order: str = "C") -> Any:
    if order != "C":
        raise InputError(f"numpy.reshape: order={order!r} has no rule here; transpose first and use order='C'.")
    wanted = [operator.index(n) for n in (shape if isinstance(shape, tuple | list) else (shape,))]
    if min(wanted, default=0) < -1 or wanted.count(-1) > 1:
        raise InputError(
            f"reshape: the shape {tuple(wanted)} is not possible; sizes are at least 0, and at most one is left open with -1."
        )
    if -1 in wanted:
        known = math.prod(n for n in wanted if n != -1)
        if known == 0 or x.size % known:
            raise InputError(
                f"reshape: {x.size} values of shape {x.shape} do not fill the shape {tuple(wanted)}; the known sizes must "
                f"divide {x.size}."
            )
        wanted[wanted.index(-1)] = x.size // known
    return x if tuple(wanted) == x.shape else apply("reshape", x, shape=tuple(wanted))


METHODS["reshape"] = lambda x, *shape, **kw: reshape(x, shape[0] if len(shape) == 1 else shape, **kw)


@rule(np.transpose)
def transpose(x: Any, axes: Any = None) -> Any:
    order = tuple(reversed(range(x.ndim))) if axes is None else tuple(normal_axis(a, x.ndim, "transpose") for a in axes)
    if sorted(order) != list(range(x.ndim)):
        raise InputError(
            f"transpose: axes {axes} are no permutation of the {x.ndim} axes of shape {x.shape}; name each axis once."
        )
    return x if order == tuple(range(x.ndim)) else apply("transpose", x, axes=order)


METHODS["transpose"] = lambda x, *axes: transpose(
    x, (axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes) or None
)


@rule(np.swapaxes, method="swapaxes")
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    order = list(range(x.ndim))
    first, second = (normal_axis(axis, x.ndim, "swapaxes") for axis in (axis1, axis2))
    order[first], order[second] = second, first
    return transpose(x, order)


@rule(np.moveaxis)
def moveaxis(x: Any, source: int, destination: int) -> Any:
    order = list(range(x.ndim))
    order.insert(normal_axis(destination, x.ndim, "moveaxis"), order.pop(normal_axis(source, x.ndim, "moveaxis")))
    return transpose(x, order)


@rule(np.ravel, method="ravel")
def ravel(x: Any) -> Any:
    return reshape(x, (x.size,))


METHODS["flatten"] = ravel


@rule(np.squeeze, method="squeeze")
def squeeze(x: Any, axis: Any = None) -> Any:
    gone = [i for i, n in enumerate(x.shape) if n == 1] if axis is None else axes_of(x, axis, "squeeze")
    if any(x.shape[i] != 1 for i in gone):
        raise InputError(f"squeeze: shape {x.shape} has not 1 entry along axis {axis}; use numpy.reshape instead.")
    return reshape(x, tuple(n for i, n in enumerate(x.shape) if i not in gone))


@rule(np.expand_dims)
def expand_dims(x: Any, axis: Any) -> Any:
    count = len(axis) if isinstance(axis, tuple | list) else 1
    places = {
        normal_axis(a, x.ndim + count, "expand_dims") for a in (axis if isinstance(axis, tuple | list) else (axis,))
    }
    if len(places) != count:
        raise InputError(f"expand_dims: axis {axis} names an axis twice; name each once.")
    sizes = iter(x.shape)
    return reshape(x, tuple(1 if i in places else next(sizes) for i in range(x.ndim + count)))


@rule(np.broadcast_to)
def broadcast_to(x: Any, shape: Any) -> Any:
    wanted = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    try:
        fits = np.broadcast_shapes(x.shape, wanted) == wanted
    except ValueError:
        fits = False
    if not fits:
        raise InputError(
            f"broadcast_to: shape {x.shape} does not stretch to {wanted}; from the right, each size must be equal or 1."
        )
    return apply("broadcast_to", x, shape=wanted)


@rule(np.flip)
def flip(x: Any, axis: Any = None) -> Any:
    for a in axes_of(x, axis, "flip"):
        x = apply("flip", x, axis=a)
    return x


def _pieces(arrays: Sequence[Any]) -> tuple[Node, ...]:
    """The parts of an array as nodes; a plain number among them is an array of its own, as in NumPy."""
    return lift(graph_of(arrays), [a if isinstance(a, Node) else np.asarray(a) for a in arrays])


@rule(np.concatenate)
def concatenate(arrays: Sequence[Any], axis: Any = 0) -> Any:
    nodes = _pieces(arrays)
    if axis is None:
        nodes, axis = tuple(ravel(n) for n in nodes), 0
    if nodes[0].ndim == 0:
        raise InputError("concatenate: values of shape () cannot be joined; use numpy.stack.")
    return apply("concatenate", *nodes, axis=normal_axis(axis, nodes[0].ndim, "concatenate"))


@rule(np.stack)
def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    nodes = _pieces(arrays)
    return concatenate([expand_dims(n, axis) for n in nodes], axis)


@rule(np.hstack)
def hstack(arrays: Sequence[Any]) -> Any:
    nodes = [n if n.ndim else reshape(n, (1,)) for n in _pieces(arrays)]
    return concatenate(nodes, 0 if nodes[0].ndim == 1 else 1)


@rule(np.vstack)
def vstack(arrays: Sequence[Any]) -> Any:
    return concatenate([reshape(n, (1, n.size)) if n.ndim < 2 else n for n in _pieces(arrays)], 0)


@rule(np.column_stack)
def column_stack(arrays: Sequence[Any]) -> Any:
    return concatenate([reshape(n, (n.size, 1)) if n.ndim < 2 else n for n in _pieces(arrays)], 1)


@rule(np.split)
def split(x: Any, sections: Any, axis: int = 0) -> list[Any]:
    n = x.shape[normal_axis(axis, x.ndim, "split")]
    if isinstance(sections, int | np.integer) and n % sections:
        raise InputError(
            f"split: {n} entries along axis {axis} do not make {sections} equal parts; use numpy.array_split."
        )
    return array_split(x, sections, axis)


@rule(np.array_split)
def array_split(x: Any, sections: Any, axis: int = 0) -> list[Any]:
    axis = normal_axis(axis, x.ndim, "split")
    spans = np.array_split(np.arange(x.shape[axis]), sections)
    return [x[(slice(None),) * axis + (slice(int(s[0]), int(s[-1]) + 1) if len(s) else slice(0, 0),)] for s in spans]


@rule(np.pad)
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: float = 0.0) -> Any:
    if mode != "constant":
        raise InputError(f"numpy.pad: mode={mode!r} has no rule here; expected 'constant'.")
    try:
        widths = np.broadcast_to(np.asarray(pad_width, dtype=np.int64), (x.ndim, 2)).tolist()
    except (TypeError, ValueError):
        widths = [[-1, -1]]
    if any(width < 0 for pair in widths for width in pair):
        raise InputError(
            f"numpy.pad: pad_width={pad_width!r} does not fit shape {x.shape}; expected a number of at least 0, or (before, "
            "after) for each axis."
        )
    shape = tuple(n + before + after for n, (before, after) in zip(x.shape, widths, strict=True))
    spans = tuple((before, before + n, 1) for n, (before, _) in zip(x.shape, widths, strict=True))
    inner = apply("unslice", x, shape=shape, slices=spans)
    if constant_values == 0:
        return inner
    frame = np.full(shape, constant_values, x.dtype)
    frame[tuple(slice(a, b) for a, b, _ in spans)] = 0
    return inner + frame


@rule(np.tile)
def tile(x: Any, reps: Any) -> Any:
    counts = tuple(reps) if isinstance(reps, tuple | list) else (reps,)
    counts = (1,) * (x.ndim - len(counts)) + counts
    shape = (1,) * (len(counts) - x.ndim) + x.shape
    x = reshape(x, tuple(size for n in shape for size in (1, n)))
    x = broadcast_to(x, tuple(size for count, n in zip(counts, shape, strict=True) for size in (count, n)))
    return reshape(x, tuple(count * n for count, n in zip(counts, shape, strict=True)))


FUNCTIONS[np.shape] = lambda x: x.shape
FUNCTIONS[np.ndim] = lambda x: x.ndim
FUNCTIONS[np.size] = lambda x, axis=None: x.size if axis is None else x.shape[axis]
METHODS["astype"] = lambda x, dtype: x if x.dtype == np.dtype(dtype) else apply("astype", x, dtype=np.dtype(dtype))
METHODS["item"] = lambda x: float(x)
