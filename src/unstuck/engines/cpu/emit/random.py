"""Uniform draws by Threefry-2x32, the same numbers as :mod:`unstuck.autodiff.threefry`, a vector at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from unstuck.autodiff import Node
from unstuck.autodiff.threefry import _PARITY, _ROTATIONS
from unstuck.engines.cpu.emit.code import Code, Value

if TYPE_CHECKING:
    from unstuck.engines.cpu.emit.evaluate import Evaluator

WORD = np.dtype(np.uint32)


def uniform(at: Evaluator, node: Node, counters: Value) -> Value:
    """The draws of a random_uniform node whose numbers are ``counters``."""
    code = at.code
    view = at.plan.view(node.inputs[0])
    base = at.pointers.of(view.storage)
    key = [code.splat(code.load(code.address(base, i, WORD), WORD)) for i in range(2)]
    high, low = _bits(code, key, counters, code.constant(node.params["stream"], WORD))
    dtype = node.dtype
    if dtype.itemsize == 4:
        drawn = code.convert(code.bits("lshr", high, code.constant(8, WORD)), dtype)
        return code.mul(drawn, code.constant(2.0**-24, dtype))
    upper = code.convert(code.bits("lshr", high, code.constant(5, WORD)), dtype)
    lower = code.convert(code.bits("lshr", low, code.constant(6, WORD)), dtype)
    whole = code.fma(upper, code.constant(2.0**26, dtype), lower)
    return code.mul(whole, code.constant(2.0**-53, dtype))


def _bits(code: Code, key: list[Value], x0: Value, x1: Value) -> tuple[Value, Value]:
    parity = code.bits("xor", code.bits("xor", key[0], key[1]), code.constant(_PARITY, WORD))
    schedule = (*key, parity)
    x0, x1 = code.add(x0, schedule[0]), code.add(x1, schedule[1])
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x0 = code.add(x0, x1)
            left = code.bits("shl", x1, code.constant(rotation, WORD))
            right = code.bits("lshr", x1, code.constant(32 - rotation, WORD))
            x1 = code.bits("xor", code.bits("or", left, right), x0)
        x0 = code.add(x0, schedule[(group + 1) % 3])
        number = code.constant(group + 1, WORD)
        x1 = code.add(code.add(x1, schedule[(group + 2) % 3]), number)
    return x0, x1
