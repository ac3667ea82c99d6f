"""Which step and which value went bad first, when training met a NaN or an infinity."""

from __future__ import annotations

from dataclasses import dataclass

from unstuck.autodiff import Node
from unstuck.engines.reference import ReferenceEngine, is_finite
from unstuck.training.stepping import Stepping


@dataclass(frozen=True)
class Bad:
    """Where the first value that is not finite appeared: the step (from 1), its rate, the value in words."""

    step: int
    rate: float
    place: str


def find(stepping: Stepping, epoch: int) -> Bad:
    """The first bad value of an epoch that went bad, found by running it again from its start.

    Steps are taken as before up to the first whose results are not finite; that one is run by the reference engine, value by
    value. Training is left as it was at the start of the epoch.
    """
    run = stepping.run
    stepping.go_back()
    bad: Node | None = None
    order, rates = stepping.order(epoch), stepping.rates(epoch)
    batch = 0
    for batch in range(len(rates)):
        before = (stepping.state, run.steps)
        if all(map(is_finite, stepping.take(order, rates, batch, 1))) and all(map(is_finite, stepping.state)):
            continue
        stepping.state, run.steps = before
        given = stepping.inputs_of(order, rates, batch)
        bad = ReferenceEngine().compile(stepping.graph(len(given[0]))).first_non_finite(*given)
        break
    step = run.steps + 1
    stepping.go_back()
    return Bad(step, float(rates[batch]), place(bad))


def place(node: Node | None) -> str:
    """A node in words: "the exp in function1", "the input dense1.weight"."""
    if node is None:
        return "a value"
    if node.operation == "input":
        return f"the input {node.name}"
    return f"the {node.operation} in {node.scope}" if node.scope else f"the {node.operation}"
