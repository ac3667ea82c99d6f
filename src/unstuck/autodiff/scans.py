"""Scans that tell what is read of them, and no more.

A derivative asks a recurrence for values that nobody asked for before (:mod:`unstuck.autodiff.through_time`), by a scan on the
same operands whose body has further results: the two become one. Results that nobody reads are left out, also those of which
only the last step is read, when that is a carry.
"""

from __future__ import annotations

import math
from typing import Any

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
    changes = _Changes()
    for index, made in joined.items():
        if index not in split:
            changes.settings[index] = {**graph.nodes[index].params, "body": made.body}
    for node, _ in slices:
        place = moved[node.index]
        if node.inputs[0].index not in split and place is not None:
            changes.places[node.index] = place
    return changes.made(graph)


# Only what is read -----------------------------------------------------------------------------------------------------
def with_scans_trimmed(graph: Graph) -> Graph:
    """The same graph, in which scans tell only those results that somebody reads."""
    scans = [node for node in graph.nodes if node.operation == "scan"]
    if not scans:
        return graph
    users: dict[int, list[Node]] = {node.index: [] for node in graph.nodes}
    for node in graph.nodes:
        for parent in node.inputs:
            users[parent.index].append(node)
    outputs = {node.index for node in graph.outputs}
    changes = _Changes()
    for scan in scans:
        if scan.index not in outputs:
            _trim(scan, users, outputs, changes)
    return changes.made(graph) if changes.settings else graph


def _trim(scan: Node, users: dict[int, list[Node]], outputs: set[int], changes: _Changes) -> None:
    """Enter a scan of which not all results are read."""
    body, carries, length = (scan.params[key] for key in ("body", "carries", "length"))
    here = layout(body, carries, length)
    results = len(here) - carries
    spans = [(start, start + math.prod(shape), 1) for start, shape, _ in here]
    readers: dict[int, list[Node]] = {}
    for user in users[scan.index]:
        span = user.params["slices"][0] if user.operation == "slice" else None
        if span not in spans:
            return
        readers.setdefault(spans.index(span), []).append(user)
    at_end: dict[int, int] = {}  # results of which only the last step is read, and the carry that this is
    for r in readers:
        carry = next((i for i in range(carries) if r < results and body.outputs[i] is body.outputs[carries + r]), None)
        if carry is not None and _last_step_alone(scan, readers[r], users, outputs) is not None:
            at_end[r] = carry
    kept = [r for r in range(results) if r in readers and r not in at_end]
    less = body.with_outputs([*body.outputs[:carries], *(body.outputs[carries + r] for r in kept)])
    there = [(start, start + math.prod(shape)) for start, shape, _ in layout(less, carries, length)]
    if len(kept) == results or len({node.dtype for node in body.outputs}) > 1:
        return
    used = {parent.index for node in less.nodes for parent in node.inputs} | {node.index for node in less.outputs}
    read = [i for i, node in enumerate(less.inputs) if i < carries or node.index in used]
    less.inputs = [less.inputs[i] for i in read]
    steps = sum(carries <= i < carries + scan.params["steps"] for i in read)
    changes.settings[scan.index] = {**scan.params, "body": less.pruned(), "steps": steps}
    changes.operands[scan.index] = tuple(scan.inputs[i] for i in read)
    for new, old in enumerate([*kept, *range(results, len(here))]):
        changes.places.update((user.index, there[new]) for user in readers.get(old, []))
    for r, carry in at_end.items():
        for node in _last_step_alone(scan, readers[r], users, outputs) or []:
            changes.last[node.index] = (scan, *there[len(kept) + carry])
        changes.dead.update(n.index for reader in readers[r] for n in (reader, *users[reader.index]))


def _last_step_alone(
    scan: Node, readers: list[Node], users: dict[int, list[Node]], outputs: set[int]
) -> list[Node] | None:
    """The slices of the last step, if nobody reads anything else of a stacked result; else None."""
    length = scan.params["length"]
    t = 0 if scan.params["reverse"] else length - 1
    stacked = [user for reader in readers for user in users[reader.index]]
    found = [user for node in stacked for user in users[node.index]]
    alike = all(n.operation == "reshape" and n.shape[:1] == (length,) for n in stacked)
    if not alike or any(n.index in outputs for n in (*readers, *stacked)):
        return None
    return found if all(n.operation == "slice" and _is_step(n, t) for n in found) else None


def _is_step(node: Node, t: int) -> bool:
    first, *others = node.params["slices"]
    whole = all(span == (0, n, 1) for span, n in zip(others, node.inputs[0].shape[1:], strict=True))
    return whole and first == (t, t + 1, 1)


class _Changes:
    """What is to be changed in a graph.

    ``settings`` of scans, and the ``operands`` that are still used; ``places`` of the slices of their values; slices of the
    ``last`` step that are slices of a carry (of which scan, from where to where); and what is ``dead``, no longer read.
    """

    def __init__(self) -> None:
        self.settings: dict[int, dict[str, Any]] = {}
        self.operands: dict[int, tuple[Node, ...]] = {}
        self.places: dict[int, tuple[int, int]] = {}
        self.last: dict[int, tuple[Node, int, int]] = {}
        self.dead: set[int] = set()

    def made(self, graph: Graph) -> Graph:
        """The changed graph."""
        new = Graph()
        twin = {node.index: new.input(node.name or "", node.shape, node.dtype) for node in graph.inputs}
        for node in graph.nodes:
            new.scope = node.scope
            if node.operation == "input" or node.index in self.dead:
                continue
            if node.operation == "constant":
                twin[node.index] = new.constant(node.value)
            elif node.index in self.last:
                scan, start, stop = self.last[node.index]
                part = new.add("slice", (twin[scan.index],), {"slices": ((start, stop, 1),)})
                twin[node.index] = new.add("reshape", (part,), {"shape": node.shape})
            else:
                params = dict(self.settings.get(node.index, node.params))
                if node.index in self.places:
                    params["slices"] = ((*self.places[node.index], 1),)
                operands = self.operands.get(node.index, node.inputs)
                twin[node.index] = new.add(node.operation, tuple(twin[p.index] for p in operands), params)
        new.outputs = [twin[node.index] for node in graph.outputs]
        new.scope = ""
        return new.pruned()
