"""NumPy's universal functions: those that are primitives, and those composed of primitives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from unstuck.autodiff.graph import Node, apply, graph_of, lift
from unstuck.autodiff.numpy_functions.choice import where
from unstuck.autodiff.numpy_functions.products import matmul
from unstuck.autodiff.numpy_functions.reductions import max_, min_, prod, root, sum_
from unstuck.autodiff.numpy_functions.registry import COMPOSED, UFUNCS, call_rule, no_rule
from unstuck.errors import InputError


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``ufunc(*inputs)`` records."""
    if method == "reduce" and ufunc in _REDUCERS:
        return call_rule(f"{ufunc.__name__}.reduce", _REDUCERS[ufunc], inputs, {"axis": 0, **kwargs})
    if method != "__call__":
        raise no_rule(f"numpy.{ufunc.__name__}.{method}")
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
    raise no_rule(f"numpy.{ufunc.__name__}")


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


def _hypot(a: Any, b: Any) -> Any:
    size = apply("stop_gradient", apply("maximum", apply("absolute", a), apply("absolute", b)))
    size = where(apply("logical_and", size > 0, apply("isfinite", size)), size, 1.0)
    return size * root(apply("square", a / size) + apply("square", b / size))


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


COMPOSED.update(
    {
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
)


_REDUCERS: dict[np.ufunc, Callable[..., Any]] = {np.add: sum_, np.multiply: prod, np.maximum: max_, np.minimum: min_}
