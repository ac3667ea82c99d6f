"""Reverse mode: from a graph to the same graph with gradients, by the rules of the table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unstuck.autodiff.graph import Node, apply
from unstuck.autodiff.primitives import TABLE
from unstuck.errors import InputError


def gradients(output: Node, parameters: Sequence[Node]) -> list[Node]:
    """Record the gradient of a scalar node with respect to each parameter, into the same graph.

    The gradient has the shape and dtype of its parameter; it is zero where the output does not depend on it.
    """
    if output.shape != ():
        raise InputError(
            f"only a single number has a gradient; the value to differentiate has shape {output.shape}; "
            "take its sum or its mean first."
        )
    return pullback([output], [output.graph.constant(np.ones((), output.dtype))], parameters)


def pullback(outputs: Sequence[Node], cotangents: Sequence[Node], parameters: Sequence[Node]) -> list[Node]:
    """Record, for each parameter, the gradient of the sum of all outputs, each weighed by its cotangent of the same shape."""
    graph = outputs[0].graph
    scope = graph.scope
    nodes = graph.nodes[: max(output.index for output in outputs) + 1]
    depends = {p.index for p in parameters if p.dtype.kind == "f"}
    for node in nodes:
        if node.dtype.kind == "f" and any(parent.index in depends for parent in node.inputs):
            depends.add(node.index)

    found: dict[int, Node] = {}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        found[output.index] = found[output.index] + cotangent if output.index in found else cotangent
    for node in reversed(nodes):
        g = found.get(node.index)
        derivative = TABLE[node.operation].derivative if node.inputs else None
        if g is None or derivative is None or node.index not in depends:
            continue
        graph.scope = f"gradient of {node.scope}" if node.scope else "gradient"
        for parent, part in zip(node.inputs, derivative(g, node, *node.inputs, **node.params), strict=True):
            if part is not None and parent.index in depends:
                part = part if part.dtype == parent.dtype else apply("astype", part, dtype=parent.dtype)
                found[parent.index] = found[parent.index] + part if parent.index in found else part
    graph.scope = scope
    return [found[p.index] if p.index in found else graph.constant(np.zeros(p.shape, p.dtype)) for p in parameters]
