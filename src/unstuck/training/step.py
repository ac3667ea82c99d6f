"""One training step as one graph: forward pass, loss, gradients and the optimiser's update."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unstuck.autodiff import Graph, Node, gradients
from unstuck.autodiff.simplify import simplified
from unstuck.errors import InputError
from unstuck.nn.checks import number
from unstuck.nn.layers.base import Context, Parameter
from unstuck.nn.losses import Loss, NamedLoss
from unstuck.nn.network import Network
from unstuck.training.optimizers import Optimizer, slot_names


@dataclass(frozen=True)
class Penalty:
    """``l1 · Σ|θ| + ½ · l2 · Σθ²`` over a group of parameters, added to the loss; the gradient of the second is l2·θ.

    ``weight_decay`` draws the group to zero by ``rate · weight_decay · θ`` at each step, apart from loss and gradient; it comes
    on top of the optimiser's own. ``parameters`` is "weights" (no biases), "all", or a list of names such as ["dense1.weight"].
    """

    l1: float = 0.0
    l2: float = 0.0
    parameters: str | Sequence[str] = "weights"
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        for name in ("l1", "l2", "weight_decay"):
            object.__setattr__(self, name, number(name, getattr(self, name), least=0))

    def chosen(self, network: Network) -> list[str]:
        """The names of the parameters that are penalised."""
        specs = trained(network)
        if self.parameters == "all":
            return list(specs)
        if self.parameters == "weights":
            return [name for name, spec in specs.items() if spec.kind == "weight"]
        unknown = [name for name in self.parameters if name not in specs]
        if unknown or isinstance(self.parameters, str):
            raise InputError(
                f"penalty: parameters {self.parameters!r} are not known; expected 'weights', 'all' or a list out of "
                f"{', '.join(specs)}."
            )
        return list(self.parameters)


def trained(network: Network) -> dict[str, Parameter]:
    """What the gradient changes: all parameters but the statistics that layers keep themselves."""
    return {name: spec for name, spec in network.parameter_specs().items() if spec.kind != "statistic"}


@dataclass(frozen=True)
class StepPlan:
    """What the step graph is made for: everything that changes its shape, and nothing else."""

    network: Network
    loss: Loss
    optimizer: Optimizer
    penalties: tuple[Penalty, ...] = ()
    clip_norm: float | None = None
    weighted: bool = False
    counts_correct: bool = False
    reports_gradient: bool = False

    @property
    def figures(self) -> list[str]:
        """The names of what a step tells of each named output, such as "loss_digit" and "accuracy_digit"."""
        if not isinstance(self.loss, NamedLoss):
            return []
        both = ((f"loss_{name}", *([f"accuracy_{name}"] if p.labels else [])) for name, p in self.loss.parts.items())
        return [figure for figures in both for figure in figures]

    def slots(self) -> dict[str, np.ndarray[Any, Any]]:
        """The optimiser's state at the start: zeros, by name such as "dense1.weight/velocity"."""
        return {
            f"{name}/{slot}": np.zeros_like(self.network.parameters[name])
            for name in trained(self.network)
            for slot in slot_names(self.optimizer)
        }

    def carried(self, graph: Graph) -> list[Node]:
        """The states that go on from batch to batch, among the inputs of a recorded step: behind the slots, as in its outputs."""
        return graph.inputs[5 + self.weighted + len(self.network.parameters) + len(self.slots()) :]

    def record(
        self, inputs: tuple[int, ...], targets: tuple[int, ...], target_dtype: Any, *, with_gradients: bool = False
    ) -> Graph:
        """The step for a batch of the given shapes.

        Inputs of the graph, in order: x, targets, weights (if ``weighted``), rate, step, key, parameters, slots. Outputs:
        the loss (with penalties), the data loss, the number of rows classified rightly (if ``counts_correct``), the
        squared norm of the gradient (if ``reports_gradient``), those of :meth:`figures`, the new parameters, the new slots,
        the gradients (if asked for).
        """
        network, dtype = self.network, self.network.dtype
        graph = Graph()
        x = graph.input("x", inputs, dtype)
        t = graph.input("targets", targets, target_dtype)
        weights = graph.input("weights", inputs[:1], dtype) if self.weighted else None
        rate = graph.input("rate", (), dtype)
        step = graph.input("step", (), dtype)
        key = graph.input("key", (2,), np.uint32)
        parameters = {name: graph.input(name, p.shape, p.dtype) for name, p in network.parameters.items()}
        slots = {name: graph.input(name, s.shape, s.dtype) for name, s in self.slots().items()}

        context = Context(training=True, key=key, carried={})
        outputs = network.forward(x, parameters, context)
        graph.scope = "loss"
        parts = self.loss.taken_apart(outputs, t)
        values = {name: part(y, target, weights) for name, (part, y, target) in parts.items()}
        data_loss = self.loss.total(values)
        loss = data_loss
        graph.scope = "penalty"
        specs = trained(network)
        decay = {name: self.optimizer.weight_decay * (spec.kind == "weight") for name, spec in specs.items()}
        for penalty in self.penalties:
            for name in penalty.chosen(network):
                decay[name] += penalty.weight_decay
                if penalty.l1:
                    loss = loss + penalty.l1 * np.sum(np.abs(parameters[name]))
                if penalty.l2:
                    loss = loss + (0.5 * penalty.l2) * np.sum(np.square(parameters[name]))
        graph.scope = ""
        found = gradients(loss, [parameters[name] for name in specs])

        results: list[Node] = [loss, data_loss]
        if self.counts_correct:
            graph.scope = "accuracy"
            results.append(np.sum(_predicted(outputs, self.loss) == t))
        if self.reports_gradient or self.clip_norm is not None:
            graph.scope = "gradient norm"
            # Divided by the largest value first: squares of a gradient that needs clipping may overflow.
            largest = functools.reduce(np.maximum, [np.max(np.abs(g)) for g in found])
            unit = np.where(largest > 0, largest, 1.0)
            norm = unit * np.sqrt(functools.reduce(operator.add, [np.sum(np.square(g / unit)) for g in found]))
            if self.reports_gradient:
                results.append(np.square(norm))
            if self.clip_norm is not None:
                factor = self.clip_norm / np.maximum(norm, self.clip_norm)
                found = [g * factor for g in found]
        graph.scope = "figures"
        results += _figures(parts, values).values()
        new_slots: list[Node] = []
        known = dict(zip(specs, found, strict=True))
        for name, p in parameters.items():
            if name not in specs:
                results.append(context.updates.get(name, p))
                continue
            graph.scope = f"update of {name}"
            mine = {slot: slots[f"{name}/{slot}"] for slot in slot_names(self.optimizer)}
            p, mine = self.optimizer.update(p, known[name], mine, rate, step, decay=decay[name])
            results.append(p)
            new_slots += mine.values()
        graph.scope = ""
        # A statistic has no gradient: nothing in the loss comes from it.
        shown = [known.get(name, graph.constant(np.zeros(p.shape, p.dtype))) for name, p in parameters.items()]
        after = [after for _, after in (context.carried or {}).values()]
        graph.outputs = [*results, *new_slots, *after, *(shown if with_gradients else [])]
        return simplified(graph)


def _figures(parts: Mapping[str, tuple[Loss, Any, Any]], values: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of each named output: its loss, and the share of its labels that are found."""
    found = {}
    for name, (loss, outputs, targets) in parts.items():
        if name:
            found[f"loss_{name}"] = values[name]
        if name and targets.dtype.kind in "iu":
            counted = targets >= 0
            right = np.sum(np.logical_and(_predicted(outputs, loss) == targets, counted).astype(outputs.dtype))
            found[f"accuracy_{name}"] = right / np.maximum(np.sum(counted.astype(outputs.dtype)), 1.0)
    return found


def _predicted(outputs: Node, loss: Loss) -> Node:
    """The class number of each row, as ``answers.classes_of`` gives it for finished outputs."""
    if outputs.shape[-1] > 1:
        return np.argmax(outputs, axis=-1)
    threshold = 0.0 if loss.takes == "logits" else 0.5
    return (outputs[..., 0] > threshold).astype(np.int64)
