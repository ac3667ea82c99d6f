"""scan: a recurrence written as one function of a single step."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from unstuck.autodiff import tree
from unstuck.autodiff.graph import Graph, Node, apply, called, lift
from unstuck.autodiff.primitives.scan import parts
from unstuck.autodiff.simplify import simplified
from unstuck.errors import InputError

_depth: contextvars.ContextVar[int] = contextvars.ContextVar("depth", default=0)


def scan(function: Callable[[Any, Any], Any], carry: Any, inputs: Any, *, reverse: bool = False) -> Any:
    """All carries of the recurrence ``carry = function(carry, x)`` over the steps x of ``inputs``.

    ``inputs`` is an array with the steps on its first axis, (steps, …), and ``carry`` an array of any shape; both may also be
    dicts, lists or tuples of arrays. ``function`` gets the carry and one step of the inputs, and gives the next carry, of the
    same form and shapes (it is converted to the dtype of the first carry). It may use arrays from around it, which get their
    gradients too. The result has the form of the carry, with the steps stacked in front: place t holds the carry after step
    t; with ``reverse`` the steps are taken from the last to the first. In a graph it is a single node, however many steps.

    >>> import numpy as np
    >>> scan(lambda total, x: 0.5 * total + x, 0.0, np.array([1.0, 1.0, 1.0])).tolist()
    [1.0, 1.5, 1.75]

    Raises InputError for a sequence of length zero, inputs of different lengths, and a carry that changes its shape.
    """
    first = [_array(leaf) for _, leaf in tree.flatten(carry)]
    steps = [_array(leaf) for _, leaf in tree.flatten(inputs)]
    length = _length(steps)
    body = Graph()
    body.captured, body.depth = {}, _depth.get() + 1
    carries = [body.input(f"carry{i}", leaf.shape, leaf.dtype) for i, leaf in enumerate(first)]
    xs = [body.input(f"x{i}", leaf.shape[1:], leaf.dtype) for i, leaf in enumerate(steps)]
    with _deeper():
        result = called(function, [tree.rebuild(carry, list(carries)), tree.rebuild(inputs, list(xs))], {})
    body.outputs = _same_form(body, carry, result, carries)
    captured, body.captured = body.captured, None
    body.outputs = [*body.outputs, *body.outputs]  # the new carries, which are also what each step tells
    body = simplified(body)
    operands = [*first, *steps, *captured]
    plain = not any(isinstance(operand, Node) for operand in operands)
    if plain:
        graph = Graph(eager=True)
        operands = [graph.constant(operand) for operand in operands]
    setting = {"carries": len(first), "steps": len(steps), "length": length, "reverse": bool(reverse)}
    stacked = parts(apply("scan", *operands, body=body, **setting), body, len(first), length)[: len(first)]
    return tree.rebuild(carry, [node.value for node in stacked] if plain else stacked)


@contextlib.contextmanager
def _deeper() -> Iterator[None]:
    token = _depth.set(_depth.get() + 1)
    try:
        yield
    finally:
        _depth.reset(token)


def _array(leaf: Any) -> Any:
    if isinstance(leaf, Node):
        return leaf
    array = np.asarray(leaf)
    if array.dtype.kind not in "biuf":
        raise InputError(f"scan: an array of dtype {array.dtype} was given; expected numbers.")
    return array


def _length(steps: list[Any]) -> int:
    lengths = {leaf.shape[0] if leaf.shape else None for leaf in steps}
    if len(lengths) != 1 or None in lengths:
        shapes = ", ".join(str(leaf.shape) for leaf in steps) or "nothing"
        raise InputError(
            f"scan: the inputs have the shapes {shapes}; expected arrays with the same number of steps in front."
        )
    return int(steps[0].shape[0])


def _same_form(body: Graph, carry: Any, result: Any, carries: list[Node]) -> list[Node]:
    """The new carries as nodes of the dtypes of the old ones, or a sentence where they have another form."""
    leaves = [leaf for _, leaf in tree.flatten(result)]
    if [name for name, _ in tree.flatten(result)] != [name for name, _ in tree.flatten(carry)]:
        raise InputError(
            f"scan: the function gave {len(leaves)} arrays for a carry of {len(carries)}; expected the same form as the carry."
        )
    nodes = lift(body, leaves)
    for node, old in zip(nodes, carries, strict=True):
        if node.shape != old.shape:
            raise InputError(
                f"scan: the function made a carry of shape {node.shape} from one of shape {old.shape}; expected the same "
                "shape after each step."
            )
    return [
        node if node.dtype == old.dtype else apply("astype", node, dtype=old.dtype)
        for node, old in zip(nodes, carries, strict=True)
    ]
