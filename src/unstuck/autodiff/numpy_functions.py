"""NumPy's functions in terms of the primitives: what a recorded value does when NumPy is called on it."""

from __future__ import annotations

import difflib
import functools
import inspect
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unstuck.autodiff.graph import Node, apply, graph_of, lift, normal_axis
from unstuck.autodiff.primitives import TABLE, matmul_misfit
from unstuck.errors import InputError

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
METHODS: dict[str, Callable[..., Any]] = {}

# Universal functions that are primitives of the same meaning.
UFUNCS: dict[np.ufunc, str] = {
    getattr(np, name): name for name in TABLE if isinstance(getattr(np, name, None), np.ufunc)
}


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``ufunc(*inputs)`` records."""
    if method == "reduce" and ufunc in _REDUCERS:
        return call_rule(f"{ufunc.__name__}.reduce", _REDUCERS[ufunc], inputs, {"axis": 0, **kwargs})
    if method != "__call__":
        raise _no_rule(f"numpy.{ufunc.__name__}.{method}")
    if "out" in kwargs:
        (target,) = kwargs.pop("out")
        if target is not inputs[0] or not isinstance(target, Node):
            raise InputError(
                f"numpy.{ufunc.__name__} was asked to write a recorded value into an existing array (out= or an "
                "in-place operator on an array); write a new value instead, as in x = x + y."
            )
        result = call_ufunc(ufunc, method, inputs, kwargs)
        # x += y on a recorded value gives the name x a new value; shape and dtype stay, as in NumPy.
        if result.shape != target.shape:
            raise InputError(
                f"numpy.{ufunc.__name__}: a value of shape {target.shape} cannot become shape {result.shape} in place; "
                "write x = x + y."
            )
        return result if result.dtype == target.dtype else apply("astype", result, dtype=target.dtype)
    if kwargs:
        raise InputError(f"numpy.{ufunc.__name__}: the setting {next(iter(kwargs))!r} has no rule for recorded values.")
    if ufunc is np.matmul:
        return matmul(*inputs)
    if ufunc is np.power and isinstance(inputs[1], int | float) and not isinstance(inputs[1], bool | np.generic):
        return _power(inputs[0], inputs[1])
    if ufunc in UFUNCS:
        return apply(UFUNCS[ufunc], *inputs)
    if ufunc in COMPOSED:
        return COMPOSED[ufunc](*lift(graph_of(inputs), inputs))
    raise _no_rule(f"numpy.{ufunc.__name__}")


def call_function(function: Any, args: Any, kwargs: Any) -> Any:
    """What a NumPy function that is no universal function records."""
    rule = FUNCTIONS.get(function)
    if rule is None:
        raise _no_rule(f"{getattr(function, '__module__', 'numpy') or 'numpy'}.{function.__name__}")
    return call_rule(function.__name__, rule, args, kwargs)


def call_rule(name: str, rule: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """``rule(*args, **kwargs)``; an argument that the rule does not know is named."""
    try:
        _signature(rule).bind(*args, **kwargs)
    except TypeError as error:
        raise InputError(f"numpy.{name}: {error}; recorded values know {name}{_signature(rule)} only.") from None
    return rule(*args, **kwargs)


@functools.cache
def _signature(rule: Callable[..., Any]) -> inspect.Signature:
    signature = inspect.signature(rule)
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    return signature.replace(parameters=plain, return_annotation=inspect.Signature.empty)


def _no_rule(name: str) -> InputError:
    short = name.rsplit(".", 1)[-1]
    known = sorted({f.__name__ for f in FUNCTIONS} | {u.__name__ for u in UFUNCS} | {u.__name__ for u in COMPOSED})
    close = next(iter(difflib.get_close_matches(short, known, n=1, cutoff=0.7)), None)
    hint = (
        f"the nearest one that has is numpy.{close}"
        if close
        else "compose it of numpy's arithmetic, exp, log, sum, where"
    )
    return InputError(f"{name} has no derivative rule here; {hint}. All that have: {', '.join(known)}.")


def rule(*functions: Any, method: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function as the meaning of NumPy functions, and of an array method if it is one."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        for numpy_function in functions:
            FUNCTIONS[numpy_function] = function
        if method:
            METHODS[method] = function
        return function

    return enter


def _power(x: Any, exponent: float) -> Any:
    if x.dtype.kind != "f" and isinstance(exponent, float):
        x = x.astype(np.float64)
    if exponent == 2:
        return apply("square", x)
    if exponent == 1:
        return x
    if exponent == 0.5:
        return apply("sqrt", x)
    if exponent == -1:
        return apply("divide", 1.0, x)
    if exponent == int(exponent) and 2 < exponent <= 4:
        half = apply("square", x)
        return half * x if exponent == 3 else apply("square", half)
    return apply("power", x, exponent)


def _floats(x: Any) -> Any:
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def _root(x: Any) -> Any:
    """The square root of a sum of squares; its derivative at 0 is taken as 0, so that lengths of 0 do no harm."""
    zero = apply("equal", x, 0)
    return apply("select", zero, 0.0, apply("sqrt", apply("select", zero, 1.0, x)))


def _hypot(a: Any, b: Any) -> Any:
    size = apply("stop_gradient", apply("maximum", apply("absolute", a), apply("absolute", b)))
    size = where(apply("logical_and", size > 0, apply("isfinite", size)), size, 1.0)
    return size * _root(apply("square", a / size) + apply("square", b / size))


def _floor_divide(a: Any, b: Any) -> Any:
    quotient = apply("rint", apply("divide", a - apply("remainder", a, b), b))
    return quotient if "f" in (a.dtype.kind, b.dtype.kind) else quotient.astype(np.result_type(a.dtype, b.dtype))


def _arcsinh(x: Any) -> Any:
    sign = where(x >= 0, 1.0, -1.0).astype(_floats(x).dtype)
    size = sign * x
    return sign * apply("log1p", size + size * (size / (1 + _hypot(size, size * 0 + 1))))


def _on_masks(primitive: str, ufunc: np.ufunc) -> Callable[..., Any]:
    def rule(*masks: Any) -> Any:
        if any(mask.dtype.kind != "b" for mask in masks):
            raise InputError(f"numpy.{ufunc.__name__} on numbers has no rule here; it is for masks such as x > 0.")
        return apply(primitive, *masks)

    return rule


COMPOSED: dict[np.ufunc, Callable[..., Any]] = {
    np.positive: lambda x: x,
    np.reciprocal: lambda x: apply("divide", 1.0, x),
    np.float_power: lambda a, b: apply("power", a.astype(np.float64), b.astype(np.float64)),
    np.fabs: lambda x: apply("absolute", _floats(x)),
    np.exp2: lambda x: apply("power", 2.0, _floats(x)),
    np.log2: lambda x: apply("log", x) / math.log(2),
    np.log10: lambda x: apply("log", x) / math.log(10),
    np.hypot: _hypot,
    np.floor_divide: _floor_divide,
    np.fmax: lambda a, b: where(a != a, b, where(b != b, a, apply("maximum", a, b))),
    np.fmin: lambda a, b: where(a != a, b, where(b != b, a, apply("minimum", a, b))),
    np.cbrt: lambda x: apply("sign", x) * apply("power", apply("absolute", _floats(x)), 1 / 3),
    np.heaviside: lambda x, h: where(x == 0, h, where(x < 0, 0.0, where(x > 0, 1.0, x))),
    np.arcsinh: _arcsinh,
    np.arctanh: lambda x: 0.5 * (apply("log1p", x) - apply("log1p", -x)),
    np.isnan: lambda x: x != x,
    np.isinf: lambda x: apply("logical_and", x == x, apply("logical_not", apply("isfinite", x))),
    np.invert: _on_masks("logical_not", np.invert),
    np.bitwise_and: _on_masks("logical_and", np.bitwise_and),
    np.bitwise_or: _on_masks("logical_or", np.bitwise_or),
}


# Reductions ----------------------------------------------------------------------------------------------------------
def _axes(x: Node, axis: Any, what: str) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    chosen = axis if isinstance(axis, tuple | list) else (axis,)
    axes = tuple(sorted(normal_axis(a, x.ndim, what) for a in chosen))
    if len(set(axes)) != len(axes):
        raise InputError(f"{what}: axis {axis} names an axis twice; name each once.")
    return axes


@rule(np.sum, method="sum")
def sum_(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    axes = _axes(x, axis, "sum")
    return apply("sum", x, axes=axes, keepdims=bool(keepdims)) if axes or x.dtype.kind != "f" else x


@rule(np.mean, method="mean")
def mean(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    count = math.prod(x.shape[a] for a in _axes(x, axis, "mean"))
    return apply("divide", sum_(x, axis, keepdims=keepdims), float(count))


@rule(np.max, np.amax, method="max")
def max_(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return apply("max", x, axes=_axes(x, axis, "max"), keepdims=bool(keepdims))


@rule(np.min, np.amin, method="min")
def min_(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return apply("min", x, axes=_axes(x, axis, "min"), keepdims=bool(keepdims))


@rule(np.var, method="var")
def var(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    centred = x - mean(x, axis, keepdims=True)
    count = math.prod(x.shape[a] for a in _axes(x, axis, "var"))
    return sum_(apply("square", centred), axis, keepdims=keepdims) / float(max(count - ddof, 0))


@rule(np.std, method="std")
def std(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    return _root(var(x, axis, ddof=ddof, keepdims=keepdims))


@rule(np.prod, method="prod")
def prod(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    # Multiplying halves keeps the derivative right where factors are zero; y / x would not.
    axes = _axes(x, axis, "prod")
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
    count = x.ndim if axis is None else len(_axes(x, axis, "norm"))
    if not (ord is None or (ord == 2 and count == 1) or (ord == "fro" and count == 2)):
        raise InputError(
            f"numpy.linalg.norm: ord={ord!r} over {count} axes has no rule here; use the Euclidean norm (ord=None)."
        )
    return _root(sum_(apply("square", x), axis, keepdims=keepdims))


# Shape ---------------------------------------------------------------------------------------------------------------
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
    gone = [i for i, n in enumerate(x.shape) if n == 1] if axis is None else _axes(x, axis, "squeeze")
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
    for a in _axes(x, axis, "flip"):
        x = apply("flip", x, axis=a)
    return x


@rule(np.roll)
def roll(x: Any, shift: int, axis: Any = None) -> Any:
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    axis = normal_axis(axis, x.ndim, "roll")
    n = x.shape[axis]
    return take(x, (np.arange(n) - operator.index(shift)) % n, axis) if n else x


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


@rule(np.repeat, method="repeat")
def repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    if axis is None:
        return repeat(ravel(x), repeats, 0)
    axis = normal_axis(axis, x.ndim, "repeat")
    return take(x, np.repeat(np.arange(x.shape[axis]), repeats), axis)


# Products ------------------------------------------------------------------------------------------------------------
@rule(np.matmul)
def matmul(a: Any, b: Any) -> Any:
    a, b = lift(graph_of((a, b)), (a, b))
    if a.ndim == 0 or b.ndim == 0:
        raise InputError(f"matmul: shapes {a.shape} and {b.shape}; a plain number is multiplied with *, not with @.")
    if a.shape[-1] != b.shape[-2:][0]:
        raise matmul_misfit(a, b)
    a2 = reshape(a, (1, a.size)) if a.ndim == 1 else a
    b2 = reshape(b, (b.size, 1)) if b.ndim == 1 else b
    y = apply("matmul", a2, b2)
    drop = ([y.ndim - 2] if a.ndim == 1 else []) + ([y.ndim - 1] if b.ndim == 1 else [])
    return reshape(y, tuple(n for i, n in enumerate(y.shape) if i not in drop)) if drop else y


@rule(np.dot, method="dot")
def dot(a: Any, b: Any) -> Any:
    a, b = lift(graph_of((a, b)), (a, b))
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    if b.ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, axes=([-1], [-2]))


@rule(np.inner)
def inner(a: Any, b: Any) -> Any:
    a, b = lift(graph_of((a, b)), (a, b))
    return tensordot(a, b, axes=([-1], [-1])) if a.ndim and b.ndim else a * b


@rule(np.outer)
def outer(a: Any, b: Any) -> Any:
    a, b = lift(graph_of((a, b)), (a, b))
    return reshape(a, (a.size, 1)) * reshape(b, (1, b.size))


@rule(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    a, b = lift(graph_of((a, b)), (a, b))
    return sum_(ravel(a) * ravel(b))


@rule(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = lift(graph_of((a, b)), (a, b))
    if isinstance(axes, int):
        axes = (list(range(a.ndim - axes, a.ndim)), list(range(axes)))
    first, second = ([x] if isinstance(x, int) else list(x) for x in axes)
    from_a = [normal_axis(x, a.ndim, "tensordot") for x in first]
    from_b = [normal_axis(x, b.ndim, "tensordot") for x in second]
    kept_a = [i for i in range(a.ndim) if i not in from_a]
    kept_b = [i for i in range(b.ndim) if i not in from_b]
    inner_size = math.prod(a.shape[i] for i in from_a)
    left = reshape(transpose(a, kept_a + from_a), (math.prod(a.shape[i] for i in kept_a), inner_size))
    right = reshape(transpose(b, from_b + kept_b), (inner_size, math.prod(b.shape[i] for i in kept_b)))
    return reshape(apply("matmul", left, right), tuple(a.shape[i] for i in kept_a) + tuple(b.shape[i] for i in kept_b))


@rule(np.einsum)
def einsum(subscripts: str, *operands: Any, optimize: Any = False) -> Any:
    if not isinstance(subscripts, str):
        raise InputError(
            "einsum: the axes are given as lists; write them as letters, as in numpy.einsum('ij,jk->ik', a, b)."
        )
    text = subscripts.replace(" ", "")
    if "." in text:
        raise InputError(f"einsum {subscripts!r}: an ellipsis has no rule here; name every axis.")
    terms, _, result = text.partition("->")
    if "->" not in text:
        result = "".join(sorted(c for c in set(terms) if c.isalpha() and terms.count(c) == 1))
    if any(len(set(term)) != len(term) for term in terms.split(",")):
        raise InputError(
            f"einsum {subscripts!r}: an index repeated within one operand has no rule here; use numpy.trace."
        )
    if len(terms.split(",")) != len(operands):
        raise InputError(
            f"einsum {subscripts!r} names {len(terms.split(','))} operands and {len(operands)} were given; expected as many."
        )
    return apply("einsum", *operands, subscripts=f"{terms}->{result}")


@rule(np.trace, method="trace")
def trace(x: Any) -> Any:
    if x.ndim != 2:
        raise InputError(f"trace: shape {x.shape} has {x.ndim} dimensions; expected a matrix.")
    return sum_(diagonal(x))


@rule(np.diag)
def diag(x: Any) -> Any:
    return reshape(x, (x.size, 1)) * np.eye(x.size, dtype=x.dtype) if x.ndim == 1 else diagonal(x)


@rule(np.diagonal, method="diagonal")
def diagonal(x: Any) -> Any:
    if x.ndim != 2:
        raise InputError(f"diagonal: shape {x.shape} has {x.ndim} dimensions; expected a matrix.")
    i = np.arange(min(x.shape))
    return x[i, i]


# Choice and gathering ------------------------------------------------------------------------------------------------
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


FUNCTIONS[np.shape] = lambda x: x.shape
FUNCTIONS[np.ndim] = lambda x: x.ndim
FUNCTIONS[np.size] = lambda x, axis=None: x.size if axis is None else x.shape[axis]
METHODS["astype"] = lambda x, dtype: x if x.dtype == np.dtype(dtype) else apply("astype", x, dtype=np.dtype(dtype))
METHODS["item"] = lambda x: float(x)

_REDUCERS: dict[np.ufunc, Callable[..., Any]] = {np.add: sum_, np.multiply: prod, np.maximum: max_, np.minimum: min_}
