"""Losses: one number for how far the outputs are from the targets, each an array function of a batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np

from unstuck.autodiff import apply
from unstuck.errors import InputError, unknown_name

LOSSES: dict[str, Callable[[], Loss]] = {}


@dataclass(frozen=True)
class Loss:
    """Base of the losses. ``per_row(outputs, targets)`` gives one value a row; the batch takes their mean or sum.

    ``outputs`` has shape (N, D). ``targets`` is (N, D) floats, or (N,) integer labels, which are turned into one-hot
    rows where the loss needs them. ``takes`` says what the outputs mean: "values", "logits" or "probabilities".
    """

    batch: str = "mean"
    takes: ClassVar[str] = "values"

    def __post_init__(self) -> None:
        if self.batch not in ("mean", "sum"):
            raise InputError(f"{type(self).__name__}: batch is {self.batch!r}; expected 'mean' or 'sum'.")

    def per_row(self, outputs: Any, targets: Any) -> Any:
        raise NotImplementedError

    def __call__(self, outputs: Any, targets: Any, weights: Any = None) -> Any:
        """The loss of a batch as one number; ``weights`` (N,) multiply the rows."""
        rows = self.per_row(outputs, targets)
        if weights is not None:
            rows = rows * weights
        return np.mean(rows) if self.batch == "mean" else np.sum(rows)

    def to_dict(self) -> dict[str, Any]:
        return {"loss": type(self).__name__, **asdict(self)}


def one_hot(targets: Any, outputs: Any) -> Any:
    """Integer labels (N,) as rows (N, K) of zeros with a one, in the dtype of ``outputs``; floats as they are."""
    if targets.ndim == outputs.ndim:
        return targets
    width = outputs.shape[-1]
    if width == 1:
        return np.reshape(targets, (-1, 1)).astype(outputs.dtype)
    return (np.expand_dims(targets, -1) == np.arange(width)).astype(outputs.dtype)


def log_softmax(logits: Any) -> Any:
    """``logits - log(sum(exp(logits)))`` over the last axis, stable for logits of any size."""
    shifted = logits - apply("stop_gradient", np.max(logits, axis=-1, keepdims=True))
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))


@dataclass(frozen=True)
class SquaredError(Loss):
    """``(output - target)²`` per row, summed (``outputs="sum"``) or averaged ("mean") over outputs, times ½ if ``half``."""

    outputs: str = "sum"
    half: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.outputs not in ("mean", "sum"):
            raise InputError(f"SquaredError: outputs is {self.outputs!r}; expected 'mean' or 'sum'.")

    def per_row(self, outputs: Any, targets: Any) -> Any:
        squares = np.sum(np.square(outputs - one_hot(targets, outputs)), axis=-1)
        factor = (0.5 if self.half else 1.0) / (outputs.shape[-1] if self.outputs == "mean" else 1)
        return squares if factor == 1.0 else squares * factor


@dataclass(frozen=True)
class AbsoluteError(Loss):
    """``|output - target|``, averaged over the outputs of a row."""

    def per_row(self, outputs: Any, targets: Any) -> Any:
        return np.mean(np.abs(outputs - one_hot(targets, outputs)), axis=-1)


@dataclass(frozen=True)
class Huber(Loss):
    """Half the square up to ``delta``, a straight line beyond (Huber, 1964), averaged over the outputs of a row."""

    delta: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.delta > 0:
            raise InputError(f"Huber: delta is {self.delta!r}; expected a positive number.")

    def per_row(self, outputs: Any, targets: Any) -> Any:
        size = np.abs(outputs - one_hot(targets, outputs))
        inside = np.minimum(size, self.delta)
        return np.mean(inside * (size - 0.5 * inside), axis=-1)


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """``-Σ target · log softmax(logits)``: exclusive classes, integer or one-hot targets; the outputs are logits."""

    takes: ClassVar[str] = "logits"

    def per_row(self, outputs: Any, targets: Any) -> Any:
        return -np.sum(one_hot(targets, outputs) * log_softmax(outputs), axis=-1)


@dataclass(frozen=True)
class CrossEntropyProbabilities(Loss):
    """``-Σ target · log p`` where the network itself ends in probabilities (Softmax). Below ``floor`` p counts as floor."""

    floor: float = 1e-12
    takes: ClassVar[str] = "probabilities"

    def per_row(self, outputs: Any, targets: Any) -> Any:
        floor = max(self.floor, float(np.finfo(outputs.dtype).tiny))
        return -np.sum(one_hot(targets, outputs) * np.log(np.maximum(outputs, floor)), axis=-1)


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """``-t·log σ(z) - (1-t)·log(1-σ(z))`` summed over the outputs of a row; the outputs z are logits.

    One output with labels 0/1, or K outputs with labels 0..K-1 or rows of independent 0/1 (multi-label).
    """

    takes: ClassVar[str] = "logits"

    def per_row(self, outputs: Any, targets: Any) -> Any:
        return np.sum(np.logaddexp(outputs, 0.0) - one_hot(targets, outputs) * outputs, axis=-1)


@dataclass(frozen=True)
class Poisson(Loss):
    """``exp(z) - t·z`` summed over outputs: counts t with the rate exp(z); the outputs z are logarithms of rates."""

    takes: ClassVar[str] = "logits"

    def per_row(self, outputs: Any, targets: Any) -> Any:
        return np.sum(np.exp(outputs) - targets * outputs, axis=-1)


@dataclass(frozen=True)
class FunctionLoss(Loss):
    """A user's own loss: ``function(outputs, targets)`` in NumPy gives one value a row (N,), or one number for the batch."""

    function: Callable[..., Any] = field(default=None, repr=False)  # type: ignore[assignment]

    def per_row(self, outputs: Any, targets: Any) -> Any:
        rows = self.function(outputs, targets)
        if getattr(rows, "shape", None) not in ((), outputs.shape[:1]):
            raise InputError(
                f"the loss function returned {getattr(rows, 'shape', type(rows).__name__)} for a batch of "
                f"{outputs.shape[0]} rows; expected one value a row, shape ({outputs.shape[0]},), or one number."
            )
        return rows

    def to_dict(self) -> dict[str, Any]:
        return {"loss": "FunctionLoss", "batch": self.batch, "name": getattr(self.function, "__name__", "function")}


LOSSES.update(
    squared_error=SquaredError,
    half_squared_error=lambda: SquaredError(half=True),
    mean_squared_error=lambda: SquaredError(outputs="mean"),
    absolute_error=AbsoluteError,
    huber=Huber,
    cross_entropy=CrossEntropy,
    cross_entropy_probabilities=CrossEntropyProbabilities,
    binary_cross_entropy=BinaryCrossEntropy,
    poisson=Poisson,
)
_CLASSES: dict[str, type[Loss]] = {
    c.__name__: c
    for c in (SquaredError, AbsoluteError, Huber, CrossEntropy, CrossEntropyProbabilities, BinaryCrossEntropy, Poisson)
}


def loss_function(spec: Loss | str | Callable[..., Any] | dict[str, Any]) -> Loss:
    """A loss from an object, a name, a user's array function, or its stored dict."""
    if isinstance(spec, Loss):
        return spec
    if isinstance(spec, str):
        if spec.lower() not in LOSSES:
            raise unknown_name("loss", spec, LOSSES)
        return LOSSES[spec.lower()]()
    if isinstance(spec, dict) and spec.get("loss") in _CLASSES:
        return _CLASSES[spec["loss"]](**{k: v for k, v in spec.items() if k != "loss"})
    if callable(spec):
        return FunctionLoss(function=spec)
    raise InputError(f"loss is {spec!r}; expected a name ({', '.join(LOSSES)}), an nn loss or an array function.")


def uniform_answer(loss: Loss, classes: int) -> float | None:
    """The loss of a network that gives every class the same chance, where that is a known number."""
    if isinstance(loss, CrossEntropy | CrossEntropyProbabilities):
        return math.log(classes)
    if isinstance(loss, BinaryCrossEntropy):
        return math.log(2) if classes <= 2 else math.log(classes) - (classes - 1) * math.log(1 - 1 / classes)
    return None
