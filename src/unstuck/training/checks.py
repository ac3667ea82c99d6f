"""Do network, loss and targets belong together? What each combination that cannot learn is told, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unstuck.data.dataset import Dataset
from unstuck.errors import InputError
from unstuck.nn.answers import Answers
from unstuck.nn.losses import BinaryCrossEntropy, CrossEntropy, CrossEntropyProbabilities, Loss, NamedLoss, Poisson

Array = np.ndarray[Any, Any]


def default_loss(network: Answers, task: str) -> str:
    """The name of the loss for ``loss="auto"``; the network is built."""
    if task == "regression":
        return "mean_squared_error"
    last = last_kind(network)
    if last == "Softmax":
        return "cross_entropy_probabilities"
    if last in ("Sigmoid", "Tanh"):
        return "squared_error"
    return "binary_cross_entropy" if network.output_shape[-1:] == (1,) else "cross_entropy"


def task_of(loss: Any, targets: Any) -> Any:
    """The task that the loss decides for data given as bare arrays, where it does; for named targets one for each name."""
    if isinstance(targets, Mapping):
        if isinstance(loss, NamedLoss):
            loss = {name: part.loss for name, part in loss.parts.items()}
        losses = loss if isinstance(loss, Mapping) else dict.fromkeys(targets, loss)
        return {name: task_of(losses.get(name, "auto"), part) for name, part in targets.items()}
    name = (loss if isinstance(loss, str) else type(loss).__name__).lower().replace("_", "")
    if name in ("crossentropy", "crossentropyprobabilities"):
        return "classification"
    if name in ("absoluteerror", "huber", "poisson", "meansquarederror", "halfsquarederror"):
        return "regression"
    if name == "binarycrossentropy":
        # 0 and 1 in one column are two classes, also as floats; several columns are independent answers (multi-label).
        values = np.asarray(targets)
        if values.dtype.kind == "f" and (values.ndim == 1 or values.shape[1:] == (1,)):
            return "classification" if np.isin(values, (0, 1)).all() else "regression"
        if values.ndim == 2 and values.shape[1] > 1 and (values.astype(bool).sum(axis=1) != 1).any():
            return "regression"
    return None


def last_kind(network: Answers) -> str:
    """The kind of the last layer that changes values in prediction."""
    kinds = [layer.kind for layer in network.layers if layer.kind not in ("Flatten", "Identity", "Dropout")]
    return kinds[-1] if kinds else "Identity"


def check_output(network: Answers, loss: Loss) -> None:
    """InputError where the last layer and the loss do not belong together: the softmax or sigmoid would be taken twice."""
    last = last_kind(network)
    if loss.takes == "logits" and last in ("Softmax", "Sigmoid"):
        twin = "cross_entropy_probabilities" if last == "Softmax" else "squared_error"
        raise InputError(
            f"the network ends in {last}, but the loss {type(loss).__name__} takes logits and applies it itself; leave "
            f"{last}() out, or use the loss {twin!r}."
        )
    if loss.takes == "log rates" and last in ("Softmax", "Sigmoid"):
        raise InputError(
            f"the network ends in {last}, but the loss {type(loss).__name__} takes the logarithms of rates, which are any "
            f"numbers; leave {last}() out."
        )
    if isinstance(loss, CrossEntropyProbabilities) and last not in ("Softmax", "Function"):
        raise InputError(
            f"the loss {type(loss).__name__} takes probabilities, but the network ends in {last}; end it in Softmax(), or "
            "use the loss 'cross_entropy', which takes logits."
        )
    if isinstance(loss, CrossEntropy | CrossEntropyProbabilities) and network.output_shape == (1,):
        raise InputError(
            f"the loss {type(loss).__name__} compares the outputs of several classes, but the network has 1 output; give the "
            "last layer one unit for each class, or use the loss 'binary_cross_entropy'."
        )


def check_targets(network: Answers, loss: Loss, data: Dataset, targets: Array) -> None:
    """InputError where the targets (N,) or (N, D), as the loss sees them, go neither with the outputs nor with the loss."""
    shape = network.output_shape
    if data.task == "classification" and targets.ndim == 2:
        if len(shape) != 2 or shape[0] != targets.shape[1]:
            raise InputError(
                f"{data.name!r} has a label for each of {targets.shape[1]} steps, but the network gives rows of shape {shape}; "
                f"expected ({targets.shape[1]}, classes), from sequences=True in recurrent layers and nn.Conv1D(classes, 1) at "
                "the end. (If the targets are amounts and no classes, give them as floats.)"
            )
        _check_classes(network, loss, data)
        return
    if len(shape) != 1:
        raise InputError(f"the network gives rows of shape {shape}; expected (outputs,). Put Flatten() at its end.")
    if data.task == "classification":
        _check_classes(network, loss, data)
        return
    if targets.shape[1:] != shape:
        raise InputError(
            f"the targets of {data.name!r} have shape {targets.shape}; the network gives (N, {shape[0]}). "
            f"Give the last layer {targets.shape[1]} unit{'s' if targets.shape[1] > 1 else ''}."
        )
    if isinstance(loss, CrossEntropy | CrossEntropyProbabilities):
        wrong = (targets < 0).any(axis=1) | (np.abs(targets.sum(axis=1) - 1) > 1e-3)
        _refuse(wrong, data, targets, loss, "class labels, or rows of probabilities with the sum 1")
    if isinstance(loss, BinaryCrossEntropy):
        _refuse(((targets < 0) | (targets > 1)).any(axis=1), data, targets, loss, "0, 1, or probabilities between them")
    if isinstance(loss, Poisson):
        _refuse((targets < 0).any(axis=1), data, targets, loss, "counts of at least 0")


def _check_classes(network: Answers, loss: Loss, data: Dataset) -> None:
    width, classes = network.output_shape[-1], data.n_classes
    if isinstance(loss, Poisson):
        raise InputError(
            f"the loss Poisson is for counts, but {data.name!r} has classes as targets; give the counts as numbers "
            "(task='regression'), or use the loss 'cross_entropy'."
        )
    if classes > (2 if width == 1 else width):
        raise InputError(
            f"{data.name!r} has {classes} classes, but the network has {width} output{'s' if width > 1 else ''}; "
            f"give the last layer {classes} units. (If the targets are amounts and no classes, give them as floats.)"
        )
    check_labels(data.targets[data.targets >= 0] if data.targets.ndim == 2 else data.targets, width)


def check_labels(labels: Array, width: int) -> None:
    """InputError if a label (N,) has no output unit."""
    classes = 2 if width == 1 else width
    if labels.min() < 0 or labels.max() >= classes:
        row = int(np.argmax((labels < 0) | (labels >= classes)))
        raise InputError(
            f"row {row} has label {labels[row]}, but the network has {width} output{'s' if width > 1 else ''}, for labels "
            f"0 to {classes - 1}. Give the last layer one unit for each class."
        )


def _refuse(wrong: Any, data: Dataset, targets: Array, loss: Loss, expected: str) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        values = ", ".join(f"{v:g}" for v in targets[row][:6]) + (", …" if targets.shape[1] > 6 else "")
        raise InputError(
            f"the targets of {data.name!r} hold {values} in row {row}; the loss {type(loss).__name__} expects {expected}."
        )
