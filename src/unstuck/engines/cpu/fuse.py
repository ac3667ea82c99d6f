"""Which values are computed together: the graph's nodes gathered into groups, each of which becomes one kernel.

A matrix product takes along the elementwise operations that follow it (bias, activation, its derivative, the update); a
reduction those that lead to it and those that follow; operations on whole rows (softmax) stay together while a row fits into
registers. What is cheap and made of stored values alone is not stored: whoever needs it computes it again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unstuck.autodiff import Graph, Node
from unstuck.engines.cpu.emit.elementwise import CHEAP, has_rule
from unstuck.engines.cpu.host import Host
from unstuck.engines.cpu.memory import without_ones

# For each axis of a node the axis of the group's space along which it runs (None: of size 1, so along none).
Axes = tuple[int | None, ...]

VIEWS = ("transpose", "slice", "flip", "reshape", "windows_last")
# Values put side by side, or into the order of a new shape: copied once.
PLACED = ("concatenate", "unslice", "reshape", "interleave_last")
CONVOLUTIONS = ("conv_last", "conv_transpose_last")  # what follows them is computed on their registers
CLOSED = ("reference", "place", "batch_last", "conv_weight")  # kinds of groups that nothing else joins
ROW_VECTORS = 8  # so many vectors of a row are held in registers where whole rows are needed


@dataclass(eq=False)
class Group:
    """Nodes that one kernel computes. ``space`` is the shape over which it runs; its last axis are the columns."""

    number: int
    kind: str  # "rows", "matmul", "reduce", "conv", "unwindows" or one of CLOSED
    space: tuple[int, ...]
    anchor: Node | None = None  # the product or reduction at the beginning
    whole_rows: bool = False  # every row is in registers at once, so reductions along it may happen
    members: dict[int, Axes] = field(default_factory=dict)
    after: set[int] = field(default_factory=set)  # numbers of the groups whose results are needed
    stores: list[Node] = field(default_factory=list)  # members that are written to memory
    reads: list[Node] = field(default_factory=list)  # stored nodes that are read

    @property
    def rows(self) -> int:
        return math.prod(self.space[:-1])

    @property
    def columns(self) -> int:
        return self.space[-1]


class Fusion:
    """The groups of a graph, and for each node the group that computes it (none: a leaf, a view, or computed in place)."""

    def __init__(self, graph: Graph, host: Host) -> None:
        self.graph, self.host = graph, host
        self.groups: list[Group] = []
        self.group_of: dict[int, Group] = {}
        self.views: set[int] = set()
        self.floating: set[int] = set()
        self.stored = self._needed_in_memory()
        for node in graph.nodes:
            self._place(node)
        self._find_stores()

    # What must be in memory, whoever computes it -----------------------------------------------------------------------
    def _needed_in_memory(self) -> set[int]:
        needed = {node.index for node in self.graph.outputs}
        for node in self.graph.nodes:
            if (
                self.is_compiled_product(node)
                or node.operation in CONVOLUTIONS
                or (node.operation in VIEWS and not only_ones(node) and not _moves(node))
            ):
                needed.update(parent.index for parent in node.inputs)
            elif node.inputs and not self._is_compiled(node):
                needed.add(node.index)
                needed.update(parent.index for parent in node.inputs)
        for node in reversed(self.graph.nodes):  # through reshapes down to what holds the values
            if node.index in needed and node.operation in VIEWS:
                needed.update(parent.index for parent in node.inputs)
        return needed | {node.index for node in self.graph.nodes if not node.inputs}

    @staticmethod
    def is_compiled_product(node: Node) -> bool:
        """Whether a node is a product that has a kernel: of two operands of floats of one dtype."""
        if node.operation != "matmul":
            return False
        a, b = node.inputs
        plain = a.dtype == b.dtype == node.dtype and node.dtype.kind == "f" and node.dtype.itemsize in (4, 8)
        return plain and node.size > 0 and (b.ndim == 2 or a.shape[:-2] == b.shape[:-2])

    def _is_compiled(self, node: Node) -> bool:
        if node.size == 0 or any(parent.size == 0 for parent in node.inputs):
            return False
        if node.operation in ("sum", "max", "min"):
            return node.dtype.kind in "fi" and node.dtype.itemsize >= 4
        if node.operation == "argmax":
            x = node.inputs[0]
            return node.params["axis"] == x.ndim - 1 and x.dtype.kind == "f" and self._row_fits(x)
        if node.operation in (*CONVOLUTIONS, "unwindows_last"):
            return True
        if node.operation == "random_uniform":
            return node.size < 2**32 and node.inputs[0].dtype == np.uint32
        return (node.operation in VIEWS and not _moves(node)) or self.is_compiled_product(node) or has_rule(node)

    def _vectors(self, columns: int, dtype: Any) -> int:
        return -(-columns // self.host.lanes(dtype))

    def _row_fits(self, x: Node) -> bool:
        return self._vectors(x.shape[-1] if x.ndim else 1, _working(x)) <= ROW_VECTORS

    # Finding a place for each node -------------------------------------------------------------------------------------
    def _place(self, node: Node) -> None:
        operation = node.operation
        if not node.inputs:
            return
        if (
            operation in VIEWS
            and not _moves(node)
            and (not only_ones(node) or node.inputs[0].index in self.stored | self.views)
        ):
            self.views.add(node.index)
            self.stored.add(node.index)
        elif not self._is_compiled(node):
            self._join(self._new(_closed_kind(node), _space(node), node), node, _own_axes(node))
        elif operation == "matmul":
            space = _space(node)
            fits = self._vectors(space[-1], node.dtype) <= self.host.tile_vectors
            self._join(self._new("matmul", space, node, whole_rows=fits), node, _own_axes(node))
        elif operation in CONVOLUTIONS:
            self._join(self._new("conv", _space(node), node), node, _own_axes(node))
        elif operation == "unwindows_last":
            self._join(self._new("unwindows", _space(node), node), node, _own_axes(node))
        elif operation in ("sum", "max", "min", "argmax"):
            self._place_reduction(node)
        else:
            self._place_elementwise(node)

    def _place_elementwise(self, node: Node) -> None:
        cheap = node.operation in CHEAP or node.operation == "reshape"
        loose = all(parent.index in self.stored or parent.index in self.floating for parent in node.inputs)
        if cheap and loose and node.index not in self.stored and node.size > 1:
            self.floating.add(node.index)
            return
        tied = {self.group_of[p.index].number for p in node.inputs if p.index in self.group_of}
        candidates = [self.groups[number] for number in sorted(tied, reverse=True)]
        if node.size == 1:  # single numbers share kernels
            candidates += [g for g in reversed(self.groups) if g.kind == "rows" and g.space == (1,)]
        for group in candidates:
            axes = self._axes_in(group, node)
            if axes is not None and self._may_join(group, node):
                self._join(group, node, axes)
                return
        whole = self._vectors(_space(node)[-1], _working(node)) <= ROW_VECTORS
        self._join(self._new("rows", _space(node), whole_rows=whole), node, _own_axes(node))

    def _place_reduction(self, node: Node) -> None:
        x = node.inputs[0]
        axes = (node.params["axis"],) if node.operation == "argmax" else node.params["axes"]
        if axes == (x.ndim - 1,) and self._row_fits(x) and (x.ndim > 1 or node.operation == "argmax"):
            within = tuple(a for a in _own_axes(x)[:-1])
            result: Axes = (*within, None) if node.ndim == x.ndim else within
            group = self.group_of.get(x.index)
            usable = group is not None and group.whole_rows and group.kind in ("rows", "matmul")
            if group is None or not usable or group.space != x.shape or not self._may_join(group, node):
                group = self._new("rows", x.shape, whole_rows=True)
            self._join(group, node, result)
            return
        kept = tuple(n for i, n in enumerate(x.shape) if i not in axes) or (1,)
        numbers = iter(range(len(kept)))
        all_kept = [None if i in axes else next(numbers) for i in range(x.ndim)]
        if node.ndim != x.ndim:
            all_kept = [a for i, a in enumerate(all_kept) if i not in axes]
        result = tuple(a if n != 1 else None for a, n in zip(all_kept, node.shape, strict=True))
        self._join(self._new("reduce", kept, node), node, result)

    def _new(self, kind: str, space: tuple[int, ...], anchor: Node | None = None, *, whole_rows: bool = False) -> Group:
        group = Group(len(self.groups), kind, space, anchor, whole_rows)
        self.groups.append(group)
        return group

    def _join(self, group: Group, node: Node, axes: Axes) -> None:
        group.members[node.index] = axes
        self.group_of[node.index] = group
        group.after |= self._sources(node) - {group.number}

    def _sources(self, node: Node) -> set[int]:
        """The groups from which the operands of a node come, also through views and what is computed in place."""
        found: set[int] = set()
        for parent in node.inputs:
            if parent.index in self.group_of:
                found.add(self.group_of[parent.index].number)
            else:
                found |= self._sources(parent)
        return found

    def _may_join(self, group: Group, node: Node) -> bool:
        """Whether no operand of the node comes from a group that itself waits for this one, and none is a view of what this one
        computes: that is read from memory, where it is only being written."""
        if group.kind in CLOSED or self._reads_views_of(group, node):
            return False
        pending, seen = self._sources(node) - {group.number}, set[int]()
        while pending:
            number = pending.pop()
            if number == group.number:
                return False
            if number not in seen:
                seen.add(number)
                pending |= self.groups[number].after
        return True

    def _reads_views_of(self, group: Group, node: Node) -> bool:
        for parent in node.inputs:
            if parent.index in self.views:
                root = parent
                while root.index in self.views:
                    root = root.inputs[0]
                if self.group_of.get(root.index) is group:
                    return True
            elif parent.index in self.floating and self._reads_views_of(group, parent):
                return True
        return False

    def _axes_in(self, group: Group, node: Node) -> Axes | None:
        """How a node lies in a group's space, seen from its operands there; None if it does not fit."""
        axes: list[int | None] = [None] * node.ndim
        for parent in node.inputs:
            known = group.members.get(parent.index)
            if known is None:
                continue
            carried = carry(parent, known, node)
            for i, axis in enumerate(carried):
                if axis is not None and axes[i] not in (None, axis):
                    return None
                axes[i] = axis if axis is not None else axes[i]
        last = len(group.space) - 1
        for i, n in enumerate(node.shape):
            if n != 1 and axes[i] is None and i == node.ndim - 1 and last not in axes:
                axes[i] = last
            if n != 1 and (axes[i] is None or group.space[axes[i]] != n):  # type: ignore[index]
                return None
        covered = {a for a in axes if a is not None}
        missing = {a for a, n in enumerate(group.space) if n != 1} - covered
        if not missing or (missing == {last} and group.whole_rows):
            return tuple(axes)
        return None

    # What is written to memory -----------------------------------------------------------------------------------------
    def _find_stores(self) -> None:
        needed = {i for i in self.stored if i in self.group_of}
        for group in reversed(self.in_order()):  # those that read a group come before it here
            group.stores = [self.graph.nodes[i] for i in group.members if i in needed]
            group.reads = list(self._reads(group))
            needed.update(node.index for node in group.reads if node.index in self.group_of)

    def in_order(self) -> list[Group]:
        """The groups, each after those whose results it needs."""
        done: dict[int, Group] = {}

        def visit(group: Group) -> None:
            if group.number not in done:
                for number in sorted(group.after):
                    visit(self.groups[number])
                done[group.number] = group

        for group in self.groups:
            visit(group)
        return list(done.values())

    def lanes(self, group: Group) -> int:
        """The length of a group's vectors: as many values as a register holds of the type it computes with."""
        nodes = [group.anchor] if group.anchor is not None else [self.graph.nodes[i] for i in group.members]
        return self.host.lanes(next((n.dtype for n in nodes if n.dtype.kind == "f"), np.float32))

    def _reads(self, group: Group) -> Iterator[Node]:
        """Every node that the group reads from memory (views as themselves)."""
        seen: set[int] = set()
        pending = list(group.stores)
        while pending:
            for parent in pending.pop().inputs:
                if parent.index in seen:
                    continue
                seen.add(parent.index)
                if parent.index in self.floating or self.group_of.get(parent.index) is group:
                    pending.append(parent)
                else:
                    yield parent


def carry(parent: Node, known: Axes, node: Node) -> Axes:
    """The axes of a result, from those of one operand (aligned from the right; reshapes here only add or drop ones)."""
    if node.operation == "reshape":
        kept = iter([a for a, n in zip(known, parent.shape, strict=True) if n != 1])
        return tuple(next(kept) if n != 1 else None for n in node.shape)
    if node.operation in ("sum", "max", "min", "argmax"):
        raise AssertionError("the axes of a reduction are given when it is placed")
    shift = node.ndim - parent.ndim
    result: list[int | None] = [None] * node.ndim
    for j, axis in enumerate(known):
        if parent.shape[j] != 1:
            result[j + shift] = axis
    return tuple(result)


def carry_back(node: Node, known: Axes, parent: Node) -> Axes:
    """The axes of an operand, from those of the result."""
    if node.operation == "reshape":
        kept = iter([a for a, n in zip(known, node.shape, strict=True) if n != 1])
        return tuple(next(kept) if n != 1 else None for n in parent.shape)
    shift = node.ndim - parent.ndim
    return tuple(known[j + shift] if parent.shape[j] != 1 else None for j in range(parent.ndim))


def _closed_kind(node: Node) -> str:
    """The kind of group of a node that stands alone."""
    own = {"batch_last": "batch_last", "conv_weight_last": "conv_weight"}.get(node.operation)
    if own is not None:
        return own
    placed = node.operation in PLACED and node.size > 0 and all(p.dtype == node.dtype and p.size for p in node.inputs)
    return "place" if placed else "reference"


def only_ones(node: Node) -> bool:
    """Whether a node is a reshape that only adds or drops axes of size 1."""
    return node.operation == "reshape" and without_ones(node.shape) == without_ones(node.inputs[0].shape)


def _space(node: Node) -> tuple[int, ...]:
    return node.shape or (1,)


def _own_axes(node: Node) -> Axes:
    return tuple(i if n != 1 else None for i, n in enumerate(node.shape))


def _working(node: Node) -> np.dtype[Any]:
    """The dtype that decides the length of vectors: the one of the floats."""
    return node.dtype if node.dtype.kind == "f" else np.dtype(np.float32)


def _moves(node: Node) -> bool:
    """Whether a reshape shows values in an order in which they do not lie: they have to be copied."""
    if node.operation != "reshape" or only_ones(node):
        return False
    parent = node.inputs[0]
    while parent.operation == "reshape" or (parent.operation == "slice" and _is_run(parent)):
        parent = parent.inputs[0]
    return parent.operation in VIEWS


def _is_run(node: Node) -> bool:
    """Whether a slice is a run of whole rows, which lie one behind the other."""
    rows, *others = node.params["slices"]
    whole = all(span == (0, n, 1) for span, n in zip(others, node.inputs[0].shape[1:], strict=True))
    return whole and rows[2] == 1
