"""Sums of parts that lie side by side, as one concatenation: what a value that was cut into slices gets as its gradient."""

from __future__ import annotations

from unstuck.autodiff import Graph, Node

Parts = list[tuple[int, int, Node]]  # (start, stop, what lies there)


def with_joined_parts(graph: Graph) -> Graph:
    """The same graph; a sum of unslices that together fill a value along one axis becomes a concatenation."""
    sums: dict[int, tuple[int, Parts]] = {}  # (axis, parts) of unslices and of their sums so far
    whole: dict[int, tuple[int, Parts]] = {}
    for node in graph.nodes:
        found = _part(node)
        if node.operation == "add" and all(p.index in sums for p in node.inputs):
            (axis, a), (other, b) = (sums[p.index] for p in node.inputs)
            if axis == other and all(p.shape == node.shape and p.dtype == node.dtype for p in node.inputs):
                found = axis, sorted([*a, *b], key=lambda part: part[:2])
        if found is not None:
            axis, parts = found
            sums[node.index] = found
            ends = [0, *(stop for _, stop, _ in parts)]
            if (
                len(parts) > 1
                and all(p[0] == e for p, e in zip(parts, ends, strict=False))
                and ends[-1] == node.shape[axis]
            ):
                whole[node.index] = found
    return _rewritten(graph, whole) if whole else graph


def _part(node: Node) -> tuple[int, Parts] | None:
    """The axis along which an unslice puts its value between zeros, and where it lies."""
    if node.operation != "unslice":
        return None
    slices = node.params["slices"]
    cut = [a for a, (span, n) in enumerate(zip(slices, node.shape, strict=True)) if span != (0, n, 1)]
    if len(cut) != 1 or slices[cut[0]][2] != 1:
        return None
    start, stop, _ = slices[cut[0]]
    return cut[0], [(start, stop, node.inputs[0])]


def _rewritten(graph: Graph, whole: dict[int, tuple[int, Parts]]) -> Graph:
    new = Graph()
    twin = {node.index: new.input(node.name or "", node.shape, node.dtype) for node in graph.inputs}
    for node in graph.nodes:
        new.scope = node.scope
        if node.operation == "constant":
            twin[node.index] = new.constant(node.value)
        elif node.index in whole:
            axis, parts = whole[node.index]
            twin[node.index] = new.add("concatenate", tuple(twin[part.index] for *_, part in parts), {"axis": axis})
        elif node.operation != "input":
            twin[node.index] = new.add(node.operation, tuple(twin[p.index] for p in node.inputs), node.params)
    new.outputs = [twin[node.index] for node in graph.outputs]
    new.scope = ""
    return new.pruned()
