"""One rule for each elementwise primitive: how its value is computed from vectors of its operands.

A rule is called with the :class:`Code` being written and the operands, all of the dtype that the operation works in; it
returns the result. To add a primitive, write one entry.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from unstuck.autodiff import Node
from unstuck.autodiff.primitives import TABLE
from unstuck.engines.cpu.emit import math as m
from unstuck.engines.cpu.emit.code import BOOL, Code, Value

Rule = Callable[..., Value]


def _compare(how: str) -> Rule:
    return lambda c, a, b: c.compare(how, a, b)


def _bits(word: str) -> Rule:
    return lambda c, a, b: c.bits(word, a, b)


def _llvm(name: str) -> Rule:
    return lambda c, *operands: c.intrinsic(name, *operands)


def _extremum(floating: str, whole: str) -> Rule:
    def rule(c: Code, a: Value, b: Value) -> Value:
        # llvm.maximum gives NaN where either operand is NaN, as NumPy does.
        if a.is_float:
            return c.intrinsic(f"llvm.{floating}", a, b)
        return c.intrinsic(f"llvm.{'s' if a.dtype.kind == 'i' else 'u'}{whole}", a, b)

    return rule


def _sign(c: Code, x: Value) -> Value:
    zero, one = c.constant(0, x.dtype), c.constant(1, x.dtype)
    up = c.select(c.compare("gt", x, zero), one, x)
    return c.select(c.compare("lt", x, zero), c.constant(-1, x.dtype), up)  # 0 and NaN stay


def _absolute(c: Code, x: Value) -> Value:
    if x.is_float:
        return c.intrinsic("llvm.fabs", x)
    return c.select(c.compare("lt", x, c.constant(0, x.dtype)), c.neg(x), x)


def _remainder(c: Code, a: Value, b: Value) -> Value:
    r = m.libm("fmod")(c, a, b)  # NumPy's has the sign of the divisor
    zero = c.constant(0, a.dtype)
    apart = c.bits("xor", c.compare("lt", r, zero), c.compare("lt", b, zero))
    shifted = c.select(c.bits("and", apart, c.compare("ne", r, zero)), c.add(r, b), r)
    return c.select(c.compare("eq", r, zero), c.intrinsic("llvm.copysign", zero, b), shifted)


def _isfinite(c: Code, x: Value) -> Value:
    return c.compare("lt", c.intrinsic("llvm.fabs", x), c.constant(math.inf, x.dtype))


def _power(c: Code, a: Value, b: Value) -> Value:
    return m.libm("pow")(c, a, b)


def _not(c: Code, x: Value) -> Value:
    return c.bits("xor", x, c.constant(True, BOOL))


RULES: dict[str, Rule] = {
    "add": Code.add,
    "subtract": Code.sub,
    "multiply": Code.mul,
    "divide": Code.div,
    "negative": Code.neg,
    "square": lambda c, x: c.mul(x, x),
    "sqrt": Code.sqrt,
    "absolute": _absolute,
    "remainder": _remainder,
    "power": _power,
    "maximum": _extremum("maximum", "max"),
    "minimum": _extremum("minimum", "min"),
    "exp": m.exp,
    "expm1": m.expm1,
    "log": m.log,
    "log1p": m.log1p,
    "logaddexp": m.logaddexp,
    "sigmoid": m.sigmoid,
    "tanh": m.tanh,
    "erf": m.libm("erf"),
    "sin": m.libm("sin"),
    "cos": m.libm("cos"),
    "tan": m.libm("tan"),
    "sinh": m.libm("sinh"),
    "cosh": m.libm("cosh"),
    "arcsin": m.libm("asin"),
    "arccos": m.libm("acos"),
    "arctan": m.libm("atan"),
    "arctan2": m.libm("atan2"),
    "sign": _sign,
    "floor": _llvm("llvm.floor"),
    "ceil": _llvm("llvm.ceil"),
    "rint": _llvm("llvm.rint"),
    "identity": lambda c, x: x,
    "stop_gradient": lambda c, x: x,
    "broadcast_to": lambda c, x: x,
    "equal": _compare("eq"),
    "not_equal": _compare("ne"),
    "less": _compare("lt"),
    "less_equal": _compare("le"),
    "greater": _compare("gt"),
    "greater_equal": _compare("ge"),
    "logical_and": _bits("and"),
    "logical_or": _bits("or"),
    "logical_not": _not,
    "isfinite": _isfinite,
    "select": Code.select,
    "astype": lambda c, x: x,  # the operand arrives in the dtype of the result
}

# Cheap enough to be computed again by every kernel that needs the value, instead of being stored.
CHEAP = {
    "add", "subtract", "multiply", "negative", "square", "absolute", "maximum", "minimum", "sign", "identity",
    "stop_gradient", "broadcast_to", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and",
    "logical_or", "logical_not", "isfinite", "select", "astype",
}  # fmt: skip

_WHOLE_TOO = CHEAP - {"isfinite"}
_COMPARISONS = {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}


def operand_dtypes(node: Node) -> list[np.dtype[Any]]:
    """The dtype in which each operand of an elementwise node enters its rule."""
    kinds = [parent.dtype for parent in node.inputs]
    if node.operation in _COMPARISONS:
        return [np.result_type(*kinds)] * len(kinds)
    if node.operation.startswith("logical"):
        return [BOOL] * len(kinds)
    if node.operation == "select":
        return [BOOL, node.dtype, node.dtype]
    if node.operation == "isfinite":
        return kinds
    return [node.dtype] * len(kinds)


def has_rule(node: Node) -> bool:
    """Whether this elementwise node can be compiled."""
    if node.operation not in RULES or not (
        TABLE[node.operation].elementwise or node.operation in ("astype", "broadcast_to")
    ):
        return False
    kinds = [node.dtype, *(p.dtype for p in node.inputs), *operand_dtypes(node)]
    if any(kind.kind not in "fiub" or (kind.kind == "f" and kind.itemsize not in (4, 8)) for kind in kinds):
        return False
    if node.operation == "astype":
        # What a float out of range becomes as an integer differs from processor to processor.
        return not (node.inputs[0].dtype.kind == "f" and node.dtype.kind in "iu")
    working = operand_dtypes(node)[-1]
    if working.kind == "b" and node.operation in ("add", "subtract", "multiply", "negative", "maximum", "minimum"):
        return False  # arithmetic on truth values is NumPy's own
    return working.kind == "f" or node.operation in _WHOLE_TOO
