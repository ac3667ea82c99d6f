"""Which NumPy functions and array methods have a rule, and how a call finds its rule."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from unstuck.autodiff.graph import Node, normal_axis
from unstuck.autodiff.primitives import TABLE
from unstuck.errors import InputError

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
METHODS: dict[str, Callable[..., Any]] = {}
# Universal functions: those that are primitives (by the primitive's name) and those composed of primitives.
UFUNCS: dict[np.ufunc, str] = {
    getattr(np, name): name for name in TABLE if isinstance(getattr(np, name, None), np.ufunc)
}
COMPOSED: dict[np.ufunc, Callable[..., Any]] = {}


def call_function(function: Any, args: Any, kwargs: Any) -> Any:
    """What a NumPy function that is no universal function records."""
    rule = FUNCTIONS.get(function)
    if rule is None:
        raise no_rule(f"{getattr(function, '__module__', 'numpy') or 'numpy'}.{function.__name__}")
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


def no_rule(name: str) -> InputError:
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


def axes_of(x: Node, axis: Any, what: str) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    chosen = axis if isinstance(axis, tuple | list) else (axis,)
    axes = tuple(sorted(normal_axis(a, x.ndim, what) for a in chosen))
    if len(set(axes)) != len(axes):
        raise InputError(f"{what}: axis {axis} names an axis twice; name each once.")
    return axes
