"""The table of primitives and its basic entries: for each its shape rule, its meaning in NumPy and its derivative rule.

An entry reads ``define(name, shape rule, NumPy meaning, derivative rule)``. A derivative rule is called with the
gradient ``g`` with respect to the result, the result ``y`` and the operands; it returns one gradient per operand, made
of further nodes, or None where there is no dependence (or the derivative is zero wherever it exists). Everything
else (losses, layers, NumPy's other functions) is composed of these.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from unstuck.autodiff import threefry
from unstuck.errors import InputError

ShapeAndDtype = tuple[tuple[int, ...], Any]


@dataclass(frozen=True)
class Primitive:
    """One operation of the graph.

    ``shape(*operands, **params)`` gives (shape, dtype) of the result or raises InputError; ``numpy`` evaluates on
    arrays; ``derivative(g, y, *operands, **params)`` is None for operations without a derivative.
    """

    name: str
    shape: Callable[..., ShapeAndDtype]
    numpy: Callable[..., Any]
    derivative: Callable[..., tuple[Any, ...]] | None
    elementwise: bool = False  # NumPy broadcasting of the operands gives the result's shape
    floats: bool = False  # operands that are all without a fraction are converted to float64 before


TABLE: dict[str, Primitive] = {}


def define(name: str, shape: Any, numpy: Any, derivative: Any = None) -> None:
    """Enter a primitive into the table."""
    named = shape in _NAMED_RULES
    TABLE[name] = Primitive(name, shape(name) if named else shape, numpy, derivative, named, shape is elementwise_float)


# Shape rules ---------------------------------------------------------------------------------------------------------
def _broadcast(name: str, operands: tuple[Any, ...]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(*(operand.shape for operand in operands))
    except ValueError:
        shapes = " and ".join(str(operand.shape) for operand in operands)
        raise InputError(
            f"{name}: the shapes {shapes} do not fit together; from the right, each pair of sizes must be equal or "
            "1; check the operands' shapes, or reshape one of them."
        ) from None


def elementwise(name: str) -> Callable[..., ShapeAndDtype]:
    """Broadcast shapes, and the dtype that NumPy's function of this name gives."""
    return lambda *operands: (_broadcast(name, operands), _resulting(name, *(o.dtype for o in operands)))


@functools.cache
def _resulting(name: str, *dtypes: Any) -> Any:
    ufunc = getattr(np, name, None)
    if not isinstance(ufunc, np.ufunc):
        return np.result_type(*dtypes)
    try:
        return ufunc.resolve_dtypes((*dtypes, None))[-1]
    except TypeError:
        raise InputError(
            f"{name}: NumPy has no such operation on {' and '.join(str(d) for d in dtypes)}; convert with "
            ".astype(float), or use numpy.logical_not, numpy.logical_and and numpy.logical_or on masks."
        ) from None


def elementwise_float(name: str) -> Callable[..., ShapeAndDtype]:
    """Broadcast shapes; integers and booleans become float64 (where NumPy would make bytes float16)."""

    def rule(*operands: Any) -> ShapeAndDtype:
        dtype = np.result_type(*(o.dtype for o in operands))
        return _broadcast(name, operands), dtype if dtype.kind == "f" else np.dtype(np.float64)

    return rule


def comparison(name: str) -> Callable[..., ShapeAndDtype]:
    """Broadcast shapes, a boolean result."""
    return lambda *operands: (_broadcast(name, operands), np.dtype(bool))


def _select(name: str) -> Callable[..., ShapeAndDtype]:
    return lambda c, a, b: (_broadcast(name, (c, a, b)), np.result_type(a.dtype, b.dtype))


_NAMED_RULES = (elementwise, elementwise_float, comparison, _select)


def _reduced(x: Any, axes: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    return tuple(n for i, n in enumerate(x.shape) if i not in axes)


def _reduction(x: Any, *, axes: tuple[int, ...], keepdims: bool) -> ShapeAndDtype:
    return _reduced(x, axes, keepdims), x.dtype


# The dtype in which NumPy adds up booleans, integers and unsigned integers.
_WIDE = {"b": np.dtype(np.int64), "i": np.dtype(np.int64), "u": np.dtype(np.uint64)}


def _sum_rule(x: Any, *, axes: tuple[int, ...], keepdims: bool) -> ShapeAndDtype:
    return _reduced(x, axes, keepdims), _WIDE.get(x.dtype.kind, x.dtype)


def _extremum_rule(x: Any, *, axes: tuple[int, ...], keepdims: bool) -> ShapeAndDtype:
    if any(x.shape[axis] == 0 for axis in axes):
        raise InputError(
            f"max/min: shape {x.shape} is empty along axis {axes}, so there is no largest or smallest value; leave "
            "empty batches out."
        )
    return _reduced(x, axes, keepdims), x.dtype


def _argmax_rule(x: Any, *, axis: int) -> ShapeAndDtype:
    if x.shape[axis] == 0:
        raise InputError(
            f"argmax: shape {x.shape} is empty along axis {axis}, so there is no largest value; leave empty batches out."
        )
    return (*x.shape[:axis], *x.shape[axis + 1 :]), np.dtype(np.int64)


def matmul_misfit(a: Any, b: Any) -> InputError:
    """The error for two operands of a matrix product whose inner sizes differ."""
    return InputError(
        f"matmul: shapes {a.shape} and {b.shape} do not fit: {a.shape[-1]} columns of the first meet {b.shape[-2:][0]} rows "
        "of the second; transpose one of them or check the layer sizes."
    )


def _matmul_rule(a: Any, b: Any) -> ShapeAndDtype:
    if a.shape[-1] != b.shape[-2]:
        raise matmul_misfit(a, b)
    try:
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise InputError(
            f"matmul: the batch dimensions of {a.shape} and {b.shape} do not broadcast together; each pair of sizes "
            "must be equal or 1."
        ) from None
    return (*batch, a.shape[-2], b.shape[-1]), np.result_type(a.dtype, b.dtype)


def _reshape_rule(x: Any, *, shape: tuple[int, ...]) -> ShapeAndDtype:
    if int(np.prod(shape, dtype=np.int64)) != x.size:
        raise InputError(
            f"reshape: {x.size} values of shape {x.shape} cannot take the shape {shape}; the sizes must multiply to "
            f"{x.size}."
        )
    return shape, x.dtype


def _slice_rule(x: Any, *, slices: tuple[tuple[int, int, int], ...]) -> ShapeAndDtype:
    return tuple(len(range(*s)) for s in slices), x.dtype


def _concatenate_rule(*operands: Any, axis: int) -> ShapeAndDtype:
    first = operands[0].shape
    for operand in operands[1:]:
        if len(operand.shape) != len(first) or any(
            a != b for i, (a, b) in enumerate(zip(operand.shape, first, strict=True)) if i != axis
        ):
            raise InputError(
                f"concatenate: shapes {first} and {operand.shape} differ elsewhere than along axis {axis}; reshape one "
                "of them, or join along another axis."
            )
    total = sum(operand.shape[axis] for operand in operands)
    return (*first[:axis], total, *first[axis + 1 :]), np.result_type(*(o.dtype for o in operands))


def _take_rule(x: Any, rows: Any) -> ShapeAndDtype:
    if rows.dtype.kind not in "iu":
        raise InputError(f"indexing: an index has dtype {rows.dtype}; expected integers, as from .astype(int).")
    return (*rows.shape, *x.shape[1:]), x.dtype


def _einsum_rule(*operands: Any, subscripts: str) -> ShapeAndDtype:
    terms, result = subscripts.split("->")
    sizes: dict[str, int] = {}
    if not set(result) <= set(terms) - {","} or len(set(result)) != len(result):
        raise InputError(f"einsum {subscripts!r}: each index of the result must stand once in it and in an operand.")
    for term, operand in zip(terms.split(","), operands, strict=True):
        if len(term) != len(operand.shape):
            raise InputError(
                f"einsum {subscripts!r}: {term!r} has {len(term)} letters, the operand has shape {operand.shape}; "
                "expected one letter per axis."
            )
        for letter, size in zip(term, operand.shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise InputError(
                    f"einsum {subscripts!r}: index {letter!r} has size {sizes[letter]} and size {size}; expected one size."
                )
    return tuple(sizes[letter] for letter in result), np.result_type(*(o.dtype for o in operands))


def _random_rule(key: Any, *, shape: tuple[int, ...], stream: int, dtype: Any) -> ShapeAndDtype:
    if key.shape != (2,) or key.dtype.kind not in "iu":
        raise InputError(
            f"random_uniform: the key has shape {key.shape} and dtype {key.dtype}; expected two integers, as in "
            "numpy.array([0, seed], dtype=numpy.uint32)."
        )
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise InputError(f"random_uniform: dtype is {np.dtype(dtype)}; expected float32 or float64.")
    return shape, np.dtype(dtype)


# Undoing what broadcasting and reductions did ------------------------------------------------------------------------
def unbroadcast(g: Any, like: Any) -> Any:
    """Sum ``g`` over the axes along which an operand of shape ``like.shape`` was repeated."""
    if g.shape == like.shape:
        return g
    extra = len(g.shape) - len(like.shape)
    axes = tuple(range(extra)) + tuple(
        i + extra for i, n in enumerate(like.shape) if n == 1 and g.shape[i + extra] != 1
    )
    if axes:
        g = _apply("sum", g, axes=axes, keepdims=False)
    return g if g.shape == like.shape else _apply("reshape", g, shape=like.shape)


def _with_axes(g: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """``g`` with the reduced axes put back as axes of size 1."""
    return _apply("reshape", g, shape=_reduced(x, axes, True))


def _swap(x: Any) -> Any:
    return _apply("transpose", x, axes=(*range(len(x.shape) - 2), len(x.shape) - 1, len(x.shape) - 2))


def _apply(operation: str, *operands: Any, **params: Any) -> Any:
    from unstuck.autodiff.graph import apply

    return apply(operation, *operands, **params)


def _at_extremum(g: Any, y: Any, x: Any, *, axes: tuple[int, ...], keepdims: bool) -> tuple[Any]:
    # Equal extrema share the gradient equally. (The quotient has the size of y, which is the smaller one.)
    here = _apply("astype", x == _with_axes(y, x, axes), dtype=x.dtype)
    share = _with_axes(g, x, axes) / _apply("sum", here, axes=axes, keepdims=True)
    return (here * share,)


def _einsum_gradients(g: Any, y: Any, *operands: Any, subscripts: str) -> tuple[Any, ...]:
    terms, result = subscripts.split("->")
    words = terms.split(",")
    gradients = []
    for i, (word, operand) in enumerate(zip(words, operands, strict=True)):
        others = [w for k, w in enumerate(words) if k != i]
        present = set(result).union(*others)
        kept = "".join(letter for letter in word if letter in present)
        partial = _apply(
            "einsum",
            g,
            *(o for k, o in enumerate(operands) if k != i),
            subscripts=",".join([result, *others]) + "->" + kept,
        )
        shape = tuple(n if letter in kept else 1 for letter, n in zip(word, operand.shape, strict=True))
        gradients.append(_apply("broadcast_to", _apply("reshape", partial, shape=shape), shape=operand.shape))
    return tuple(gradients)


def _slices(slices: tuple[tuple[int, int, int], ...]) -> tuple[slice, ...]:
    return tuple(slice(a, None if b < 0 else b, c) for a, b, c in slices)


def _unslice(x: Any, *, shape: tuple[int, ...], slices: tuple[tuple[int, int, int], ...]) -> Any:
    result = np.zeros(shape, x.dtype)
    result[_slices(slices)] = x
    return result


def _scatter_add(rows: Any, values: Any, *, count: int) -> Any:
    result = np.zeros((count, *values.shape[rows.ndim :]), values.dtype)
    if values.size:
        # Sorted by row first, sums of runs are several times as fast as numpy.add.at.
        flat = np.where(rows < 0, rows + count, rows).ravel()
        order = np.argsort(flat, kind="stable")
        ordered = flat[order]
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        runs = values.reshape(flat.size, *result.shape[1:])[order]
        result[ordered[starts]] = np.add.reduceat(runs, starts, axis=0, dtype=values.dtype)
    return result


def _split(g: Any, operands: tuple[Any, ...], axis: int) -> tuple[Any, ...]:
    parts, start = [], 0
    for operand in operands:
        spans = tuple(
            (start, start + operand.shape[axis], 1) if i == axis else (0, n, 1) for i, n in enumerate(g.shape)
        )
        parts.append(_apply("slice", g, slices=spans))
        start += operand.shape[axis]
    return tuple(parts)


def _erf(x: Any) -> Any:
    from scipy.special import erf  # scipy comes with scikit-learn; loading it takes a while, so only when needed

    return erf(x)


def _sum(x: Any, *, axes: tuple[int, ...], keepdims: bool) -> Any:
    return np.add.reduce(x, axis=axes, keepdims=keepdims)  # type: ignore[call-overload]


def _power_gradients(g: Any, y: Any, a: Any, b: Any) -> tuple[Any, Any]:
    # At exponent 0 the derivative by the base is 0 everywhere. By the exponent it is 0 at base 0, and NaN, because there
    # is none, at a negative base.
    base = _apply("select", b == 0, 0.0, b * _apply("power", a, _apply("select", b == 0, 1.0, b - 1)))
    exponent = _apply("select", a == 0, 0.0, y * _apply("log", _apply("select", a == 0, 1.0, a)))
    return unbroadcast(g * base, a), unbroadcast(g * exponent, b)


def _share(a: Any, b: Any) -> Any:
    # exp(a) / (exp(a) + exp(b)). Equal operands share alike, also where both are infinite.
    return _apply("sigmoid", _apply("select", a == b, 0.0, a - b))


def _larger(g: Any, first: Any, second: Any, operand: Any) -> Any:
    # The operand that wins takes the gradient; equal operands take half each (as in JAX and PyTorch).
    one, half, none = (g.graph.constant(weight, g.dtype) for weight in (1.0, 0.5, 0.0))
    weight = _apply("select", first, one, _apply("select", second, half, none))
    return unbroadcast(g * weight, operand)


# The table: arithmetic -----------------------------------------------------------------------------------------------
define("add", elementwise, np.add, lambda g, y, a, b: (unbroadcast(g, a), unbroadcast(g, b)))
define("subtract", elementwise, np.subtract, lambda g, y, a, b: (unbroadcast(g, a), unbroadcast(-g, b)))
define("multiply", elementwise, np.multiply, lambda g, y, a, b: (unbroadcast(g * b, a), unbroadcast(g * a, b)))
define("divide", elementwise_float, np.divide, lambda g, y, a, b: (unbroadcast(g / b, a), unbroadcast(-g * y / b, b)))
define("power", elementwise, np.power, _power_gradients)
define("negative", elementwise, np.negative, lambda g, y, x: (-g,))
define("square", elementwise, np.square, lambda g, y, x: (g * (2 * x),))
define("sqrt", elementwise_float, np.sqrt, lambda g, y, x: (g * 0.5 / y,))
define("absolute", elementwise, np.absolute, lambda g, y, x: (g * _apply("sign", x),))
define(
    "remainder",
    elementwise,
    np.remainder,
    lambda g, y, a, b: (unbroadcast(g, a), unbroadcast(-g * _apply("rint", (a - y) / b), b)),
)
define(
    "maximum", elementwise, np.maximum, lambda g, y, a, b: (_larger(g, a > b, a == b, a), _larger(g, b > a, a == b, b))
)
define(
    "minimum", elementwise, np.minimum, lambda g, y, a, b: (_larger(g, a < b, a == b, a), _larger(g, b < a, a == b, b))
)

# Exponentials, logarithms and their kin
define("exp", elementwise_float, np.exp, lambda g, y, x: (g * y,))
define("expm1", elementwise_float, np.expm1, lambda g, y, x: (g * (y + 1),))
define("log", elementwise_float, np.log, lambda g, y, x: (g / x,))
define("log1p", elementwise_float, np.log1p, lambda g, y, x: (g / (1 + x),))
define(
    "logaddexp",
    elementwise_float,
    np.logaddexp,
    lambda g, y, a, b: (unbroadcast(g * _share(a, b), a), unbroadcast(g * _share(b, a), b)),
)
# exp(-x) may overflow to infinity, and 1 / (1 + infinity) is the right 0: relative accuracy is kept for all x.
define("sigmoid", elementwise_float, lambda x: 1 / (1 + np.exp(-x)), lambda g, y, x: (g * (y * (1 - y)),))
define("tanh", elementwise_float, np.tanh, lambda g, y, x: (g * (1 - y * y),))
define("erf", elementwise_float, _erf, lambda g, y, x: (g * (float(2 / np.sqrt(np.pi)) * _apply("exp", -x * x)),))

# Trigonometry
define("sin", elementwise_float, np.sin, lambda g, y, x: (g * _apply("cos", x),))
define("cos", elementwise_float, np.cos, lambda g, y, x: (-g * _apply("sin", x),))
define("tan", elementwise_float, np.tan, lambda g, y, x: (g * (1 + y * y),))
define("sinh", elementwise_float, np.sinh, lambda g, y, x: (g * _apply("cosh", x),))
define("cosh", elementwise_float, np.cosh, lambda g, y, x: (g * _apply("sinh", x),))
define("arcsin", elementwise_float, np.arcsin, lambda g, y, x: (g / _apply("sqrt", 1 - x * x),))
define("arccos", elementwise_float, np.arccos, lambda g, y, x: (-g / _apply("sqrt", 1 - x * x),))
define("arctan", elementwise_float, np.arctan, lambda g, y, x: (g / (1 + x * x),))
define(
    "arctan2",
    elementwise_float,
    np.arctan2,
    lambda g, y, a, b: (unbroadcast(g * b / (a * a + b * b), a), unbroadcast(-g * a / (a * a + b * b), b)),
)

# Steps: zero derivative wherever there is one
define("sign", elementwise, np.sign, lambda g, y, x: (None,))
define("floor", elementwise_float, np.floor, lambda g, y, x: (None,))
define("ceil", elementwise_float, np.ceil, lambda g, y, x: (None,))
define("rint", elementwise_float, np.rint, lambda g, y, x: (None,))
define("identity", elementwise, lambda x: x, lambda g, y, x: (g,))
define("stop_gradient", elementwise, lambda x: x, lambda g, y, x: (None,))

# Comparison, logic and choice
define("equal", comparison, np.equal)
define("not_equal", comparison, np.not_equal)
define("less", comparison, np.less)
define("less_equal", comparison, np.less_equal)
define("greater", comparison, np.greater)
define("greater_equal", comparison, np.greater_equal)
define("logical_and", comparison, np.logical_and)
define("logical_or", comparison, np.logical_or)
define("logical_not", comparison, np.logical_not)
define("isfinite", comparison, np.isfinite)
define(
    "select",
    _select,
    np.where,
    lambda g, y, c, a, b: (
        None,
        unbroadcast(_apply("select", c, g, 0.0), a),
        unbroadcast(_apply("select", c, 0.0, g), b),
    ),
)
define(
    "astype",
    lambda x, *, dtype: (x.shape, np.dtype(dtype)),
    lambda x, *, dtype: x.astype(dtype),
    lambda g, y, x, *, dtype: (_apply("astype", g, dtype=x.dtype) if x.dtype.kind == "f" else None,),
)

# Products
define(
    "matmul", _matmul_rule, np.matmul, lambda g, y, a, b: (unbroadcast(g @ _swap(b), a), unbroadcast(_swap(a) @ g, b))
)
define("einsum", _einsum_rule, lambda *operands, subscripts: np.einsum(subscripts, *operands), _einsum_gradients)

# Reductions
define(
    "sum",
    _sum_rule,
    _sum,
    lambda g, y, x, *, axes, keepdims: (_apply("broadcast_to", _with_axes(g, x, axes), shape=x.shape),),
)
define("max", _extremum_rule, lambda x, *, axes, keepdims: np.max(x, axis=axes, keepdims=keepdims), _at_extremum)
define("min", _extremum_rule, lambda x, *, axes, keepdims: np.min(x, axis=axes, keepdims=keepdims), _at_extremum)
define(
    "argmax",
    _argmax_rule,
    lambda x, *, axis: np.argmax(x, axis=axis),
)
define(
    "argsort",
    lambda x, *, axis: (x.shape, np.dtype(np.int64)),
    lambda x, *, axis: np.argsort(x, axis=axis, kind="stable"),
)
define(
    "cumsum",
    lambda x, *, axis: (x.shape, x.dtype),
    lambda x, *, axis: np.cumsum(x, axis=axis, dtype=x.dtype),
    lambda g, y, x, *, axis: (_apply("flip", _apply("cumsum", _apply("flip", g, axis=axis), axis=axis), axis=axis),),
)

# Shape
define(
    "reshape",
    _reshape_rule,
    lambda x, *, shape: x.reshape(shape),
    lambda g, y, x, *, shape: (_apply("reshape", g, shape=x.shape),),
)
define(
    "transpose",
    lambda x, *, axes: (tuple(x.shape[a] for a in axes), x.dtype),
    lambda x, *, axes: x.transpose(axes),
    lambda g, y, x, *, axes: (_apply("transpose", g, axes=tuple(int(a) for a in np.argsort(axes))),),
)
define(
    "broadcast_to",
    lambda x, *, shape: (shape, x.dtype),
    lambda x, *, shape: np.broadcast_to(x, shape),
    lambda g, y, x, *, shape: (unbroadcast(g, x),),
)
define(
    "flip",
    lambda x, *, axis: (x.shape, x.dtype),
    lambda x, *, axis: np.flip(x, axis),
    lambda g, y, x, *, axis: (_apply("flip", g, axis=axis),),
)
define(
    "concatenate",
    _concatenate_rule,
    lambda *xs, axis: np.concatenate(xs, axis=axis),
    lambda g, y, *xs, axis: _split(g, xs, axis),
)

# Reading and writing parts; unslice and scatter_add write into zeros
define(
    "slice",
    _slice_rule,
    lambda x, *, slices: x[_slices(slices)],
    lambda g, y, x, *, slices: (_apply("unslice", g, shape=x.shape, slices=slices),),
)
define(
    "unslice",
    lambda x, *, shape, slices: (shape, x.dtype),
    _unslice,
    lambda g, y, x, *, shape, slices: (_apply("slice", g, slices=slices),),
)
define(
    "take",
    _take_rule,
    lambda x, rows: x[rows],
    lambda g, y, x, rows: (_apply("scatter_add", rows, g, count=x.shape[0]), None),
)
define(
    "scatter_add",
    lambda rows, values, *, count: ((count, *values.shape[len(rows.shape) :]), values.dtype),
    _scatter_add,
    lambda g, y, rows, values, *, count: (None, _apply("take", g, rows)),
)

# Random draws from a seeded key: uniform in [0, 1), the same numbers in every engine
define("random_uniform", _random_rule, threefry.uniform)
