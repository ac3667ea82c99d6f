"""From a step graph to a list of kernels in order, over one arena planned ahead."""

from __future__ import annotations

import hashlib
import math

from unstuck.autodiff import Graph, Node
from unstuck.engines.cpu.binding import Binding
from unstuck.engines.cpu.emit.tiles import pieces, results, units
from unstuck.engines.cpu.fuse import Group
from unstuck.engines.cpu.host import Host
from unstuck.engines.cpu.kernel import ALONE, Domain, Kernel, operations
from unstuck.engines.cpu.memory import LINE, Storage, View, placed
from unstuck.engines.cpu.places import Places
from unstuck.engines.cpu.schedule import in_few_stretches, place_in_arena, set_barriers
from unstuck.engines.cpu.taps import rest

NO_ROWS = -1  # of a domain whose units are something else
SHARED = 2**14  # values that are reduced or moved from which on threads share it
MOVED = 32  # parts into which values that are put in their places are cut
LEAST = 8  # rows of a tile; fewer do not keep the multipliers busy
DEEP = 384  # inner places of a product from which on it is made in pieces: 48 KB of B for a tile's columns
# Values of a second operand with dense columns from which on it is turned round piece by piece, not as a whole.
TURNED = 2**15


class Plan(Places):
    """Kernels in order, over the places of all values."""

    def __init__(self, graph: Graph, host: Host, binding: Binding | None = None) -> None:
        super().__init__(graph, host, binding or Binding())
        self.final: dict[int, list[View]] = {}  # places that a node reaches only when the step has read what lay there
        self.packed: dict[int, View] = {}  # second operands of products, rearranged
        self.sums: dict[int, View] = {}  # of products in pieces: what their pieces are added up in
        self.kernels: list[Kernel] = []
        for number in sorted(self.binding.gathered):
            self._gather(number, graph.inputs[number])
        for group in self._ordered():
            self._add(group)
        self._add_final_copies()
        self._move_packs_forward()
        self.kernels = in_few_stretches(self.kernels)
        set_barriers(self.kernels)
        self.arena_bytes = place_in_arena(self.kernels)
        self.asks_ahead = self._who_asks_ahead()

    def _gather(self, number: int, node: Node) -> None:
        """The kernel that fetches the rows of an input from stored data."""
        by_columns = self.columns is not None and self.columns.x is node
        kernel = Kernel(
            f"k{len(self.kernels)}_gather",
            "gather",
            self.columns.domain if self.columns is not None and by_columns else self._domain(node.shape[0]),
            node=node,
            source=self.source_slots[number][0],
            index=self.index_slot,
        )
        kernel.writes = [self.views[node.index].storage]
        self.kernels.append(kernel)

    def _ordered(self) -> list[Group]:
        return [group for group in self.fusion.in_order() if group.stores]

    def _domain(self, rows: int) -> Domain:
        if self.columns is not None and rows == self.columns.domain.rows:
            return self.columns.domain
        if rows == 1:
            return ALONE
        units = -(-rows // self.host.tile_rows)
        shared = -(-units // self.host.processors) * self.host.processors  # as many for each thread
        return Domain(rows, shared if shared * LEAST <= rows else units)

    def _shared(self, values: int, parts: int) -> Domain:
        """So many parts for threads to share, if there are enough values that it pays."""
        return Domain(NO_ROWS, parts) if values >= SHARED and parts > 1 else ALONE

    def _split(self, group: Group, *, deep: bool) -> Domain:
        """How threads share a group: by rows, by parts of its results, or not at all."""
        node = group.anchor
        if group.kind == "rows":
            return self._domain(group.rows)
        assert node is not None
        x = node.inputs[0]
        if deep:
            return Domain(NO_ROWS, -(-group.columns // (self.host.tile_vectors * self.host.lanes(node.dtype))))
        if (group.kind == "matmul" and len(group.space) == 2) or (group.kind == "place" and self._by_rows(group)):
            return self._domain(group.rows)
        if group.kind in ("conv", "unwindows"):
            return Domain(group.rows, math.prod(group.space[:-2]))
        if group.kind == "conv_weight":
            return Domain(NO_ROWS, units(node.shape, node.params["groups"], self.host.registers))
        if group.kind == "reduce":
            return self._shared(x.size, results(x.shape, node.params["axes"], self.fusion.lanes(group)))
        if group.kind == "batch_last":
            return self._shared(x.size, -(-math.prod(x.shape[1:]) // self.fusion.lanes(group)))
        # With gaps, zeros come first everywhere, and then the values over them.
        gaps = any(step != 1 for *_, step in node.params.get("slices", ()))
        return self._shared(node.size, MOVED) if group.kind == "place" and not gaps else ALONE

    def _add(self, group: Group) -> None:
        self._place_stored(group)
        if group.kind == "place" and self._is_done(group):
            return
        name = f"k{len(self.kernels)}_{group.anchor.operation if group.anchor is not None else group.kind}"
        deep = group.kind == "matmul" and self._is_deep(group)
        if group.kind == "matmul" and not deep:
            assert group.anchor is not None
            self._pack(group.anchor.inputs[1])
        domain = self._split(group, deep=deep)
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
        kernel = Kernel(name, "deep" if deep else group.kind, domain, group)
        kernel.writes = [view.storage for node in group.stores for view in self.places(node)]
        read = {node.index: self.panels.get(node.index) or self._read(node, group) for node in reads}
        kernel.reads = [(read[node.index].storage, self._is_own(node, group) and not deep) for node in reads]
        if deep:
            kernel.writes += self._sums_of_pieces(group)
        elif len(reads) < len(group.reads):
            assert self.columns is not None
            kernel.reads.append((self.columns.parts.storage, False))
            kernel.in_parts = True
        self.kernels.append(kernel)

    def _is_done(self, group: Group) -> bool:
        """Whether all parts of a whole are computed in place, and nothing is left to do."""
        node = group.anchor
        assert node is not None
        gaps = node.operation == "interleave_last" and rest(node.shape, node.params["size"])
        if node.operation not in ("concatenate", "interleave_last") or gaps:
            return False
        parts = [pair for place in self.places(node) for pair in self.parts_of(node, place)]
        return all(self.lies_at(part, place) for part, place in parts)

    def _by_rows(self, group: Group) -> bool:
        """Whether each row of a concatenation is made of the same rows of its parts."""
        node = group.anchor
        assert node is not None
        return node.operation == "concatenate" and node.ndim == 2 and node.params["axis"] == 1

    def _is_deep(self, group: Group) -> bool:
        """Whether a product's second operand is better put together strip by strip; see emit/deep.py."""
        node = group.anchor
        assert node is not None
        if group.space != node.shape or len(node.shape) != 2 or node.inputs[1].index in self.panels:
            return False
        a, b = node.inputs
        by_columns = self.columns is not None and (node is self.columns.product or self.view(a) is self.columns.place)
        rows, columns = node.shape
        if by_columns or columns < self.host.tile_vectors * self.host.lanes(node.dtype):
            return False
        view = self.view(b)
        if view.strides[-1] != 1:
            return view.strides[-2] == 1 and b.size >= TURNED
        return a.shape[1] >= DEEP and rows > self.host.tile_rows

    def _sums_of_pieces(self, group: Group) -> list[Storage]:
        """Memory for the sums of a product in several pieces."""
        node = group.anchor
        assert node is not None
        if pieces(node.inputs[0].shape[1]) == 1:
            return []
        self.sums[node.index] = placed(node.shape, node.dtype, dense=False)
        return [self.sums[node.index].storage]

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
        if not by_rows or len(group.space) != 2 or node.ndim != 2 or node.shape[0] != group.space[0]:
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
        kernel = Kernel(f"k{len(self.kernels)}_pack", "pack", self._packed_by(node), node=node)
        kernel.reads, kernel.writes = [(view.storage, False)], [self.packed[node.index].storage]
        self.kernels.append(kernel)

    def _packed_by(self, node: Node) -> Domain:
        """How threads share the turning round of a matrix; see emit/move.py."""
        turned = self.view(node).strides[-2] == 1
        return self._shared(node.size, -(-node.shape[-1] // self.host.lanes(node.dtype))) if turned else ALONE

    def _add_final_copies(self) -> None:
        for node, place in self.late:
            if self.view(node).storage is not place.storage:  # else an input comes out as it went in
                self.final.setdefault(node.index, []).append(place)
        for index, places in self.final.items():
            node = self.graph.nodes[index]
            split = self._has_rows_of(node, self._root(node))
            domain = self._domain(node.shape[0]) if split else ALONE
            kernel = Kernel(f"k{len(self.kernels)}_copy", "copy", domain, node=node)
            kernel.reads = [(self.view(node).storage, split)]
            kernel.writes = [place.storage for place in places]
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
