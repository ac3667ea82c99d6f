"""Run: what came of one training, to be evaluated, used and saved."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from unstuck.errors import InputError
from unstuck.nn.losses import Loss
from unstuck.nn.network import Network, classes_of
from unstuck.training import metrics
from unstuck.training.examples import as_dataset
from unstuck.training.history import History
from unstuck.training.optimizers import Optimizer

Array = np.ndarray[Any, Any]


@dataclass
class Run:
    """One training: the network it left, the history, and why it ended.

    ``stopped_because`` is "epochs", "early stopping", "tolerance", "callback" or "interrupted";
    ``best_epoch`` (from 1) is the epoch whose parameters the network has now, where early stopping was asked for.
    """

    network: Network
    loss: Loss
    optimizer: Optimizer
    task: str
    seed: int
    batch_size: int | None
    engine: str
    history: History = field(default_factory=History)
    stopped_because: str = ""
    best_epoch: int | None = None
    steps: int = 0
    seconds: float = 0.0
    seconds_to_first_step: float = 0.0
    stop_training: bool = False

    @property
    def epochs(self) -> int:
        """The number of finished epochs."""
        return len(self.history)

    @property
    def interrupted(self) -> bool:
        return self.stopped_because == "interrupted"

    def evaluate(self, data: Any) -> dict[str, float]:
        """Loss and metrics on a data set or an (inputs, targets) pair; see :func:`evaluate`."""
        return evaluate(self.network, data, loss=self.loss)

    def save(self, path: str | Path) -> Path:
        """Write the network with all that is needed to use it to one safetensors file; returns its path."""
        from unstuck.training.saving import save

        return save(self.network, path, loss=self.loss, history=self.history, optimizer=self.optimizer, seed=self.seed)

    def __repr__(self) -> str:
        last = self.history.row(-1) if len(self.history) else {}
        figures = ", ".join(f"{k} {v:.4g}" for k, v in last.items() if isinstance(v, float) and k != "seconds")
        return f"<Run of {self.network.describe()}: {self.epochs} epochs, {self.stopped_because or 'in progress'}; {figures}>"


def evaluate(network: Network, data: Any, *, loss: Loss | None = None) -> dict[str, float]:
    """Loss and metrics of a trained network on a data set or an (inputs, targets) pair.

    Classification: loss, accuracy, balanced_accuracy; regression: loss, mae, mse, r2, in the units of the targets. The
    loss is the data loss (no penalties), averaged over rows (or summed, if the loss says so).
    """
    given = as_dataset(data, network.task)
    loss = loss or network.loss
    if loss is None:
        raise InputError("the network has not been trained, so there is no loss to evaluate; give loss=.")
    outputs = network.outputs(given.inputs)
    targets = given.targets
    if network.task == "classification":
        check_labels(targets, outputs.shape[-1], network.class_names)
        figures = {"loss": loss_value(loss, outputs, targets)}
        predicted = classes_of(outputs, loss)
        figures["accuracy"] = metrics.accuracy(targets, predicted)
        figures["balanced_accuracy"] = metrics.balanced_accuracy(targets, predicted)
        return figures
    if targets.shape != outputs.shape:
        raise InputError(f"the targets have shape {targets.shape}; the network gives {outputs.shape}.")
    apply_targets = getattr(network.preprocessing, "apply_targets", None)
    scaled = targets if apply_targets is None else apply_targets(targets)
    figures = {"loss": loss_value(loss, outputs, scaled)}
    invert = getattr(network.preprocessing, "invert_targets", None)
    values = outputs if invert is None else invert(outputs)
    figures["mae"] = metrics.mean_absolute_error(targets, values)
    figures["mse"] = metrics.mean_squared_error(targets, values)
    figures["r2"] = metrics.r2(targets, values)
    return figures


def loss_value(loss: Loss, outputs: Array, targets: Array, *, rows: int = 4096) -> float:
    """The loss of finished outputs, in float64, computed by the same rule as in training."""
    from unstuck.autodiff import Graph

    total = 0.0
    for start in range(0, len(outputs), rows):
        graph = Graph(eager=True)
        o, t = outputs[start : start + rows].astype(np.float64), targets[start : start + rows]
        o_node = graph.input("outputs", o.shape, o.dtype, value=o)
        t_node = graph.input("targets", t.shape, t.dtype, value=t)
        value = loss(o_node, t_node).value
        total += float(value) * (len(o) if loss.batch == "mean" else 1)
    return total / len(outputs) if loss.batch == "mean" else total


def check_labels(labels: Array, width: int, class_names: tuple[str, ...] | None) -> None:
    """InputError if a label has no output unit."""
    classes = 2 if width == 1 else width
    if labels.ndim == 1 and len(labels) and (labels.min() < 0 or labels.max() >= classes):
        row = int(np.argmax((labels < 0) | (labels >= classes)))
        raise InputError(
            f"row {row} has label {labels[row]}, but the network has {width} output{'s' if width > 1 else ''}, for labels "
            f"0 to {classes - 1}. Give the last layer one unit for each class."
        )
