"""Where every value of a graph lies: inputs, constants and outputs, what replaces what, and parts within their whole."""

from __future__ import annotations

import functools

from unstuck.autodiff import Graph, Node
from unstuck.engines.cpu.binding import Binding, Source
from unstuck.engines.cpu.columns import split_by_columns
from unstuck.engines.cpu.fuse import CLOSED, Fusion, Group
from unstuck.engines.cpu.host import Host
from unstuck.engines.cpu.memory import LINE, Storage, View, contiguous, placed
from unstuck.engines.cpu.taps import tap_places

# The first slots of the table of pointers.
BARRIER, CONSTANTS, FIRST_FREE = 1, 2, 3  # the arena is slot 0


class Places:
    """The places of all values, and the slots of the table of pointers that they need."""

    def __init__(self, graph: Graph, host: Host, binding: Binding) -> None:
        self.graph, self.host, self.binding = graph, host, binding
        self.fusion = Fusion(graph, host)
        self.views: dict[int, View] = {}
        self.copies: dict[int, list[View]] = {}  # further places to which a node is written
        self.panels: dict[int, View] = {}  # second operands that lie as (panel, row, column of the panel)
        self.slots = FIRST_FREE
        self.input_slots = [self._slot() for _ in graph.inputs]
        self.output_slots = [self._slot() for _ in graph.outputs]
        self.index_slot = self._slot()
        self.source_slots = {i: (self._slot(), self._slot(), self._slot()) for i in sorted(self.binding.gathered)}
        gathered = [graph.inputs[i] for i in self.binding.gathered]
        self.columns = split_by_columns(graph, gathered, set(self.fusion.group_of), host) if self.is_training else None
        self._place_inputs()
        self._place_constants()
        self._place_outputs()
        self._place_parts()

    def _slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    @property
    def is_training(self) -> bool:
        """Whether this is run many times with a state, not once on given arrays."""
        return bool(self.binding.state) and not self.binding.exact

    def view(self, node: Node) -> View:
        """Where the value of a stored node lies."""
        if node.index not in self.views:
            parent = self.view(node.inputs[0])
            if node.operation == "transpose":
                view: View | None = parent.transposed(node.params["axes"])
            elif node.operation == "slice":
                view = parent.sliced(node.params["slices"])
            elif node.operation == "flip":
                view = parent.flipped(node.params["axis"])
            elif node.operation == "windows_last":
                view = parent.windowed(**node.params)
            else:
                view = parent.reshaped(node.shape)
            assert view is not None, "values that must be dense to be reshaped were not placed densely"
            self.views[node.index] = view
        return self.views[node.index]

    def source_of(self, node: Node) -> Source:
        """From where a gathered input comes."""
        return next(s for i, s in self.binding.gathered.items() if self.graph.inputs[i] is node)

    def _root(self, node: Node) -> Node:
        """The node whose storage a view shows."""
        while node.index in self.fusion.views:
            node = node.inputs[0]
        return node

    def _outside(self, node: Node, slot: int, *, per_step: bool) -> View:
        size = max(node.size, 1) * node.dtype.itemsize
        storage = Storage(slot, size, per_step=size if per_step else 0)
        return View(storage, node.shape, contiguous(node.shape), node.dtype)

    def _place_inputs(self) -> None:
        for number, node in enumerate(self.graph.inputs):
            if number in self.binding.gathered:
                dense = node.index in self._dense or node.ndim > 2
                self.views[node.index] = placed(node.shape, node.dtype, dense=dense)
                if self.columns is not None and self.columns.x is node:
                    for shown in (node, *(n for n in self.graph.nodes if n.inputs and n.inputs[0] is node)):
                        if shown is not self.columns.product:
                            self.views[shown.index] = self.columns.place
            elif number in self.binding.resident and self._is_factor(node):
                self.panels[node.index] = self._in_panels(node, self.input_slots[number])
            elif number in self.binding.resident or number in self.binding.state.values():
                dense = node.index in self._dense
                self.views[node.index] = placed(node.shape, node.dtype, dense=dense, slot=self.input_slots[number])
            elif number in self.binding.strides:
                self.views[node.index] = self._as_it_lies(number, node)
            else:
                per_step = number in self.binding.inputs_per_step
                self.views[node.index] = self._outside(node, self.input_slots[number], per_step=per_step)

    def _as_it_lies(self, number: int, node: Node) -> View:
        """The view of an input whose strides were given."""
        strides, per_step = self.binding.strides[number], 0
        if number in self.binding.inputs_per_step:
            per_step, strides = strides[0] * node.dtype.itemsize, strides[1:]
        extent = 1 + sum((n - 1) * s for n, s in zip(node.shape, strides, strict=True))
        storage = Storage(self.input_slots[number], extent * node.dtype.itemsize, per_step=per_step)
        return View(storage, node.shape, strides, node.dtype)

    def _is_factor(self, node: Node) -> bool:
        """Whether a matrix is only ever the second operand of compiled products."""
        users = [n for n in self.graph.nodes if any(p is node for p in n.inputs)]
        products = all(self.fusion.is_compiled_product(n) and n.inputs[0] is not node for n in users)
        return bool(users) and products and node.ndim == 2 and node.index in self.fusion.stored

    def _in_panels(self, node: Node, slot: int) -> View:
        """A place for a matrix in panels as wide as the products' tiles: what a tile reads lies in one piece."""
        width = self.host.tile_vectors * self.host.lanes(node.dtype)
        rows, columns = node.shape
        shape = (-(-columns // width), rows, width)
        return placed(shape, node.dtype, dense=True, slot=slot)

    def _place_constants(self) -> None:
        self.constants: list[tuple[int, Node]] = []
        offset = 0
        for node in self.graph.nodes:
            if node.operation == "constant" and node.size:
                storage = Storage(CONSTANTS, node.size * node.dtype.itemsize, offset)
                self.views[node.index] = View(storage, node.shape, contiguous(node.shape), node.dtype)
                self.constants.append((offset, node))
                offset += -(-storage.size // LINE) * LINE
        self.constant_bytes = offset

    def _place_outputs(self) -> None:
        """Each output's place outside: of the node itself where that is possible, else a second place."""
        self.late: list[tuple[Node, View]] = []
        self.in_place = self._may_replace()
        for number, node in enumerate(self.graph.outputs):
            per_step = number in self.binding.outputs_per_step
            own = self._outside(node, self.output_slots[number], per_step=per_step)
            replaced = self.binding.state.get(number)
            if replaced is not None:
                own = self.views[self.graph.inputs[replaced].index]
            computed = node.index in self.fusion.group_of
            if not computed or (replaced is not None and number not in self.in_place):
                self.late.append((node, own))
            elif (
                node.index in self.views
                or self.fusion.group_of[node.index].kind in set(CLOSED) - {"place"}
                or (node.index in self._dense and not own.is_contiguous)
            ):
                self.copies.setdefault(node.index, []).append(own)
            else:
                self.views[node.index] = own

    def _place_parts(self) -> None:
        """Values that are put side by side are computed where they are to lie, if they can be."""
        for node in self.graph.nodes:
            group = self.fusion.group_of.get(node.index)
            if group is None or group.kind != "place" or not group.stores:
                continue
            side_by_side = node.operation == "concatenate" and node.params["axis"] == node.ndim - 1 > 0
            if not side_by_side and node.operation != "interleave_last":
                continue
            able = [p for p in node.inputs if self._may_lie_within(p)]
            if able:
                self._place_stored(group)
            for part, place in self.parts_of(node, self.view(node)) if able else ():
                if part.index not in self.views and any(p is part for p in able):
                    self.views[part.index] = place

    def _may_lie_within(self, node: Node) -> bool:
        own = self.fusion.group_of.get(node.index)
        if (
            own is None
            or own.kind not in ("rows", "matmul", "conv", "unwindows")
            or all(n is not node for n in own.stores)
        ):
            return False
        return node.index not in self.views and node.index not in self.copies and node.index not in self._dense

    def lies_at(self, part: Node, place: View) -> bool:
        """Whether a part of a whole is computed right in its place."""
        view = self.view(part)
        return view.storage is place.storage and (view.offset, view.strides) == (place.offset, place.strides)

    def parts_of(self, node: Node, place: View) -> list[tuple[Node, View]]:
        """The parts of a concatenation or of interleaved taps, and where they are to lie within one of its places."""
        if node.operation == "interleave_last":
            where = tap_places(node.shape, node.params["size"])
            return [(part, place.sliced(spans)) for part, spans in zip(node.inputs, where, strict=True)]
        axis, start = node.params["axis"], 0
        found = []
        for parent in node.inputs:
            end = start + parent.shape[axis]
            spans = [(start, end, 1) if a == axis else (0, n, 1) for a, n in enumerate(node.shape)]
            found.append((parent, place.sliced(spans)))
            start = end
        return found

    def _may_replace(self) -> set[int]:
        """The outputs that may be written over the input they replace: whoever else reads that input can come before.

        The group that writes it may read it too, but only value by value at the same place.
        """
        writer: dict[int, Group] = {}
        allowed: set[int] = set()
        for number, replaced in self.binding.state.items():
            node, old = self.graph.outputs[number], self.graph.inputs[replaced]
            group = self.fusion.group_of.get(node.index)
            first = next(i for i, output in enumerate(self.graph.outputs) if output is node)
            if group is None or group.kind in CLOSED or first != number:
                continue
            readers = [g for g in self.fusion.groups if any(self._root(r) is old for r in g.reads)]
            own = group in readers
            if own and (any(r is not old and self._root(r) is old for r in group.reads) or old.shape != node.shape):
                continue
            if own and group.anchor is not None and self._anchor_reads(group, old):
                continue
            waits = {g.number for g in readers} - {group.number}
            # The readers must not wait for the writer: then they can all go first.
            if any(self._waits_for(self.fusion.groups[w], group.number) for w in waits):
                continue
            group.after |= waits
            writer[old.index] = group
            allowed.add(number)
        return allowed

    def _anchor_reads(self, group: Group, old: Node) -> bool:
        assert group.anchor is not None
        pending = list(group.anchor.inputs)
        while pending:
            node = pending.pop()
            if node is old:
                return True
            if node.index in self.fusion.floating:
                pending += node.inputs
        return False

    def _waits_for(self, group: Group, number: int) -> bool:
        pending, seen = {group.number}, set[int]()
        while pending:
            one = pending.pop()
            if one == number:
                return True
            if one not in seen:
                seen.add(one)
                pending |= self.fusion.groups[one].after
        return False

    @functools.cached_property
    def _dense(self) -> set[int]:
        """Nodes whose rows must follow each other without gaps, because they are reshaped."""
        found: set[int] = set()
        for node in reversed(self.graph.nodes):
            if node.operation in ("reshape", "transpose", "slice", "flip") and node.index in self.fusion.views:
                moved = node.operation == "reshape" and [n for n in node.shape if n != 1] != [
                    n for n in node.inputs[0].shape if n != 1
                ]
                if moved or node.index in found:
                    found.add(node.inputs[0].index)
        return found

    def _place_stored(self, group: Group) -> None:
        for node in group.stores:
            if node.index not in self.views:
                dense = node.index in self._dense or node.operation == "reshape"
                self.views[node.index] = placed(node.shape, node.dtype, dense=dense)

    def places(self, node: Node) -> list[View]:
        """All places to which a computed node is written."""
        return [self.view(node), *self.copies.get(node.index, [])]
