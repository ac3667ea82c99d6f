"""From a step graph to a list of kernels in order, over one arena planned ahead."""

from __future__ import annotations

import functools
import hashlib
import math

from unstuck.autodiff import Graph, Node
from unstuck.engines.cpu.binding import Binding, Source
from unstuck.engines.cpu.columns import split_by_columns
from unstuck.engines.cpu.emit.tiles import units
from unstuck.engines.cpu.fuse import CLOSED, Fusion, Group
from unstuck.engines.cpu.host import Host
from unstuck.engines.cpu.kernel import ALONE, Domain, Kernel, operations
from unstuck.engines.cpu.memory import LINE, Storage, View, contiguous, placed
from unstuck.engines.cpu.schedule import in_few_stretches, place_in_arena, set_barriers

# The first slots of the table of pointers.
NO_ROWS = -1  # of a domain whose units are something else
BARRIER, CONSTANTS, FIRST_FREE = 1, 2, 3  # the arena is slot 0
DEEP = 384  # inner places of a product from which on it is made in pieces: 48 KB of B for a tile's columns


class Plan:
    """Kernels, the places of all values, and the table of pointers that a program needs."""

    def __init__(self, graph: Graph, host: Host, binding: Binding | None = None) -> None:
        self.graph, self.host, self.binding = graph, host, binding or Binding()
        self.fusion = Fusion(graph, host)
        self.views: dict[int, View] = {}
        self.copies: dict[int, list[View]] = {}  # further places to which a node is written
        self.final: dict[int, list[View]] = {}  # and those that it reaches only when the step has read what lay there
        self.panels: dict[int, View] = {}  # second operands that lie as (panel, row, column of the panel)
        self.packed: dict[int, View] = {}  # second operands of products, rearranged
        self.sums: dict[int, View] = {}  # of products in pieces: what their pieces are added up in
        self.kernels: list[Kernel] = []
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
        for group in self._ordered():
            self._add(group)
        self._add_final_copies()
        self._move_packs_forward()
        self.kernels = in_few_stretches(self.kernels)
        set_barriers(self.kernels)
        self.arena_bytes = place_in_arena(self.kernels)
        self.asks_ahead = self._who_asks_ahead()

    def _slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    # Places ------------------------------------------------------------------------------------------------------------
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
                rows = node.shape[0]
                if self.columns is not None and self.columns.x is node:
                    for shown in (node, *(n for n in self.graph.nodes if n.inputs and n.inputs[0] is node)):
                        if shown is not self.columns.product:
                            self.views[shown.index] = self.columns.place
                slot = self.source_slots[number][0]
                kernel = Kernel(
                    f"k{len(self.kernels)}_gather",
                    "gather",
                    self.columns.domain if self.columns is not None and self.columns.x is node else self._domain(rows),
                    node=node,
                    source=slot,
                    index=self.index_slot,
                )
                kernel.writes = [self.views[node.index].storage]
                self.kernels.append(kernel)
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
        """Whether a matrix is only ever the second operand of products."""
        users = [n for n in self.graph.nodes if any(p is node for p in n.inputs)]
        products = all(n.operation == "matmul" and n.inputs[0] is not node for n in users)
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
            elif node.index in self.views or self.fusion.group_of[node.index].kind in set(CLOSED) - {"place"}:
                self.copies.setdefault(node.index, []).append(own)
            else:
                self.views[node.index] = own

    def _place_parts(self) -> None:
        """Values that a concatenation puts side by side are computed where they are to lie, if they can be."""
        for node in self.graph.nodes:
            group = self.fusion.group_of.get(node.index)
            if group is None or group.kind != "place" or node.operation != "concatenate" or not group.stores:
                continue
            axis, start = node.params["axis"], 0
            for parent in node.inputs:
                end = start + parent.shape[axis]
                if axis == node.ndim - 1 > 0 and self._may_lie_within(parent):
                    self._place_stored(group)
                    spans = [(0, n, 1) for n in node.shape[:-1]]
                    self.views[parent.index] = self.view(node).sliced([*spans, (start, end, 1)])
                start = end

    def _may_lie_within(self, node: Node) -> bool:
        own = self.fusion.group_of.get(node.index)
        if own is None or own.kind not in ("rows", "matmul") or all(n is not node for n in own.stores):
            return False
        return node.index not in self.views and node.index not in self.copies and node.index not in self._dense

    def lies_within(self, part: Node, place: View) -> bool:
        """Whether a part of a concatenation is computed right in its place."""
        return self.view(part).storage is place.storage

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

    # Kernels -----------------------------------------------------------------------------------------------------------
    def _ordered(self) -> list[Group]:
        return [group for group in self.fusion.in_order() if group.stores]

    def _domain(self, rows: int) -> Domain:
        if self.columns is not None and rows == self.columns.domain.rows:
            return self.columns.domain
        return Domain(rows, -(-rows // self.host.tile_rows)) if rows > 1 else ALONE

    def _add(self, group: Group) -> None:
        self._place_stored(group)
        if group.kind == "place" and self._is_done(group):
            return
        name = f"k{len(self.kernels)}_{group.anchor.operation if group.anchor is not None else group.kind}"
        split = group.kind == "rows" or (group.kind == "matmul" and len(group.space) == 2)
        domain = self._domain(group.rows) if split else ALONE
        if group.kind == "place" and self._by_rows(group):
            domain = self._domain(group.rows)
        elif group.kind in ("conv", "unwindows"):
            domain = Domain(group.rows, math.prod(group.space[:-2]))
        elif group.kind == "conv_weight":
            assert group.anchor is not None
            domain = Domain(NO_ROWS, units(group.anchor.shape, group.anchor.params["groups"], self.host.registers))
        if group.kind == "matmul":
            assert group.anchor is not None
            self._pack(group.anchor.inputs[1])
        reads = group.reads
        if self.columns is not None and group.anchor is self.columns.product:
            early = group.anchor.inputs
            part = Kernel(f"{name}_part", "partial", self.columns.domain, group)
            part.reads, part.writes = (
                [(self._read(node, group).storage, True) for node in early],
                [self.columns.parts.storage],
            )
            self.kernels.append(part)
            reads = [node for node in reads if all(node is not one for one in early)]
        sums = self._sums_of_pieces(group)
        if sums is not None:
            assert group.anchor is not None
            a, b = group.anchor.inputs
            strips = -(-group.anchor.shape[1] // (self.host.tile_vectors * self.host.lanes(group.anchor.dtype)))
            deep = Kernel(f"{name}_deep", "deep", Domain(NO_ROWS, strips), group)
            deep.reads = [(self._read(operand, group).storage, False) for operand in (a, b)]
            deep.writes = [sums.storage]
            self.kernels.append(deep)
        kernel = Kernel(name, group.kind, domain, group)
        kernel.writes = [view.storage for node in group.stores for view in self.places(node)]
        read = {node.index: self.panels.get(node.index) or self._read(node, group) for node in reads}
        kernel.reads = [(read[node.index].storage, self._is_own(node, group)) for node in reads]
        if sums is not None:
            kernel.reads.append((sums.storage, True))
            kernel.in_parts = True
        elif len(reads) < len(group.reads):
            assert self.columns is not None
            kernel.reads.append((self.columns.parts.storage, False))
            kernel.in_parts = True
        self.kernels.append(kernel)

    def _is_done(self, group: Group) -> bool:
        """Whether a concatenation finds all its parts in place."""
        node = group.anchor
        assert node is not None
        whole = self.places(node)
        return node.operation == "concatenate" and all(
            self.lies_within(p, place) for p in node.inputs for place in whole
        )

    def _by_rows(self, group: Group) -> bool:
        """Whether each row of a concatenation is made of the same rows of its parts."""
        node = group.anchor
        assert node is not None
        return node.operation == "concatenate" and node.ndim == 2 and node.params["axis"] == 1

    def _sums_of_pieces(self, group: Group) -> View | None:
        """Memory for the sums of a product whose second operand is so long that it is better read in pieces."""
        node = group.anchor
        if group.kind != "matmul" or node is None or group.space != node.shape or len(node.shape) != 2:
            return None
        a, b = node.inputs
        by_columns = self.columns is not None and (node is self.columns.product or self.view(a) is self.columns.place)
        rows, columns = node.shape
        wide = columns >= self.host.tile_vectors * self.host.lanes(node.dtype)
        if by_columns or b.index in self.panels or a.shape[1] < DEEP or rows <= self.host.tile_rows or not wide:
            return None
        self.sums[node.index] = placed(node.shape, node.dtype, dense=False)
        return self.sums[node.index]

    def places(self, node: Node) -> list[View]:
        """All places to which a computed node is written."""
        return [self.view(node), *self.copies.get(node.index, [])]

    def _read(self, node: Node, group: Group) -> View:
        if (
            group.kind == "matmul"
            and group.anchor is not None
            and node is group.anchor.inputs[1]
            and node.index in self.packed
        ):
            return self.packed[node.index]
        return self.view(node)

    def _is_own(self, node: Node, group: Group) -> bool:
        """Whether a thread that computes some rows of a group reads only those rows of ``node``."""
        if node.index in self.panels:
            return False
        by_rows = group.kind in ("rows", "matmul") or (group.kind == "place" and self._by_rows(group))
        if not by_rows or len(group.space) != 2 or node.shape[:1] != group.space[:1]:
            return False
        if self.columns is not None and self._root(node) is self.columns.x:
            return True  # its columns are the rows of the only products that read it so
        root = self.view(node)
        if root.strides[:1] != self.view(self._root(node)).strides[:1]:
            return False
        return group.kind != "matmul" or group.anchor is None or node is not group.anchor.inputs[1]

    def _pack(self, node: Node) -> None:
        """Give the second operand of a product a copy whose rows are dense, if it has none."""
        if node.index in self.panels:
            return
        view = self.view(node)
        if view.strides[-1] == 1 or node.shape[-1] == 1 or node.index in self.packed:
            return
        self.packed[node.index] = placed(node.shape, node.dtype, dense=False)
        kernel = Kernel(f"k{len(self.kernels)}_pack", "pack", ALONE, node=node)
        kernel.reads, kernel.writes = [(view.storage, False)], [self.packed[node.index].storage]
        self.kernels.append(kernel)

    def _add_final_copies(self) -> None:
        for node, place in self.late:
            if self.view(node).storage is place.storage:
                continue  # an input that comes out as it went in
            split = self._has_rows_of(node, self._root(node))
            domain = self._domain(node.shape[0]) if split else ALONE
            kernel = Kernel(f"k{len(self.kernels)}_copy", "copy", domain, node=node)
            kernel.reads, kernel.writes = [(self.view(node).storage, split)], [place.storage]
            self.final.setdefault(node.index, []).append(place)
            self.kernels.append(kernel)

    def _has_rows_of(self, node: Node, root: Node) -> bool:
        """Whether each row of a matrix lies within the same row of another."""
        if node.ndim != 2 or root.ndim != 2 or node.shape[0] != root.shape[0]:
            return False
        return self.view(node).strides[0] == self.view(root).strides[0]

    def _move_packs_forward(self) -> None:
        """Copies of parameters go to the beginning of the step, where nobody has to wait for them."""
        early = [
            k
            for k in self.kernels
            if k.kind == "pack" and k.node is not None and self._root(k.node).operation == "input"
        ]
        self.kernels = [*early, *(k for k in self.kernels if k not in early)]

    # What it is known by ------------------------------------------------------------------------------------------------
    @property
    def is_training(self) -> bool:
        """Whether this is run many times with a state, not once on given arrays."""
        return bool(self.binding.state) and not self.binding.exact

    def _who_asks_ahead(self) -> Kernel | None:
        """The product during which the rows of the next step's pictures are fetched into the cache: the longest that is cut
        into many tiles. Its last columns are a strip of their own, so that it happens once."""
        strip = self.host.tile_vectors * self.host.lanes("f4")
        able = [
            k for k in self.kernels
            if k.kind == "matmul" and k.group is not None and k.group.columns % strip
            and (k.domain.units >= 8 if self.columns is None else k.domain is self.columns.domain)
        ]  # fmt: skip
        if not any(k.kind == "gather" and self.fetches(k) for k in self.kernels):
            return None
        return max(able, key=operations, default=None)

    def fetches(self, kernel: Kernel) -> bool:
        """Whether the rows of a gathered input are long and scattered, so that asking for them early pays."""
        assert kernel.node is not None
        source = self.source_of(kernel.node)
        return not source.in_order and math.prod(kernel.node.shape[1:]) * source.dtype.itemsize >= 4 * LINE

    def key(self) -> str:
        """A hash of everything that the code of this plan depends on."""
        parts = [str(self.graph), repr(self.binding), repr(self.host)]
        digest = hashlib.sha256("\n".join(parts).encode())
        for _, node in self.constants:
            assert node.value is not None
            digest.update(node.value.tobytes())
        return digest.hexdigest()

    @property
    def segments(self) -> list[list[Kernel]]:
        """Kernels that run without returning to Python; those of the reference engine stand alone between them."""
        found: list[list[Kernel]] = [[]]
        for kernel in self.kernels:
            if kernel.kind == "reference":
                found += [[kernel], []]
            else:
                found[-1].append(kernel)
        return [segment for segment in found if segment]
