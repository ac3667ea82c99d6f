"""The derivative of a scan: a second scan, in the other direction. (Werbos, "Backpropagation through time", 1990.)

Its body pulls the gradient back through one step. Only what has to wait for the step after it is left in there:

- What the pullback reads of the way forward (the gates of an LSTM) is told by the way forward: the recurrence is asked for
  these values too, and :mod:`unstuck.autodiff.scans` makes one scan of the two. Values that are quickly made of others are
  made again.
- What depends on constants alone (the weights, turned round) is computed once.
- A gradient that reaches results of no step, or of the last one only, is not read at each step.
- The gradient of a constant is a sum over all steps. Where a step's share is a product of two matrices, or a sum of rows, the
  factors or rows are told by the scan, and one product over all steps follows it. Other shares are added up in a carry.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from unstuck.autodiff.backward import pullback
from unstuck.autodiff.graph import Graph, Node, apply
from unstuck.autodiff.primitives.scan import layout, parts
from unstuck.autodiff.simplify import simplified

# More bytes than these are not kept from the way forward; the way back computes the step again.
LARGEST_KEPT = 1 << 28

# Made again of one kept value rather than kept: they cost no more than reading what they make.
QUICK = frozenset(
    ("add", "subtract", "multiply", "negative", "square", "absolute", "sign", "select", "greater",
     "greater_equal", "less", "less_equal", "equal", "not_equal", "logical_and", "logical_or", "logical_not", "astype",
     "identity", "stop_gradient", "slice", "reshape", "transpose", "broadcast_to", "flip")
)  # fmt: skip
# A sum over the steps passes through them: it may be taken before.
LINEAR = frozenset(("transpose", "reshape", "unslice", "negative", "astype", "identity"))

Built = Callable[[Callable[[Node], Node]], Node]  # from the stacked values of the body's nodes to a node outside


def scan_gradients(
    g: Any, y: Any, operands: Sequence[Any], *, body: Graph, carries: int, steps: int, length: int, reverse: bool
) -> tuple[Any, ...]:
    """The gradient of each operand of a scan whose value ``y`` has the gradient ``g``; None for those that have none."""
    return _WayBack(g, y, operands, body, carries, steps, length, reverse).gradients()


class _WayBack:
    """One derivative under way. Its nodes are those of ``self.step``: one step forward and its pullback, in one graph."""

    def __init__(
        self, g: Any, y: Any, operands: Sequence[Any], body: Graph, carries: int, steps: int, length: int, reverse: bool
    ) -> None:
        self.y, self.operands, self.body, self.outer = y, operands, body, y.graph
        self.carries, self.steps, self.length, self.reverse = carries, steps, length, reverse
        told = len(body.outputs) - carries
        received = self._received(g)
        wanted = [node.dtype.kind == "f" and node.operation != "constant" for node in operands]
        self.floating = [i for i in range(carries) if operands[i].dtype.kind == "f"]
        self.by_step = [j for j in range(steps) if wanted[carries + j]]
        self.added = [k for k in range(len(operands) - carries - steps) if wanted[carries + steps + k]]
        # What comes from behind the last step; a result of which only this is asked for adds to it.
        self.first = {i: received[told + i] for i in self.floating}
        for r, node in enumerate(body.outputs[carries:]):
            i = next((i for i in self.floating if body.outputs[i] is node), None)
            last = self._at_the_last_step(received[r])
            if i is not None and last is not None:
                self.first[i] = last if self.first[i] is None else self.first[i] + last
                received[r] = None

        step = Graph()
        down = [step.input(f"gradient{i}", operands[i].shape, operands[i].dtype) for i in self.floating]
        arriving = [(r, node) for r, node in enumerate(body.outputs[carries:]) if received[r] is not None]
        direct = [step.input(f"g{r}", node.shape, node.dtype) for r, node in arriving]
        given = [step.input(node.name or "", node.shape, node.dtype) for node in body.inputs]
        outputs = step.inlined(body, given)
        pairs = [(outputs[i], node) for i, node in zip(self.floating, down, strict=True)]
        pairs += [(outputs[carries + r], d) for (r, n), d in zip(arriving, direct, strict=True) if n.dtype.kind == "f"]
        asked = [given[i] for i in self.floating]
        asked += [given[carries + j] for j in self.by_step] + [given[carries + steps + k] for k in self.added]
        step.outputs = pullback([p[0] for p in pairs], [p[1] for p in pairs], asked)
        self.step = simplified(step)

        turned, split = self.step.outputs, len(self.floating)
        self.to_carries, rest = turned[:split], turned[split:]
        self.to_inputs, self.to_constants = rest[: len(self.by_step)], rest[len(self.by_step) :]
        inputs = self.step.inputs
        self.down, direct = inputs[:split], inputs[split : split + len(arriving)]
        self.given = inputs[split + len(arriving) :]
        self.received = {d.index: received[r] for (r, _), d in zip(arriving, direct, strict=True)}
        moving = {n.index for n in inputs[: split + len(arriving)]}
        self.moving = _reached(self.step, moving)
        self.varying = _reached(self.step, {n.index for n in self.given[: carries + steps]}) - self.moving

    def gradients(self) -> tuple[Any, ...]:
        after: dict[int, tuple[Built, list[Node]]] = {}  # constants whose gradient is one product or sum after the scan
        for k, share in zip(self.added, self.to_constants, strict=True):
            summed = self._summed(share)
            if summed is not None:
                after[k] = summed
        carried = {k: share for k, share in zip(self.added, self.to_constants, strict=True) if k not in after}
        collected = _unlike(node for _, nodes in after.values() for node in nodes)
        told = [node for node in collected if node.index in self.moving and node.index not in self.received]
        roots = [*self.to_carries, *self.to_inputs, *carried.values(), *told]
        kept = self._kept(roots, [node for node in collected if node.index in self.varying])

        # The body: of the nodes before, those that are neither kept nor the same at each step.
        stacked = self._stacked(kept)
        back = Graph()
        below = {n.index: back.input(n.name or "", n.shape, n.dtype) for n in self.down}
        sums = [back.input(f"sum{k}", share.shape, share.dtype) for k, share in carried.items()]
        entering = self._entering(roots, kept)
        fixed = [n for n in entering if n.index not in stacked]
        each = [n for n in entering if n.index in stacked]
        below |= {n.index: back.input(n.name or n.operation, n.shape, n.dtype) for n in (*each, *fixed)}
        made = dict(zip((n.index for n in roots), _copied(roots, below, back), strict=True))
        back.outputs = [made[n.index] for n in self.to_carries]
        back.outputs += [total + made[share.index] for total, share in zip(sums, carried.values(), strict=True)]
        results = _unlike([*self.to_inputs, *told])
        back.outputs += [made[n.index] for n in results]

        outside = {n.index: self.operands[i] for i, n in enumerate(self.given) if n.index not in stacked}
        constants = _copied(fixed, outside, self.outer)
        begin = [
            self._zeros(node) if self.first[i] is None else self.first[i]
            for i, node in zip(self.floating, self.down, strict=True)
        ]
        begin += [self._zeros(share) for share in carried.values()]
        setting = {"carries": len(begin), "steps": len(each), "length": self.length, "reverse": not self.reverse}
        value = apply("scan", *begin, *(stacked[n.index] for n in each), *constants, body=back, **setting)
        found = parts(value, back, len(begin), self.length)
        stacked |= {n.index: part for n, part in zip(results, found, strict=False)}
        last = found[len(found) - len(begin) :]

        answer: list[Any] = [None] * len(self.operands)
        for i, part in zip(self.floating, last, strict=False):
            answer[i] = part
        for j, node in zip(self.by_step, self.to_inputs, strict=True):
            answer[self.carries + j] = stacked[node.index]
        for k, total in zip(carried, last[len(self.floating) :], strict=True):
            answer[self.carries + self.steps + k] = total
        for k, (built, _) in after.items():
            answer[self.carries + self.steps + k] = built(lambda node: stacked[node.index])
        return tuple(answer)

    # What arrives ----------------------------------------------------------------------------------------------------
    def _received(self, g: Node) -> list[Any]:
        """The gradient of each part of the value, the stacked results and the last carries; None where it is zero."""
        pieces, places = _pieces(g), layout(self.body, self.carries, self.length)
        spans = [(start, start + math.prod(shape)) for start, shape, _ in places]
        if pieces is None or any(piece[:2] not in spans for piece in pieces):
            return parts(g, self.body, self.carries, self.length)
        found: list[Any] = []
        for span, (_, shape, dtype) in zip(spans, places, strict=True):
            total = None
            for start, stop, piece in pieces:
                if (start, stop) == span:
                    total = piece if total is None else total + piece
            if total is not None:
                total = total if total.shape == shape else apply("reshape", total, shape=shape)
                total = total if total.dtype == dtype else apply("astype", total, dtype=dtype)
            found.append(total)
        return found

    def _at_the_last_step(self, stacked: Node | None) -> Node | None:
        """The gradient of the last step's result, if the others have none."""
        if stacked is None:
            return None
        inner = _reshaped(stacked)
        if inner.operation != "unslice" or inner.shape != stacked.shape:
            return None
        t = 0 if self.reverse else self.length - 1
        if inner.params["slices"] != ((t, t + 1, 1), *((0, n, 1) for n in stacked.shape[1:])):
            return None
        return apply("reshape", inner.inputs[0], shape=stacked.shape[1:])

    def _zeros(self, like: Node) -> Node:
        zero = self.outer.constant(0.0, like.dtype)
        return apply("broadcast_to", zero, shape=like.shape) if like.shape else zero

    # Sums over the steps -------------------------------------------------------------------------------------------------
    def _summed(self, share: Node) -> tuple[Built, list[Node]] | None:
        """How the sum of a node over all steps is made of values that steps tell, and which these are."""
        rows = self.length
        if share.operation in LINEAR:
            inner = self._summed(share.inputs[0])
            if inner is None:
                return None
            build, nodes = inner
            return lambda all_of: apply(share.operation, build(all_of), **share.params), nodes
        if share.operation == "add" and all(p.shape == share.shape for p in share.inputs):
            both = [self._summed(p) for p in share.inputs]
            if both[0] is None or both[1] is None:
                return None
            (one, some), (other, more) = both[0], both[1]
            return lambda all_of: one(all_of) + other(all_of), [*some, *more]
        if not all(self._by_steps(_upright(p)) for p in share.inputs):
            return None
        if share.operation == "sum":
            (whole,), axes = share.inputs, (0, *(a + 1 for a in share.params["axes"]))

            def total(all_of: Callable[[Node], Node]) -> Node:
                found = apply("sum", all_of(whole), axes=axes, keepdims=False)
                return found if found.shape == share.shape else apply("reshape", found, shape=share.shape)

            return total, [whole]
        if share.operation == "matmul" and all(len(p.shape) == 2 for p in share.inputs):
            a, b = (_upright(p) for p in share.inputs)
            turned = [p is not node for p, node in zip(share.inputs, (a, b), strict=True)]

            def product(all_of: Callable[[Node], Node]) -> Node:
                # The inner axis of each factor, its rows or its columns, runs on over the steps.
                left, right = all_of(a), all_of(b)
                if turned[0]:
                    left = apply("transpose", _joined(left, rows), axes=(1, 0))
                else:
                    left = apply("transpose", left, axes=(1, 0, 2))
                    left = apply("reshape", left, shape=(left.shape[0], rows * left.shape[2]))
                if turned[1]:
                    right = apply("transpose", right, axes=(0, 2, 1))
                return apply("matmul", left, _joined(right, rows))

            return product, [a, b]
        return None

    def _by_steps(self, node: Node) -> bool:
        """Whether a value differs from step to step and can be told by them."""
        return node.index in self.moving or node.index in self.varying

    # What is read of the way forward -------------------------------------------------------------------------------------
    def _kept(self, roots: Sequence[Node], collected: Sequence[Node]) -> list[Node]:
        """The values of the way forward that are kept for the way back: ``collected``, and what ``roots`` need of it."""
        kept = {n.index: n for n in collected if n.operation != "input"}
        budget = LARGEST_KEPT - sum(self._bytes(n) for n in kept.values())

        prices: dict[int, dict[int, Node]] = {}  # the values to keep so that a node can be made again

        def price(node: Node) -> dict[int, Node]:
            if node.index in kept or node.index not in self.varying or node.operation == "input":
                return {}
            if node.index not in prices:
                needed = {node.index: node}
                if node.operation in QUICK:
                    below = {index: n for parent in node.inputs for index, n in price(parent).items()}
                    own = node.dtype.kind == "f" and sum(map(self._bytes, below.values())) > self._bytes(node)
                    needed = needed if own else below
                prices[node.index] = needed
            return prices[node.index]

        for node in _frontier(roots, self.moving):
            new = {index: n for index, n in price(node).items() if index not in kept}
            size = sum(self._bytes(n) for n in new.values())
            if size <= budget:
                budget -= size
                kept |= new
        return list(kept.values())

    def _bytes(self, node: Node) -> int:
        return self.length * math.prod(node.shape) * node.dtype.itemsize

    def _entering(self, roots: Sequence[Node], kept: Sequence[Node]) -> list[Node]:
        """What the body of the way back takes from outside: kept values, inputs, and what is the same at each step."""
        found: dict[int, Node] = {}
        ready = {n.index for n in kept}
        pending, seen = list(roots), {n.index for n in self.down}
        while pending:
            node = pending.pop()
            if node.index in seen:
                continue
            seen.add(node.index)
            same = node.index not in self.moving and node.index not in self.varying
            if node.operation == "constant":
                continue
            if node.operation == "input" or node.index in ready or same:
                found[node.index] = node
            else:
                pending += node.inputs
        return [found[index] for index in sorted(found)]

    def _stacked(self, kept: Sequence[Node]) -> dict[int, Any]:
        """The values of all steps, (length, …): of the gradients that arrive, the step's inputs, what is kept, and the carries
        before each step, if the step or its pullback reads them."""
        found = dict(self.received)
        found |= {self.given[self.carries + j].index: self.operands[self.carries + j] for j in range(self.steps)}
        before = self.given[: self.carries]
        read = {p.index for n in self.step.nodes for p in n.inputs} | {n.index for n in self.step.outputs}
        histories = [node for node in before if node.index in read]
        everything = self._told_forward([*kept, *histories])
        return found | dict(zip((n.index for n in (*kept, *histories)), everything, strict=True))

    def _told_forward(self, wanted: Sequence[Node]) -> list[Any]:
        """Values of the way forward, stacked: of kept nodes, and of carries before each step. The recurrence is asked for those
        that it does not tell yet."""
        forward = Graph()
        inputs = [forward.input(n.name or "", n.shape, n.dtype) for n in self.body.inputs]
        outputs = forward.inlined(self.body, inputs)
        values = _copied(wanted, dict(zip((n.index for n in self.given), inputs, strict=True)), forward)
        results = outputs[self.carries :]
        asked = [*results, *(n for n in _unlike(values) if all(n is not r for r in results))]
        place = {n.index: r for r, n in reversed(list(enumerate(asked)))}
        y, body = self.y, self.body
        if len(asked) > len(results):
            forward.outputs = [*outputs[: self.carries], *asked]
            body = forward.pruned()
            setting = {
                "carries": self.carries, "steps": self.steps, "length": self.length, "reverse": self.reverse,
            }  # fmt: skip
            y = apply("scan", *self.operands, body=body, **setting)
        stacked = parts(y, body, self.carries, self.length)
        return [stacked[place[n.index]] for n in values]


def _pieces(g: Node) -> list[tuple[int, int, Node]] | None:
    """(start, stop, values) of the pieces whose sum, between zeros, is a flat gradient; None if it is made otherwise."""
    if g.operation == "add" and all(p.shape == g.shape for p in g.inputs):
        both = [_pieces(p) for p in g.inputs]
        return None if both[0] is None or both[1] is None else [*both[0], *both[1]]
    if g.operation != "unslice" or g.params["slices"][0][2] != 1:
        return None
    start, stop, _ = g.params["slices"][0]
    return [(start, stop, g.inputs[0])]


def _reshaped(node: Node) -> Node:
    """The value before it was only reshaped."""
    while node.operation == "reshape":
        node = node.inputs[0]
    return node


def _reached(graph: Graph, start: Iterable[int]) -> set[int]:
    """The nodes that depend on some nodes, and these."""
    found = set(start)
    for node in graph.nodes:
        if any(parent.index in found for parent in node.inputs):
            found.add(node.index)
    return found


def _frontier(roots: Sequence[Node], moving: set[int]) -> list[Node]:
    """The operands of moving nodes that do not move themselves, in their order."""
    found: dict[int, Node] = {}
    pending, seen = list(roots), set[int]()
    while pending:
        node = pending.pop()
        if node.index in seen:
            continue
        seen.add(node.index)
        if node.index in moving:
            pending += node.inputs
        else:
            found[node.index] = node
    return [found[index] for index in sorted(found)]


def _copied(nodes: Sequence[Node], known: Mapping[int, Node], graph: Graph) -> list[Node]:
    """Nodes of another graph, recorded into this one down to those that are known here."""
    twin = dict(known)
    pending = list(nodes)
    while pending:
        node = pending[-1]
        missing = [p for p in node.inputs if p.index not in twin]
        if node.index in twin:
            pending.pop()
        elif node.operation == "constant":
            twin[node.index] = graph.constant(node.value)
        elif missing:
            pending += missing
        else:
            twin[node.index] = graph.add(node.operation, tuple(twin[p.index] for p in node.inputs), node.params)
    return [twin[node.index] for node in nodes]


def _upright(node: Node) -> Node:
    """A matrix as it was before it was turned round."""
    turned = node.operation == "transpose" and node.params["axes"] == (1, 0)
    return node.inputs[0] if turned else node


def _joined(stacked: Node, length: int) -> Node:
    """The matrices of all steps, one under the other."""
    return apply("reshape", stacked, shape=(length * stacked.shape[1], stacked.shape[2]))


def _unlike(nodes: Iterable[Node]) -> list[Node]:
    return list({node.index: node for node in nodes}.values())
