"""Scan: a whole recurrence as one primitive, whose parameter is the graph of a single step.

The body is a graph with the inputs (carries …, inputs of the step …, constants …) and the outputs (new carries …,
results …). Operands are the first carries, the inputs of all steps (length, …), and the constants. The value is one flat
vector: the results of all steps stacked (length, …), one after the other, and then the last carries; :func:`parts` takes it
apart. The derivative is a second scan in the other direction: its body computes the step again, pulls the gradient back
through it, and adds up the gradients of the constants in carries of its own. (Werbos, "Backpropagation through time", 1990.)
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from unstuck.autodiff.primitives.basic import TABLE, ShapeAndDtype, _apply, define
from unstuck.errors import InputError

if TYPE_CHECKING:
    from unstuck.autodiff.graph import Graph

Array = np.ndarray[Any, Any]


def layout(body: Graph, carries: int, length: int) -> list[tuple[int, tuple[int, ...], Any]]:
    """(start, shape, dtype) of each part of the value: the stacked results, then the last carries."""
    found, start = [], 0
    for node, shape in [
        *((node, (length, *node.shape)) for node in body.outputs[carries:]),
        *((node, node.shape) for node in body.outputs[:carries]),
    ]:
        found.append((start, shape, node.dtype))
        start += math.prod(shape)
    return found


def parts(value: Any, body: Graph, carries: int, length: int) -> list[Any]:
    """The stacked results and the last carries, from the flat vector of a scan."""
    found = []
    for start, shape, dtype in layout(body, carries, length):
        part = _apply("slice", value, slices=((start, start + math.prod(shape), 1),))
        part = part if part.shape == shape else _apply("reshape", part, shape=shape)
        found.append(part if part.dtype == dtype else _apply("astype", part, dtype=dtype))
    return found


def _scan_rule(*operands: Any, body: Graph, carries: int, steps: int, length: int, reverse: bool) -> ShapeAndDtype:
    if length < 1:
        raise InputError("scan: the sequence has length 0; expected at least one step.")
    size = sum(math.prod(shape) for _, shape, _ in layout(body, carries, length))
    return (size,), np.result_type(*(node.dtype for node in body.outputs))


# What it means in NumPy ------------------------------------------------------------------------------------------------
class _Steps:
    """A body made ready to run: what depends on constants alone is computed once, the rest at each step."""

    def __init__(self, body: Graph, varying: int) -> None:
        self._values: list[Any] = [node.value if node.operation == "constant" else None for node in body.nodes]
        self.inputs = [node.index for node in body.inputs]
        self.outputs = [node.index for node in body.outputs]
        changes = set(self.inputs[:varying])
        self._before: list[Any] = []
        self._each: list[Any] = []
        for node in body.nodes:
            if not node.inputs:
                continue
            entry = (TABLE[node.operation].numpy, [parent.index for parent in node.inputs], node.params, node.index)
            if any(parent.index in changes for parent in node.inputs):
                changes.add(node.index)
                self._each.append(entry)
            else:
                self._before.append(entry)

    def begin(self, constants: Sequence[Any]) -> list[Any]:
        """The values of all nodes as far as they are the same at each step."""
        values = self._values.copy()
        for index, value in zip(self.inputs[len(self.inputs) - len(constants) :], constants, strict=True):
            values[index] = value
        self._compute(self._before, values)
        return values

    def step(self, values: list[Any], varying: Sequence[Any]) -> list[Any]:
        """The outputs of one step."""
        for index, value in zip(self.inputs, varying, strict=False):
            values[index] = value
        self._compute(self._each, values)
        return [values[index] for index in self.outputs]

    @staticmethod
    def _compute(entries: list[Any], values: list[Any]) -> None:
        for function, operands, params, result in entries:
            values[result] = function(*[values[i] for i in operands], **params)


_prepared: weakref.WeakKeyDictionary[Graph, _Steps] = weakref.WeakKeyDictionary()


def _scan(*operands: Any, body: Graph, carries: int, steps: int, length: int, reverse: bool) -> Array:
    runner = _prepared.get(body)
    if runner is None:
        runner = _prepared[body] = _Steps(body, carries + steps)
    (size,), dtype = _scan_rule(body=body, carries=carries, steps=steps, length=length, reverse=reverse)
    value = np.empty(size, dtype)
    places = [
        value[start : start + math.prod(shape)].reshape(shape) for start, shape, _ in layout(body, carries, length)
    ]
    results = places[: len(places) - carries]
    carry, inputs = list(operands[:carries]), operands[carries : carries + steps]
    values = runner.begin(operands[carries + steps :])
    for t in reversed(range(length)) if reverse else range(length):
        outputs = runner.step(values, [*carry, *(x[t] for x in inputs)])
        carry = outputs[:carries]
        for place, result in zip(results, outputs[carries:], strict=True):
            place[t] = result
    for place, last in zip(places[len(places) - carries :], carry, strict=True):
        place[...] = last
    return value


# The derivative --------------------------------------------------------------------------------------------------------
def _scan_gradients(
    g: Any, y: Any, *operands: Any, body: Graph, carries: int, steps: int, length: int, reverse: bool
) -> tuple[Any, ...]:
    from unstuck.autodiff.backward import pullback
    from unstuck.autodiff.graph import Graph
    from unstuck.autodiff.simplify import simplified

    first, inputs, constants = operands[:carries], operands[carries : carries + steps], operands[carries + steps :]
    received = parts(g, body, carries, length)
    wanted = [node.dtype.kind == "f" and node.operation != "constant" for node in operands]

    # The body of the way back. Its carries: the gradients of the carries, then those of the constants so far.
    back = Graph()
    added = [k for k in range(len(constants)) if wanted[carries + steps + k]]
    floating = [i for i in range(carries) if first[i].dtype.kind == "f"]
    gradients = {i: back.input(f"gradient{i}", first[i].shape, first[i].dtype) for i in floating}
    sums = [back.input(f"sum{k}", constants[k].shape, constants[k].dtype) for k in added]
    before = [back.input(f"carry{i}", node.shape, node.dtype) for i, node in enumerate(body.inputs[:carries])]
    here = [
        back.input(f"x{j}", node.shape, node.dtype) for j, node in enumerate(body.inputs[carries : carries + steps])
    ]
    count = len(body.outputs) - carries
    downward = [
        back.input(f"g{r}", body.outputs[carries + r].shape, body.outputs[carries + r].dtype) for r in range(count)
    ]
    same = [back.input(f"constant{k}", node.shape, node.dtype) for k, node in enumerate(constants)]
    outputs = back.inlined(body, [*before, *here, *same])
    pairs = [(outputs[i], node) for i, node in gradients.items()]
    pairs += [(node, gr) for node, gr in zip(outputs[carries:], downward, strict=True) if node.dtype.kind == "f"]
    asked = [before[i] for i in floating] + [same[k] for k in added]
    asked += [here[j] for j in range(steps) if wanted[carries + j]]
    found = pullback([p[0] for p in pairs], [p[1] for p in pairs], asked)
    split = len(floating) + len(added)
    back.outputs = found[: len(floating)]
    back.outputs += [total + part for total, part in zip(sums, found[len(floating) : split], strict=True)]
    back.outputs += found[split:]
    back = simplified(back)

    # What it is run on; inputs that it does not look at are left out.
    used = {parent.index for node in back.nodes for parent in node.inputs} | {node.index for node in back.outputs}
    start = len(floating) + len(added)
    history = [back.inputs[start + i].index in used for i in range(carries)]
    earlier = _histories(history, y, operands, body, carries, steps, length, reverse)
    values = [*earlier, *inputs, *received[:count], *constants]
    kept = [i for i, node in enumerate(back.inputs[start:]) if node.index in used]
    varying = sum(i < carries + steps + count for i in kept)
    back.inputs = [*back.inputs[:start], *(back.inputs[start + i] for i in kept)]
    zeros = [_apply("broadcast_to", _zero(g, constants[k]), shape=constants[k].shape) for k in added]
    begin = [received[count + i] for i in floating]
    setting = {"body": back, "carries": start, "steps": varying, "length": length, "reverse": not reverse}
    made = parts(_apply("scan", *begin, *zeros, *(values[i] for i in kept), **setting), back, start, length)
    own = iter(made[: len(made) - start])
    result: list[Any] = [None] * len(operands)
    for j in range(steps):
        if wanted[carries + j]:
            result[carries + j] = next(own)
    for i, part in zip(floating, made[len(made) - start :], strict=False):
        result[i] = part
    for k, part in zip(added, made[len(made) - len(added) :], strict=True):
        result[carries + steps + k] = part
    return tuple(result)


def _zero(g: Any, like: Any) -> Any:
    return g.graph.constant(0.0, like.dtype)


def _histories(
    needed: list[bool], y: Any, operands: Any, body: Graph, carries: int, steps: int, length: int, reverse: bool
) -> list[Any]:
    """Each carry before each step, (length, …); None for those that are not needed."""
    if not any(needed):
        return [None] * carries
    known: dict[int, int] = {}  # carry: the result that tells it
    for i, carry in enumerate(body.outputs[:carries]):
        known.update((i, r) for r, result in enumerate(body.outputs[carries:]) if result is carry)
    missing = [i for i in range(carries) if needed[i] and i not in known]
    if missing:  # nobody asked for them so far, so the recurrence is run once more and tells them
        known.update((i, len(body.outputs) - carries + n) for n, i in enumerate(missing))
        body = body.with_outputs([*body.outputs, *(body.outputs[i] for i in missing)])
        setting = {"carries": carries, "steps": steps, "length": length, "reverse": reverse}
        y = _apply("scan", *operands, body=body, **setting)
    stacked = parts(y, body, carries, length)
    found: list[Any] = []
    for i in range(carries):
        if not needed[i]:
            found.append(None)
            continue
        one = _apply("reshape", operands[i], shape=(1, *operands[i].shape))
        if length > 1:
            after = stacked[known[i]]
            a, b = (1, length) if reverse else (0, length - 1)
            rest = _apply("slice", after, slices=((a, b, 1), *((0, n, 1) for n in operands[i].shape)))
            one = _apply("concatenate", *((rest, one) if reverse else (one, rest)), axis=0)
        found.append(one)
    return found


define("scan", _scan_rule, _scan, _scan_gradients)
