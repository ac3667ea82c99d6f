"""From a graph to a smaller one with the same outputs: constants computed, needless broadcasts left out."""

from __future__ import annotations

import math

import numpy as np

from unstuck.autodiff.graph import Graph, Node
from unstuck.autodiff.primitives import TABLE
from unstuck.autodiff.scans import with_scans_joined, with_scans_trimmed

# A constant larger than this is not computed ahead: the listing and the memory would grow for nothing.
LARGEST_FOLDED = 4096


def simplified(graph: Graph) -> Graph:
    """A graph with the same inputs and outputs, bit-equal by the primitives' NumPy meaning, in fewer steps.

    Operations on constants alone are carried out. An elementwise operation takes an operand before its broadcast where
    its other operands already give the result its shape; a constant that is the same everywhere enters as one number. Scans of
    one recurrence become one, and tell what is read.
    """
    new = Graph()
    twin: dict[int, Node] = {}
    for node in graph.nodes:
        new.scope = node.scope
        if node.operation == "input":
            twin[node.index] = new.input(node.name or "", node.shape, node.dtype)
        elif node.operation == "constant":
            twin[node.index] = new.constant(node.value)
        else:
            operands = tuple(twin[parent.index] for parent in node.inputs)
            twin[node.index] = _apply(new, node, operands)
    new.outputs = [twin[node.index] for node in graph.outputs]
    new.scope = ""
    return with_scans_trimmed(with_scans_joined(new.pruned()))


def _apply(graph: Graph, node: Node, operands: tuple[Node, ...]) -> Node:
    if all(o.operation == "constant" for o in operands) and math.prod(node.shape) <= LARGEST_FOLDED:
        with np.errstate(all="ignore"):
            value = TABLE[node.operation].numpy(*(o.value for o in operands), **node.params)
        return graph.constant(np.ascontiguousarray(value).reshape(node.shape), node.dtype)
    if TABLE[node.operation].elementwise:
        for i, operand in enumerate(operands):
            smaller = _before_broadcast(graph, operand)
            if smaller is None:
                continue
            others = [o.shape for k, o in enumerate(operands) if k != i]
            if np.broadcast_shapes(smaller.shape, *others) == node.shape:
                operands = (*operands[:i], smaller, *operands[i + 1 :])
    return graph.add(node.operation, operands, node.params)


def _before_broadcast(graph: Graph, operand: Node) -> Node | None:
    """The operand as it was before it was repeated, or None if it was not."""
    if operand.operation == "broadcast_to":
        return operand.inputs[0]
    if operand.operation == "constant" and operand.shape:
        value = operand.value
        assert value is not None
        alike = value.size and (value == value.flat[0]).all() and (np.signbit(value) == np.signbit(value.flat[0])).all()
        if alike:
            return graph.constant(value.flat[0], operand.dtype)
    return None
