"""Run: what came of one training, to be evaluated, used and saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from unstuck.data.dataset import Dataset
from unstuck.errors import InputError
from unstuck.nn.answers import Answers, classes_of
from unstuck.nn.losses import Loss, loss_function
from unstuck.nn.network import Network
from unstuck.training import metrics
from unstuck.training.checks import check_targets
from unstuck.training.examples import as_dataset
from unstuck.training.history import History
from unstuck.training.named_outputs import answers_of, check_names, joint_loss
from unstuck.training.optimizers import Optimizer
from unstuck.training.trouble import Trouble

Array = np.ndarray[Any, Any]


@dataclass
class Run:
    """One training: the network it left, the history, and why it ended.

    ``recording`` holds what was measured inside the steps, see :class:`unstuck.training.recording.Recorder`.
    ``troubles`` holds what went wrong on the way, see :class:`unstuck.training.trouble.Trouble`.
    ``stopped_because`` is "epochs", "early stopping", "tolerance", "callback", "trouble" or "interrupted";
    ``best_epoch`` (from 1) is the epoch whose parameters the network has now, where early stopping was asked for.
    """

    network: Network
    loss: Loss
    optimizer: Optimizer
    task: Any
    seed: int
    batch_size: int | None
    engine: str
    history: History = field(default_factory=History)
    recording: History = field(default_factory=History)
    troubles: list[Trouble] = field(default_factory=list)
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


def evaluate(
    network: Network, data: Any, *, loss: Loss | str | Callable[..., Any] | Mapping[str, Any] | None = None
) -> dict[str, float]:
    """Loss and metrics of a trained network on a data set or an (inputs, targets) pair.

    Classification: loss, accuracy, balanced_accuracy; regression: loss, mae, mse, r2, in the units of the targets. The
    loss is the data loss (no penalties), averaged over rows (or summed, if the loss says so). With named outputs: loss, the
    weighted sum, and the same of each as loss_NAME, accuracy_NAME and so on.
    """
    given = as_dataset(data, network.task, class_names=network.class_names)
    check_names(network, given)
    if loss is None and network.loss is None:
        raise InputError("the network has not been trained, so there is no loss to evaluate; give loss=.")
    heads = network.heads
    if not heads:
        used = network.loss if loss is None else loss_function(dict(loss) if isinstance(loss, Mapping) else loss)
        return _figures(network, given, used, network.outputs(given.inputs))
    whole = network.loss if loss is None else joint_loss(heads, given, loss)
    parts = network.parts_of(network.outputs(given.inputs))
    found = {
        name: _figures(head, answers_of(given)[name], whole.parts[name].loss, parts[name])
        for name, head in heads.items()
    }
    total = whole.total({name: figures["loss"] for name, figures in found.items()})
    return {
        "loss": total,
        **{f"{key}_{name}": value for name, figures in found.items() for key, value in figures.items()},
    }


def figures_of(heads: Mapping[str, Answers]) -> list[str]:
    """The names of what :func:`evaluate` tells of each named output."""
    return [f"{key}_{name}" for name, head in heads.items() for key in ("loss", *METRICS[head.task])]


METRICS = {"classification": ("accuracy", "balanced_accuracy"), "regression": ("mae", "mse", "r2")}


def _figures(network: Answers, given: Dataset, loss: Loss, outputs: Array) -> dict[str, float]:
    """Loss and metrics of finished outputs."""
    targets = given.targets
    if network.preprocessing is not None:
        targets = network.preprocessing.for_output().apply_targets(targets, np.float64)
    check_targets(network, loss, given, targets)
    figures = {"loss": loss_value(loss, outputs, targets)}
    if given.task == "classification":
        predicted = classes_of(outputs, loss)
        if targets.ndim == 2:  # labels of steps
            predicted, targets = predicted[targets >= 0], targets[targets >= 0]
        figures["accuracy"] = metrics.accuracy(targets, predicted)
        figures["balanced_accuracy"] = metrics.balanced_accuracy(targets, predicted)
        return figures
    values = network.values_of(outputs)
    figures["mae"] = metrics.mean_absolute_error(given.targets, values)
    figures["mse"] = metrics.mean_squared_error(given.targets, values)
    figures["r2"] = metrics.r2(given.targets, values)
    return figures


def loss_value(loss: Loss, outputs: Array, targets: Array, *, rows: int = 4096) -> float:
    """The loss of finished outputs, in float64, computed by the same rule as in training."""
    from unstuck.autodiff import Graph

    total, counted = 0.0, 0
    rows = max(1, min(rows, 2**24 // max(outputs[0].size, 1)))
    for start in range(0, len(outputs), rows):
        graph = Graph(eager=True)
        o, t = outputs[start : start + rows].astype(np.float64), targets[start : start + rows]
        o_node = graph.input("outputs", o.shape, o.dtype, value=o)
        t_node = graph.input("targets", t.shape, t.dtype, value=t)
        value = loss(o_node, t_node).value
        number = answers(t)
        total, counted = total + float(value) * (number if loss.batch == "mean" else 1), counted + number
    return total / counted if loss.batch == "mean" else total


def answers(targets: Array) -> int:
    """How many answers there are: one a row, or one for each labelled step of a sequence."""
    return int(np.sum(targets >= 0)) if targets.ndim == 2 and targets.dtype.kind in "iu" else len(targets)
