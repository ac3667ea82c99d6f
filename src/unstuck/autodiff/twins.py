"""Scans of one recurrence, of which one tells more than the other, as a single scan.

A derivative asks the recurrence for values that nobody asked for before (:mod:`unstuck.autodiff.through_time`), by a scan on the
same operands whose body has further results.
"""

from __future__ import annotations

import math

from unstuck.autodiff.graph import Graph, Node
from unstuck.autodiff.primitives.scan import layout


def with_scans_joined(graph: Graph) -> Graph:
    """The same graph, in which scans that take the same steps on the same operands are one that tells the results of all."""
    groups: dict[object, list[Node]] = {}
    for node in graph.nodes:
        if node.operation == "scan":
            setting = {key: value for key, value in node.params.items() if key != "body"}
            key = (node.dtype, tuple(parent.index for parent in node.inputs), tuple(sorted(setting.items())))
            groups.setdefault(key, []).append(node)
    if all(len(group) == 1 for group in groups.values()):
        return graph
    read_whole = {n.index for n in graph.outputs}
    read_whole |= {p.index for n in graph.nodes if n.operation != "slice" for p in n.inputs}
    joined: dict[int, _Joined] = {}
    for group in groups.values():
        sliced = [node for node in group if node.index not in read_whole]
        if len(sliced) > 1:
            made = _Joined(sliced)
            joined |= dict.fromkeys(made.members, made)
    return _rewritten(graph, joined) if joined else graph


class _Joined:
    """One body for several scans, and where their parts lie in its value."""

    def __init__(self, scans: list[Node]) -> None:
        self.carries, self.length = scans[0].params["carries"], scans[0].params["length"]
        self.body = Graph()
        bodies = [node.params["body"] for node in scans]
        inputs = [self.body.input(n.name or "", n.shape, n.dtype) for n in bodies[0].inputs]
        # Equal nodes are recorded once, so that equal results are the same node.
        outputs = [self.body.inlined(body, inputs) for body in bodies]
        carried = outputs[0][: self.carries]
        self.members: dict[int, list[Node]] = {}  # by the index of the scan: its results
        self.bodies: dict[int, Graph] = {}
        for node, own in zip(scans, outputs, strict=True):
            if all(a is b for a, b in zip(own[: self.carries], carried, strict=True)):
                self.members[node.index] = own[self.carries :]
                self.bodies[node.index] = node.params["body"]
        self.results = list({n.index: n for own in self.members.values() for n in own}.values())
        self.body.outputs = [*carried, *self.results]
        self.place = {n.index: r for r, n in enumerate(self.results)}
        self.body = self.body.pruned()

    def moved(self, scan: Node, start: int, stop: int) -> tuple[int, int] | None:
        """Where a part of this scan's value lies in the value of the joined one; None for what is not within one part."""
        here = layout(self.bodies[scan.index], self.carries, self.length)
        there = layout(self.body, self.carries, self.length)
        own = self.members[scan.index]
        for number, (begin, shape, _) in enumerate(here):
            if begin <= start and stop <= begin + math.prod(shape):
                r = self.place[own[number].index] if number < len(own) else len(self.results) + number - len(own)
                return start - begin + there[r][0], stop - begin + there[r][0]
        return None


def _rewritten(graph: Graph, joined: dict[int, _Joined]) -> Graph:
    slices = [(n, n.params["slices"][0]) for n in graph.nodes if n.operation == "slice" and n.inputs[0].index in joined]
    moved = {n.index: joined[n.inputs[0].index].moved(n.inputs[0], span[0], span[1]) for n, span in slices}
    split = {n.inputs[0].index for n, span in slices if moved[n.index] is None or span[2] != 1}
    new = Graph()
    twin = {node.index: new.input(node.name or "", node.shape, node.dtype) for node in graph.inputs}
    for node in graph.nodes:
        new.scope = node.scope
        made = joined.get(node.index) if node.index not in split else None
        if node.operation == "constant":
            twin[node.index] = new.constant(node.value)
        elif node.operation == "input":
            continue
        else:
            params = dict(node.params)
            source = node.inputs[0].index if node.inputs else -1
            if made is not None:
                params["body"] = made.body
            elif node.index in moved and source not in split:
                place = moved[node.index]
                assert place is not None
                params["slices"] = ((*place, 1),)
            twin[node.index] = new.add(node.operation, tuple(twin[p.index] for p in node.inputs), params)
    new.outputs = [twin[node.index] for node in graph.outputs]
    new.scope = ""
    return new.pruned()
