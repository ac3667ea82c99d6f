"""Exponentials, logarithms and their kin on vectors: at most 2 units in the last place, for all inputs.

Each is a reduction to a small interval and the plain Taylor series there, with as many terms as the dtype needs. Infinities
and NaN come out as in NumPy. What has no series here is asked of the C library, lane by lane.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from unstuck.engines.cpu.emit.code import Code, Dtype, Value

# Terms of the series of (exp(r) - 1) / r for |r| ≤ ln 2 / 2, and of the one of the logarithm: 2 to the -25 and to the -54.
_EXP_TERMS = {4: 7, 8: 13}
_LOG_TERMS = {4: 5, 8: 11}
# ln 2 in two parts: the first has so few digits that its product with a whole number is exact.
_LN2 = {4: (0.693145751953125, 1.428606765330187e-06), 8: (0.6931471803691238, 1.9082149292705877e-10)}
_MANTISSA = {4: 23, 8: 52}
_INTEGER: dict[int, Dtype] = {4: np.dtype(np.int32), 8: np.dtype(np.int64)}


def _split(code: Code, x: Value) -> tuple[Value, Value]:
    """x = n · ln 2 + r with a whole n: gives n and exp(r) - 1."""
    size = x.dtype.itemsize
    high, low = _LN2[size]
    n = code.intrinsic("llvm.rint", code.mul(x, code.constant(1 / math.log(2), x.dtype)))
    r = code.fma(n, code.constant(-high, x.dtype), x)
    r = code.fma(n, code.constant(-low, x.dtype), r)
    series = code.constant(1 / math.factorial(_EXP_TERMS[size]), x.dtype)
    for k in range(_EXP_TERMS[size] - 1, 1, -1):
        series = code.fma(series, r, code.constant(1 / math.factorial(k), x.dtype))
    return n, code.fma(code.mul(r, r), series, r)


def _power_of_two(code: Code, n: Value) -> Value:
    """2 to a whole number within the range of normal exponents."""
    size = n.dtype.itemsize
    bias = (1 << (8 * size - 2 - _MANTISSA[size])) - 1
    whole = code.convert(n, _INTEGER[size])
    shifted = code.bits("shl", code.add(whole, _whole(code, bias, size)), _whole(code, _MANTISSA[size], size))
    return code.bitcast(shifted, n.dtype)


def _whole(code: Code, value: int, size: int) -> Value:
    return code.constant(value, _INTEGER[size])


def _limited(code: Code, x: Value, low: float, high: float) -> Value:
    """x held between two numbers; NaN stays NaN."""
    x = code.select(code.compare("gt", x, code.constant(high, x.dtype)), code.constant(high, x.dtype), x)
    return code.select(code.compare("lt", x, code.constant(low, x.dtype)), code.constant(low, x.dtype), x)


def exp(code: Code, x: Value) -> Value:
    # Beyond these the result is 0 or infinite; within them 2**n is made of two halves, both of them normal numbers.
    low, high = {4: (-104.0, 89.0), 8: (-746.0, 710.0)}[x.dtype.itemsize]
    n, rest = _split(code, _limited(code, x, low, high))
    half = code.intrinsic("llvm.floor", code.mul(n, code.constant(0.5, x.dtype)))
    scaled = code.fma(rest, _power_of_two(code, half), _power_of_two(code, half))
    return code.mul(scaled, _power_of_two(code, code.sub(n, half)))


def expm1(code: Code, x: Value) -> Value:
    low, high = {4: (-18.0, 89.0), 8: (-38.0, 710.0)}[x.dtype.itemsize]
    n, rest = _split(code, _limited(code, x, low, high))
    one = code.constant(1, x.dtype)
    half = code.intrinsic("llvm.floor", code.mul(n, code.constant(0.5, x.dtype)))
    a, b = _power_of_two(code, half), _power_of_two(code, code.sub(n, half))
    scale = code.mul(a, b)
    near = code.fma(rest, scale, code.sub(scale, one))
    far = code.mul(code.fma(rest, a, a), b)  # where 2**n itself may be infinite, minus one changes nothing
    limit = {4: 64.0, 8: 512.0}[x.dtype.itemsize]
    result = code.select(code.compare("gt", x, code.constant(limit, x.dtype)), far, near)
    return code.select(code.compare("eq", x, code.constant(0, x.dtype)), x, result)  # -0 stays -0


def _log_of_normal(code: Code, x: Value) -> tuple[Value, Value]:
    """For positive normal x = m · 2**e with m between √½ and √2: (e, log m)."""
    size = x.dtype.itemsize
    shift = _MANTISSA[size]
    root = int(np.asarray(math.sqrt(0.5), x.dtype).view(_INTEGER[size]))
    whole = code.bitcast(x, _INTEGER[size])
    exponent = code.bits("ashr", code.sub(whole, _whole(code, root, size)), _whole(code, shift, size))
    m = code.bitcast(code.sub(whole, code.bits("shl", exponent, _whole(code, shift, size))), x.dtype)
    # log(1 + f) = f - f²/2 + s · (f²/2 + series(s²)), s = f / (2 + f): the leading terms are exact.
    f = code.sub(m, code.constant(1, x.dtype))
    s = code.div(f, code.add(f, code.constant(2, x.dtype)))
    z = code.mul(s, s)
    series = code.constant(2 / (2 * _LOG_TERMS[size] + 1), x.dtype)
    for k in range(_LOG_TERMS[size] - 1, 0, -1):
        series = code.fma(series, z, code.constant(2 / (2 * k + 1), x.dtype))
    half_square = code.mul(code.mul(f, f), code.constant(0.5, x.dtype))
    inner = code.fma(s, code.fma(series, z, half_square), code.neg(half_square))
    return code.convert(exponent, x.dtype), code.add(f, inner)


def log(code: Code, x: Value) -> Value:
    size = x.dtype.itemsize
    tiny = float(np.finfo(x.dtype).tiny)
    small = code.compare("lt", x, code.constant(tiny, x.dtype))
    lift = code.constant(2.0 ** (_MANTISSA[size] + 1), x.dtype)
    normal = code.select(small, code.mul(x, lift), x)
    e, log_m = _log_of_normal(code, normal)
    lowered = code.sub(e, code.constant(_MANTISSA[size] + 1, x.dtype))
    e = code.select(small, lowered, e)
    high, low = _LN2[size]
    result = code.fma(e, code.constant(high, x.dtype), code.fma(e, code.constant(low, x.dtype), log_m))
    zero, infinity = code.constant(0, x.dtype), code.constant(math.inf, x.dtype)
    result = code.select(code.compare("lt", x, infinity), result, x)  # infinity and NaN stay
    result = code.select(code.compare("eq", x, zero), code.constant(-math.inf, x.dtype), result)
    return code.select(code.compare("lt", x, zero), code.constant(math.nan, x.dtype), result)


def log1p(code: Code, x: Value) -> Value:
    # log(u) with u = 1 + x rounded, and what the rounding lost put back (Kahan).
    one = code.constant(1, x.dtype)
    u = code.add(one, x)
    lost = code.div(code.sub(x, code.sub(u, one)), u)
    result = code.add(log(code, u), lost)
    usual = code.compare("lt", code.intrinsic("llvm.fabs", x), code.constant(math.inf, x.dtype))
    inside = code.bits("and", usual, code.compare("gt", x, code.constant(-1, x.dtype)))
    result = code.select(inside, result, log(code, u))
    return code.select(code.compare("eq", x, code.constant(0, x.dtype)), x, result)


def sigmoid(code: Code, x: Value) -> Value:
    # Where exp(-x) overflows (below -88.7 in float32) the result is 0, as in the reference.
    one = code.constant(1, x.dtype)
    if code.approximate and x.dtype.itemsize == 4:  # quotients are not to meet an infinity
        x = _limited(code, x, -88.0, math.inf)
    return code.div(one, code.add(one, exp(code, code.neg(x))))


def tanh(code: Code, x: Value) -> Value:
    # -t / (t + 2) with t = exp(-2|x|) - 1, and the sign of x; what the sum and the quotient lost to rounding is put back.
    two = code.constant(2, x.dtype)
    t = expm1(code, code.mul(code.intrinsic("llvm.fabs", x), code.constant(-2, x.dtype)))
    u = code.add(t, two)
    lost = code.sub(t, code.sub(u, two))
    inverse = code.div(code.constant(1, x.dtype), u)
    size = code.neg(code.mul(t, inverse))
    rest = code.neg(code.fma(size, lost, code.fma(size, u, t)))
    return code.intrinsic("llvm.copysign", code.fma(rest, inverse, size), x)


def logaddexp(code: Code, a: Value, b: Value) -> Value:
    larger = code.intrinsic("llvm.maximum", a, b)
    gap = code.neg(code.intrinsic("llvm.fabs", code.sub(a, b)))
    result = code.add(larger, log1p(code, exp(code, gap)))
    # Two equal infinities have no difference.
    same = code.compare("eq", a, b)
    return code.select(same, code.add(a, code.constant(math.log(2), a.dtype)), result)


def libm(name: str) -> Callable[..., Value]:
    """A rule that calls the C library's function once for each lane."""

    def rule(code: Code, *operands: Value) -> Value:
        dtype = operands[0].dtype
        kind = {4: "float", 8: "double"}[dtype.itemsize]
        symbol = name + ("f" if dtype.itemsize == 4 else "")
        code.module.declare(symbol, kind, [kind] * len(operands))
        result = code.constant(0, dtype)
        for lane in range(code.lanes):
            arguments = ", ".join(str(code.extract(o, lane)) for o in operands)
            result = code.insert(result, code.op(f"call {kind} @{symbol}({arguments})", dtype), lane)
        return result

    return rule
