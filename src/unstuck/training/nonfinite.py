"""Which step and which value went bad first, when training met a NaN or an infinity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unstuck.autodiff import Node
from unstuck.engines.reference import ReferenceEngine, is_finite
from unstuck.engines.steps import arguments
from unstuck.errors import NonFiniteError

if TYPE_CHECKING:
    from unstuck.training.fit import _Training


def non_finite(training: _Training, epoch: int) -> NonFiniteError:
    """The error for an epoch that went bad, found by running it again from its start.

    Steps are taken as before up to the first whose results are not finite; that one is run by the reference engine, value by
    value. Training is left as it was at the start of the epoch. The error carries the Run as ``.run``.
    """
    run = training.run
    training.go_back()
    bad: Node | None = None
    order, rates = training.order(epoch), training.rates(epoch)
    for batch, rate in enumerate(rates):
        before = (training.state, run.steps)
        if all(map(is_finite, training.take(order, rates, batch, 1))) and all(map(is_finite, training.state)):
            continue
        training.state, run.steps = before
        rows = order[batch * training.rows : (batch + 1) * training.rows]
        given = arguments(training.given, rows, rate, run.steps, training.state)
        bad = ReferenceEngine().compile(training.graph(len(rows))).first_non_finite(*given)
        break
    step = run.steps + 1
    training.go_back()
    run.stopped_because = "not finite"
    error = NonFiniteError(
        f"training met a NaN or an infinity at step {step} (epoch {epoch + 1}), first in {place(bad)}; the learning rate was "
        f"{rate:g}. Try a tenth of it, scale the inputs, or clip the gradient (clip_norm=1.0). The parameters are those of the "
        "start of that epoch."
    )
    error.run = run  # type: ignore[attr-defined]
    return error


def place(node: Node | None) -> str:
    """A node in words: "the exp in function1", "the input dense1.weight"."""
    if node is None:
        return "a value"
    if node.operation == "input":
        return f"the input {node.name}"
    return f"the {node.operation} in {node.scope}" if node.scope else f"the {node.operation}"
