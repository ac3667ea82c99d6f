"""Graphs written anew, node by node; those that are this engine's own included, which the table of primitives does not know."""

from __future__ import annotations

from collections.abc import Mapping

from unstuck.autodiff import Graph, Node


def copied(new: Graph, node: Node, twins: Mapping[int, Node]) -> Node:
    """A node of another graph in this one; ``twins`` are the nodes here, by the indices of those there."""
    if node.operation == "input":
        return new.input(node.name or "", node.shape, node.dtype)
    if node.operation == "constant":
        return new.constant(node.value)
    return Node(new, node.operation, tuple(twins[p.index] for p in node.inputs), node.params, node.shape, node.dtype)


def alive(graph: Graph) -> Graph:
    """A copy that holds only the inputs and what the outputs need."""
    needed = {node.index for node in (*graph.outputs, *graph.inputs)}
    for node in reversed(graph.nodes):
        if node.index in needed:
            needed.update(parent.index for parent in node.inputs)
    new, twins = Graph(), dict[int, Node]()
    for node in graph.nodes:
        if node.index in needed:
            new.scope = node.scope
            twins[node.index] = copied(new, node, twins)
    new.outputs = [twins[node.index] for node in graph.outputs]
    new.scope = ""
    return new
