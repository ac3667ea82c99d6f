"""Images and sequences with the batch as their last axis: a vector then holds one value of many rows, whatever the channels.

A graph with convolutions or windows is written anew before it is planned. From the first such node on, values (N, *spatial, C)
are held as (*spatial, C, N), through elementwise operations, reductions and reshapes, to where an operation wants them as they
were; they are turned round only at these borders. A convolution of one tap is a product of matrices, unless its operands lie
turned. Other convolutions become nodes of this engine alone, on padded values:

    batch_last(x)                 (N, …) to (…, N), copied
    conv_last(x, k)               (*spatial, C, N), (*size, C / groups, O) to (*places, O, N)
    conv_transpose_last(g, k)     its adjoint by x, (*spatial, C, N)
    conv_weight_last(x, g)        its adjoint by k, (*size, C / groups, O)
    windows_last(x)               (*spatial, C, N) to (*places, *size, C, N), seen through strides
    unwindows_last(w)             its adjoint
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from unstuck.autodiff import Graph, Node
from unstuck.autodiff.primitives import TABLE

SEEDS = ("conv", "conv_transpose", "conv_weight", "windows", "unwindows")


def with_batch_last(graph: Graph) -> Graph:
    """The same graph, written for batches as the last axis where it has convolutions or windows."""
    if not any(_can(node) for node in graph.nodes):
        return graph
    return _Rewriting(graph).new


def _can(node: Node) -> bool:
    kinds = {node.dtype, *(p.dtype for p in node.inputs)}
    plain = len(kinds) == 1 and node.dtype.kind == "f" and node.dtype.itemsize in (4, 8)
    return node.operation in SEEDS and plain and node.size > 0 and all(p.size for p in node.inputs)


def _is_product(node: Node) -> bool:
    """Whether this is a convolution of one tap without gaps, groups or a border, or an adjoint of one."""
    if node.operation not in ("conv", "conv_transpose", "conv_weight") or not _can(node):
        return False
    size = node.shape[:-2] if node.operation == "conv_weight" else node.inputs[1].shape[:-2]
    plain = set(size) == set(node.params["stride"]) == {1} and node.params["groups"] == 1
    return plain and not any(map(any, node.params["padding"]))


class _Rewriting:
    def __init__(self, graph: Graph) -> None:
        self.new = Graph()
        self.as_it_was: dict[int, Node] = {}
        self.turned: dict[int, Node] = {}
        self._made: dict[Any, Node] = {}
        self.batches = {node.inputs[0].shape[0] for node in graph.nodes if _can(node) and not _is_product(node)}
        for node in graph.inputs:
            self.as_it_was[node.index] = self.new.input(node.name or "", node.shape, node.dtype)
        for node in graph.nodes:
            self.new.scope = node.scope
            if node.operation == "constant":
                self.as_it_was[node.index] = self.new.constant(node.value)
            elif node.operation != "input" and not self._turn(node):
                operands = tuple(self.first(parent) for parent in node.inputs)
                self.as_it_was[node.index] = self.new.add(node.operation, operands, node.params)
        self.new.outputs = [self.first(node) for node in graph.outputs]
        self.new.scope = ""

    # The two ways in which a value may lie -----------------------------------------------------------------------------
    def first(self, node: Node) -> Node:
        """The value with the batch in front."""
        if node.index not in self.as_it_was:
            last = self.turned[node.index]
            axes = (last.ndim - 1, *range(last.ndim - 1))
            self.as_it_was[node.index] = self.new.add("transpose", (last,), {"axes": axes})
        return self.as_it_was[node.index]

    def last(self, node: Node) -> Node:
        """The value with the batch behind."""
        if node.index not in self.turned:
            shape = (*node.shape[1:], node.shape[0])
            self.turned[node.index] = self._own("batch_last", [self.first(node)], {}, shape)
        return self.turned[node.index]

    def _own(self, operation: str, inputs: Sequence[Node], params: Mapping[str, Any], shape: Sequence[int]) -> Node:
        key = (operation, tuple(node.index for node in inputs), tuple(sorted(params.items())), tuple(shape))
        if key not in self._made:
            self._made[key] = Node(self.new, operation, tuple(inputs), params, tuple(shape), inputs[0].dtype)
        return self._made[key]

    # What becomes of a node -------------------------------------------------------------------------------------------
    def _turn(self, node: Node) -> bool:
        """Write the node with the batch behind, if it has one and that saves turning its operands round."""
        made: Node | None = None
        if _is_product(node) and not any(self._lies_turned(p) for p in node.inputs):
            self.as_it_was[node.index] = self._product(node)
            return True
        if _can(node):
            made = getattr(self, f"_{node.operation}")(node)
            if node.operation == "conv_weight":
                assert made is not None
                self.as_it_was[node.index] = made
                return True
        elif node.operation == "reshape":
            made = self._reshape(node)
        elif any(p.index in self.turned and p.index not in self.as_it_was for p in node.inputs):
            if TABLE[node.operation].elementwise or node.operation in ("astype", "broadcast_to"):
                made = self._elementwise(node)
            elif node.operation in ("sum", "max", "min"):
                return self._reduction(node)
            elif node.operation in ("slice", "unslice", "concatenate"):
                made = self._moved(node)
        if made is not None:
            self.turned[node.index] = made
        return made is not None

    def _reshape(self, node: Node) -> Node | None:
        """A reshape that leaves the batch alone; one that makes images of rows is where they are turned round."""
        (x,) = node.inputs
        if x.ndim < 2 or node.ndim < 2 or x.shape[0] != node.shape[0]:
            return None
        if x.index not in self.turned and not (node.ndim > 2 and node.shape[0] in self.batches):
            return None
        return self.new.add("reshape", (self.last(x),), {"shape": (*node.shape[1:], node.shape[0])})

    def _elementwise(self, node: Node) -> Node | None:
        if node.ndim < 2:
            return None
        operands = []
        for parent in node.inputs:
            if parent.ndim == node.ndim and parent.shape[0] == node.shape[0]:
                operands.append(self.last(parent))
            elif parent.ndim == 0:
                operands.append(self.first(parent))
            elif parent.ndim == node.ndim and parent.index in self.turned:
                operands.append(self.turned[parent.index])
            elif parent.ndim < node.ndim and parent.index in self.turned and parent.index not in self.as_it_was:
                return None
            else:
                rest = parent.shape[1:] if parent.ndim == node.ndim else parent.shape
                operands.append(self.new.add("reshape", (self.first(parent),), {"shape": (*rest, 1)}))
        params = dict(node.params)
        if node.operation == "broadcast_to":
            params["shape"] = (*node.shape[1:], node.shape[0])
        return self.new.add(node.operation, tuple(operands), params)

    def _reduction(self, node: Node) -> bool:
        (x,) = node.inputs
        axes: tuple[int, ...] = node.params["axes"]
        moved = tuple(sorted((a - 1) % x.ndim for a in axes))
        made = self.new.add(node.operation, (self.last(x),), {**node.params, "axes": moved})
        lies_behind = node.ndim > 1 and (node.params["keepdims"] or 0 not in axes)
        (self.turned if lies_behind else self.as_it_was)[node.index] = made
        return True

    def _moved(self, node: Node) -> Node | None:
        """Slices and concatenations that leave the batch whole."""
        params = dict(node.params)
        if node.operation == "concatenate":
            if params["axis"] == 0:
                return None
            params["axis"] -= 1
        else:
            size = node.inputs[0].shape[0] if node.operation == "slice" else node.shape[0]
            spans = params["slices"]
            if spans[0] != (0, size, 1):
                return None
            params["slices"] = (*spans[1:], spans[0])
            if node.operation == "unslice":
                params["shape"] = (*node.shape[1:], node.shape[0])
        return self.new.add(node.operation, tuple(self.last(p) for p in node.inputs), params)

    # Convolutions of one tap -------------------------------------------------------------------------------------------
    def _lies_turned(self, node: Node) -> bool:
        """Whether a value is at hand only with the batch behind."""
        return node.index in self.turned and node.index not in self.as_it_was

    def _product(self, node: Node) -> Node:
        """A convolution of one tap, or its adjoint, as a product of matrices: each place is a row."""
        first, second = (self.first(parent) for parent in node.inputs)
        a = self._flat(first)
        if node.operation == "conv_weight":
            product = self.new.add("matmul", (self._transposed(a), self._flat(second)), {})
        elif node.operation == "conv":
            product = self.new.add("matmul", (a, self._flat(second)), {})
        else:
            product = self.new.add("matmul", (a, self._transposed(self._flat(second))), {})
        return self.new.add("reshape", (product,), {"shape": node.shape})

    def _flat(self, node: Node) -> Node:
        shape = (math.prod(node.shape[:-1]), node.shape[-1])
        return self.new.add("reshape", (node,), {"shape": shape})

    def _transposed(self, node: Node) -> Node:
        return self.new.add("transpose", (node,), {"axes": (1, 0)})

    # Convolutions and windows ------------------------------------------------------------------------------------------
    def _padded(self, node: Node, padding: Any) -> Node:
        x = self.last(node)
        if not any(map(any, padding)):
            return x
        spatial = x.shape[:-2]
        shape = (*(n + a + b for n, (a, b) in zip(spatial, padding, strict=True)), *x.shape[-2:])
        spans = [(a, a + n, 1) for n, (a, _) in zip(spatial, padding, strict=True)]
        spans += [(0, n, 1) for n in x.shape[-2:]]
        return self.new.add("unslice", (x,), {"shape": shape, "slices": tuple(spans)})

    def _conv(self, node: Node) -> Node:
        x, k = node.inputs
        params = dict(node.params)
        return self._own(
            "conv_last", [self._padded(x, params.pop("padding")), self.first(k)], params,
            (*node.shape[1:], node.shape[0]),
        )  # fmt: skip

    def _conv_transpose(self, node: Node) -> Node:
        g, k = node.inputs
        params = dict(node.params)
        padding, spatial = params.pop("padding"), params.pop("spatial")
        wide = [n + a + b for n, (a, b) in zip(spatial, padding, strict=True)]
        made = self._own(
            "conv_transpose_last", [self.last(g), self.first(k)], params, (*wide, node.shape[-1], node.shape[0])
        )
        if not any(map(any, padding)):
            return made
        spans = [(a, a + n, 1) for n, (a, _) in zip(spatial, padding, strict=True)]
        spans += [(0, n, 1) for n in made.shape[-2:]]
        return self.new.add("slice", (made,), {"slices": tuple(spans)})

    def _conv_weight(self, node: Node) -> Node:
        x, g = node.inputs
        params = dict(node.params)
        del params["size"]
        return self._own("conv_weight_last", [self._padded(x, params.pop("padding")), self.last(g)], params, node.shape)

    def _windows(self, node: Node) -> Node:
        return self._own("windows_last", [self.last(node.inputs[0])], node.params, (*node.shape[1:], node.shape[0]))

    def _unwindows(self, node: Node) -> Node:
        params = {k: v for k, v in node.params.items() if k != "spatial"}
        return self._own("unwindows_last", [self.last(node.inputs[0])], params, (*node.shape[1:], node.shape[0]))
