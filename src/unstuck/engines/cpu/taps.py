"""Windows that lie side by side, tap by tap: what pooling does becomes elementwise operations on every second row and column.

Windows as an axis of their own cost a pass over memory for each operation on them: to find the largest, to count it, to share its
gradient, to put that back. Where windows do not overlap, tap (i, j) of all of them is the slice ``x[i::2, j::2]``; a reduction
over a window is an operation on some slices, and a gradient's taps are computed together and written to where they belong.
Nodes of this engine alone, on values with the batch as the last axis (:mod:`unstuck.engines.cpu.batch_last`):

    interleave_last(tap, tap, …)    the inverse of taking the taps apart; zero where no window is
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence

from unstuck.autodiff import Graph, Node
from unstuck.autodiff.primitives import TABLE
from unstuck.engines.cpu.copying import alive, copied
from unstuck.engines.cpu.emit.elementwise import CHEAP

MOST = 16  # taps of a window: more would not fit into the registers
DEPTH = 3  # cheap operations that are done again for each tap rather than stored
TOGETHER = {"sum": "add", "max": "maximum", "min": "minimum"}

Sizes = tuple[int, ...]


def with_taps(graph: Graph) -> Graph:
    """The same graph, with windows side by side taken apart."""
    if not any(node.operation == "windows_last" and _side_by_side(node) for node in graph.nodes):
        return graph
    return alive(_Rewriting(graph).new)


def spans(shape: Sequence[int], size: Sizes, tap: Sizes) -> tuple[tuple[int, int, int], ...]:
    """The slices of (*spatial, C, N) that are one tap of all windows."""
    inside = ((t, t + (n // s - 1) * s + 1, s) for n, s, t in zip(shape, size, tap, strict=False))
    return (*inside, *((0, n, 1) for n in shape[len(size) :]))


def _side_by_side(node: Node) -> bool:
    size, stride, dilation = (node.params[key] for key in ("size", "stride", "dilation"))
    return size == stride and set(dilation) == {1} and math.prod(size) <= MOST


class _Rewriting:
    def __init__(self, graph: Graph) -> None:
        self.new = Graph()
        self.whole: dict[int, Node] = {}  # of each node of the old graph
        self.taps: dict[int, tuple[Sizes, list[Node]]] = {}  # of windows, in the order of _places
        self.spread: dict[int, tuple[Sizes, list[Node]]] = {}  # of values that are put together from taps
        for node in graph.nodes:
            self.new.scope = node.scope
            self._add(node)
        self.new.outputs = [self.whole[node.index] for node in graph.outputs]
        self.new.scope = ""

    def _add(self, node: Node) -> None:
        made: Node | None = None
        elementwise = node.operation in TABLE and (
            TABLE[node.operation].elementwise or node.operation in ("astype", "broadcast_to")
        )
        if node.operation == "windows_last" and _side_by_side(node):
            size = node.params["size"]
            self.taps[node.index] = size, [self._tap(node.inputs[0], size, tap) for tap in _places(size)]
        elif node.operation == "unwindows_last" and _side_by_side(node):
            made = self._put_together(node)
        elif node.operation in TOGETHER and node.inputs[0].index in self.taps:
            made = self._reduced(node)
        elif elementwise and any(p.index in self.taps for p in node.inputs):
            self._in_windows(node)
        elif elementwise and any(p.index in self.spread for p in node.inputs):
            made = self._behind(node)
        self.whole[node.index] = made if made is not None else copied(self.new, node, self.whole)

    # Taps of values ----------------------------------------------------------------------------------------------------
    def _tap(self, x: Node, size: Sizes, tap: Sizes, depth: int = DEPTH) -> Node:
        """One tap of all windows of a value: a slice, or what is cheaply computed from slices of what it is made of."""
        full = [p for p in x.inputs if p.shape == x.shape]
        if depth and x.operation in CHEAP and x.operation != "broadcast_to" and any(p.operation in CHEAP for p in full):
            operands = self._operands(x, len(size), lambda p: self._tap(p, size, tap, depth - 1))
            if operands is not None:
                return self.new.add(x.operation, tuple(operands), x.params)
        return self.new.add("slice", (self.whole[x.index],), {"slices": spans(x.shape, size, tap)})

    def _operands(self, node: Node, dims: int, tap: Callable[[Node], Node]) -> list[Node] | None:
        """The operands of a node (*spatial, C, N) for one tap; None if one of them does not fit."""
        found = []
        for parent in node.inputs:
            if parent.shape == node.shape:
                found.append(tap(parent))
            elif parent.ndim <= 2 or set(parent.shape[:dims]) == {1}:
                found.append(self.whole[parent.index])
            else:
                return None
        return found

    # Within windows (*places, *size, C, N) -----------------------------------------------------------------------------
    def _in_windows(self, node: Node) -> None:
        size = next(self.taps[p.index][0] for p in node.inputs if p.index in self.taps)
        operands: list[list[Node]] = []
        for parent in node.inputs:
            if parent.index in self.taps and parent.shape == node.shape:
                operands.append(self.taps[parent.index][1])
            elif parent.ndim <= 2:
                operands.append([self.whole[parent.index]] * math.prod(size))
            else:
                one = self._same_for_all(parent, size)
                if one is None:
                    return
                operands.append([one] * math.prod(size))
        params = dict(node.params)
        if node.operation == "broadcast_to":
            params["shape"] = _without(node.shape, size)
        self.taps[node.index] = size, [self.new.add(node.operation, o, params) for o in zip(*operands, strict=True)]

    def _same_for_all(self, node: Node, size: Sizes) -> Node | None:
        """A value for each window, the same for all its taps, without the axes of the taps."""
        dims = len(size)
        if node.ndim != 2 * dims + 2 or set(node.shape[dims : 2 * dims]) != {1}:
            return None
        shape, whole = _without(node.shape, size), self.whole[node.index]
        if whole.operation == "reshape" and whole.inputs[0].shape == shape:
            return whole.inputs[0]
        return self.new.add("reshape", (whole,), {"shape": shape})

    def _reduced(self, node: Node) -> Node | None:
        (x,) = node.inputs
        size, taps = self.taps[x.index]
        if node.params["axes"] != tuple(range(len(size), 2 * len(size))) or x.dtype != node.dtype:
            return None
        made = functools.reduce(lambda a, b: self.new.add(TOGETHER[node.operation], (a, b), {}), taps)
        return self.new.add("reshape", (made,), {"shape": node.shape}) if made.shape != node.shape else made

    # Back to where they came from --------------------------------------------------------------------------------------
    def _put_together(self, node: Node) -> Node | None:
        (w,) = node.inputs
        size = node.params["size"]
        taps = self.taps[w.index][1] if w.index in self.taps else None
        if taps is None and w.operation == "broadcast_to":
            one = self._same_for_all(w.inputs[0], size)
            if one is not None and one.shape == _without(w.shape, size):
                taps = [self.new.alias(one) for _ in _places(size)]
        return None if taps is None else self._interleaved(node, size, taps)

    def _interleaved(self, node: Node, size: Sizes, taps: list[Node]) -> Node:
        if all(n % s == 0 for n, s in zip(node.shape, size, strict=False)):
            self.spread[node.index] = size, taps
        return Node(self.new, "interleave_last", tuple(taps), {"size": size}, node.shape, node.dtype)

    def _behind(self, node: Node) -> Node | None:
        """An elementwise operation on a value that is put together from taps: done with the taps."""
        parent = next(p for p in node.inputs if p.index in self.spread)
        size, _ = self.spread[parent.index]
        if parent.shape != node.shape:
            return None
        made = []
        for number, tap in enumerate(_places(size)):

            def one(p: Node, number: int = number, tap: Sizes = tap) -> Node:
                known = self.spread.get(p.index)
                return known[1][number] if known is not None and known[0] == size else self._tap(p, size, tap)

            operands = self._operands(node, len(size), one)
            if operands is None:
                return None
            made.append(self.new.add(node.operation, tuple(operands), node.params))
        return self._interleaved(node, size, made)


def _places(size: Sizes) -> list[Sizes]:
    """The taps of a window, in order."""
    return list(itertools.product(*map(range, size)))


def _without(shape: Sizes, size: Sizes) -> Sizes:
    """The shape of windows without the axes of the taps."""
    return (*shape[: len(size)], *shape[2 * len(size) :])


def tap_places(shape: Sizes, size: Sizes) -> list[tuple[tuple[int, int, int], ...]]:
    """Where each part of an ``interleave_last`` lies in the whole, in the order of the parts."""
    return [spans(shape, size, tap) for tap in _places(size)]


def rest(shape: Sizes, size: Sizes) -> list[list[tuple[int, int, int]]]:
    """Boxes of (*spatial, C, N) in which no window is."""
    found = []
    for axis, s in enumerate(size):
        covered = shape[axis] // s * s
        if covered < shape[axis]:
            before = [(0, n // k * k, 1) for n, k in zip(shape[:axis], size, strict=False)]
            found.append([*before, (covered, shape[axis], 1), *((0, n, 1) for n in shape[axis + 1 :])])
    return found
