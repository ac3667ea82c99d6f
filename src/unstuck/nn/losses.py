"""Losses: one number for how far the outputs are from the targets, each an array function of a batch."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from unstuck.autodiff import apply
from unstuck.errors import InputError, unknown_name
from unstuck.nn.checks import number
from unstuck.nn.layers.named import split

Array = np.ndarray[Any, Any]
LOSSES: dict[str, Callable[[], Loss]] = {}
# Rates up to exp(30) = 1e13; beyond, the exponential goes on as a straight line, so that no output overflows.
LARGEST_LOG_RATE = 30.0


@dataclass(frozen=True)
class Loss:
    """Base of the losses. ``per_row(outputs, targets)`` gives one value a row; the batch takes their mean or sum.

    ``outputs`` has shape (N, D). ``targets`` is (N, D) floats, or (N,) integer labels, which are turned into one-hot
    rows. Sequences that are labelled step by step have outputs (N, T, K) and labels (N, T): their loss is the mean (or sum)
    over all steps, those with the label -1 left out.
    ``takes`` says what the outputs mean: "values", "logits", "probabilities" or "log rates".
    """

    batch: str = field(default="mean", kw_only=True)
    takes = "values"

    def __post_init__(self) -> None:
        if self.batch not in ("mean", "sum"):
            raise InputError(f"{type(self).__name__}: batch is {self.batch!r}; expected 'mean' or 'sum'.")

    def per_row(self, outputs: Any, targets: Any) -> Any:
        raise NotImplementedError

    def __call__(self, outputs: Any, targets: Any, weights: Any = None) -> Any:
        """The loss of a batch as one number; ``weights`` (N,) multiply the rows."""
        rows = self.per_row(outputs, targets)
        if len(outputs.shape) == 3 and rows.shape == targets.shape:
            return self._over_steps(rows, targets, weights)
        if weights is not None:
            if rows.shape != weights.shape:
                raise InputError(
                    "the loss function gives one number for the whole batch, so rows cannot be weighted; return one value a "
                    f"row, shape ({outputs.shape[0]},), or leave the sample and class weights out."
                )
            rows = rows * weights
        return np.mean(rows) if self.batch == "mean" else np.sum(rows)

    def _over_steps(self, losses: Any, labels: Any, weights: Any) -> Any:
        """The loss of labelled steps (N, T)."""
        counted = (labels >= 0).astype(losses.dtype)
        total = np.sum(losses * (counted if weights is None else counted * np.reshape(weights, (-1, 1))))
        return total / np.maximum(np.sum(counted), 1.0) if self.batch == "mean" else total

    def taken_apart(self, outputs: Any, targets: Any) -> dict[str, tuple[Loss, Any, Any]]:
        """The loss of each named output, with its share of outputs and targets; without names all of them, under ""."""
        return {"": (self, outputs, targets)}

    def total(self, values: Mapping[str, Any]) -> Any:
        """The whole loss from the values of those of :meth:`taken_apart`."""
        return values[""]

    def predictions(self, outputs: Array) -> Array:
        """Finished outputs (N, D) as what they say of the targets: probabilities, rates, or the values themselves."""
        return outputs

    def own_functions(self) -> list[tuple[str, Callable[..., Any]]]:
        """The names and functions of the user's own."""
        return []

    def with_functions(self, functions: Mapping[str, Callable[..., Any]]) -> Loss:
        """The same with functions of the user's own, by name, which no file holds."""
        return self

    def to_dict(self) -> dict[str, Any]:
        return {"loss": type(self).__name__, **asdict(self)}


def one_hot(targets: Any, outputs: Any) -> Any:
    """Integer labels (N,) as rows (N, K) of zeros with a one, in the dtype of ``outputs``; rows (N, D) as they are.

    Labels of steps (N, T) become (N, T, K), and the label -1 zeros alone.
    """
    if targets.shape == outputs.shape:
        return targets
    if targets.shape != outputs.shape[:-1] or targets.dtype.kind not in "biu":
        raise InputError(
            f"targets of shape {targets.shape} and dtype {targets.dtype} do not go with outputs of shape {outputs.shape}; "
            f"expected shape {outputs.shape}, or whole class numbers of shape {outputs.shape[:1]}."
        )
    width = outputs.shape[-1]
    if width == 1:
        return np.expand_dims(targets, -1).astype(outputs.dtype)
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
        object.__setattr__(self, "delta", number("Huber: delta", self.delta, above=0))

    def per_row(self, outputs: Any, targets: Any) -> Any:
        size = np.abs(outputs - one_hot(targets, outputs))
        inside = np.minimum(size, self.delta)
        return np.mean(inside * (size - 0.5 * inside), axis=-1)


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """``-Σ target · log softmax(logits)``: exclusive classes, integer or one-hot targets; the outputs are logits."""

    takes = "logits"

    def per_row(self, outputs: Any, targets: Any) -> Any:
        return -np.sum(one_hot(targets, outputs) * log_softmax(outputs), axis=-1)

    def predictions(self, outputs: Array) -> Array:
        e = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
        return np.asarray(e / e.sum(axis=-1, keepdims=True))


@dataclass(frozen=True)
class CrossEntropyProbabilities(Loss):
    """``-Σ target · log p`` where the network itself ends in probabilities (Softmax). Below ``floor`` p counts as floor."""

    floor: float = 1e-12
    takes = "probabilities"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "floor", number("CrossEntropyProbabilities: floor", self.floor, least=0, below=1))

    def per_row(self, outputs: Any, targets: Any) -> Any:
        floor = max(self.floor, float(np.finfo(outputs.dtype).tiny))
        return -np.sum(one_hot(targets, outputs) * np.log(np.maximum(outputs, floor)), axis=-1)


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """``-t·log σ(z) - (1-t)·log(1-σ(z))`` summed over the outputs of a row; the outputs z are logits.

    One output with labels 0/1, or K outputs with labels 0..K-1 or rows of independent 0/1 (multi-label).
    """

    takes = "logits"

    def per_row(self, outputs: Any, targets: Any) -> Any:
        return np.sum(np.logaddexp(outputs, 0.0) - one_hot(targets, outputs) * outputs, axis=-1)

    def predictions(self, outputs: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(1 / (1 + np.exp(-outputs)))


@dataclass(frozen=True)
class Poisson(Loss):
    """``exp(z) - t·z`` summed over outputs: counts t with the rate exp(z); the outputs z are logarithms of rates.

    Beyond z = 30 the exponential goes on as its tangent: the value stays finite and still grows with z.
    """

    takes = "log rates"

    def per_row(self, outputs: Any, targets: Any) -> Any:
        inside = np.where(outputs > LARGEST_LOG_RATE, LARGEST_LOG_RATE, outputs)
        rates = np.exp(inside) * np.where(outputs > LARGEST_LOG_RATE, outputs - (LARGEST_LOG_RATE - 1), 1.0)
        return np.sum(rates - one_hot(targets, outputs) * outputs, axis=-1)

    def predictions(self, outputs: Array) -> Array:
        return np.asarray(np.exp(np.minimum(outputs, LARGEST_LOG_RATE)))


@dataclass(frozen=True)
class FunctionLoss(Loss):
    """A user's own loss: ``function(outputs, targets)`` in NumPy gives one value a row (N,), or one number for the batch.

    Both arguments have shape (N, D): class labels come as one-hot rows (a single output as 0 and 1). One number cannot be
    weighted by rows; give one value a row for sample or class weights. ``takes`` is "values", "logits" or "probabilities",
    and decides how classes and probabilities are read from the outputs.
    """

    function: Callable[..., Any] | None = field(default=None, repr=False)
    takes: str = "values"
    name: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.takes not in ("values", "logits", "probabilities"):
            raise unknown_name("meaning of outputs (takes)", self.takes, ("values", "logits", "probabilities"))
        if not self.name:
            name = getattr(self.function, "__name__", "function")
            object.__setattr__(self, "name", "loss" if name == "<lambda>" else name)

    def per_row(self, outputs: Any, targets: Any) -> Any:
        if self.function is None:
            raise InputError(
                f"the loss {self.name!r} is a function of your own; give it again: "
                f"unstuck.load(path, functions={{{self.name!r}: …}})."
            )
        rows = self.function(outputs, one_hot(targets, outputs))
        if getattr(rows, "shape", None) not in ((), outputs.shape[:-1]):
            raise InputError(
                f"the loss function {self.name!r} returned {getattr(rows, 'shape', type(rows).__name__)} for a batch of "
                f"{outputs.shape[0]} rows; expected one value a row, shape ({outputs.shape[0]},), or one number."
            )
        return rows

    def predictions(self, outputs: Array) -> Array:
        if self.takes != "logits":
            return outputs
        return (BinaryCrossEntropy() if outputs.shape[-1] == 1 else CrossEntropy()).predictions(outputs)

    def own_functions(self) -> list[tuple[str, Callable[..., Any]]]:
        return [] if self.function is None else [(self.name, self.function)]

    def with_functions(self, functions: Mapping[str, Callable[..., Any]]) -> Loss:
        return replace(self, function=functions.get(self.name))

    def to_dict(self) -> dict[str, Any]:
        return {"loss": "FunctionLoss", "batch": self.batch, "takes": self.takes, "name": self.name}


@dataclass(frozen=True)
class Part:
    """The loss of one named output, and where outputs and targets lie in packed rows: ``shape`` is that of an output row.

    Labels take one place for each row or step; other targets have the shape of the outputs.
    """

    loss: Loss
    shape: tuple[int, ...]
    labels: bool
    weight: float = 1.0

    @property
    def target_shape(self) -> tuple[int, ...]:
        return self.shape[:-1] if self.labels else self.shape


@dataclass(frozen=True)
class NamedLoss(Loss):
    """The sum of the losses of named outputs, each times its weight; outputs and targets lie side by side in packed rows."""

    parts: Mapping[str, Part] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        wrong = next((name for name, part in self.parts.items() if part.loss.batch != self.batch), None)
        if wrong is not None:
            raise InputError(
                f"the loss of the output {wrong!r} takes the {self.parts[wrong].loss.batch} over the batch, and that of "
                f"{next(iter(self.parts))!r} the {self.batch}; give all the same batch=."
            )

    def taken_apart(self, outputs: Any, targets: Any) -> dict[str, tuple[Loss, Any, Any]]:
        ys = split(outputs, [part.shape for part in self.parts.values()])
        ts = self.targets_of(targets)
        return {name: (self.parts[name].loss, y, t) for (name, t), y in zip(ts.items(), ys, strict=True)}

    def targets_of(self, targets: Any) -> dict[str, Any]:
        """The targets of each name, labels as whole numbers."""
        ts = split(targets, [part.target_shape for part in self.parts.values()])
        return {
            name: t.astype(np.int64) if part.labels else t
            for (name, part), t in zip(self.parts.items(), ts, strict=True)
        }

    def __call__(self, outputs: Any, targets: Any, weights: Any = None) -> Any:
        return self.total({name: of(y, t, weights) for name, (of, y, t) in self.taken_apart(outputs, targets).items()})

    def total(self, values: Mapping[str, Any]) -> Any:
        weighted = (
            values[name] if part.weight == 1.0 else part.weight * values[name] for name, part in self.parts.items()
        )
        return functools.reduce(operator.add, weighted)

    def own_functions(self) -> list[tuple[str, Callable[..., Any]]]:
        return [pair for part in self.parts.values() for pair in part.loss.own_functions()]

    def with_functions(self, functions: Mapping[str, Callable[..., Any]]) -> Loss:
        parts = {name: replace(part, loss=part.loss.with_functions(functions)) for name, part in self.parts.items()}
        return replace(self, parts=parts)

    def to_dict(self) -> dict[str, Any]:
        parts = {
            name: {"loss": p.loss.to_dict(), "shape": list(p.shape), "labels": p.labels, "weight": p.weight}
            for name, p in self.parts.items()
        }
        return {"loss": "NamedLoss", "batch": self.batch, "parts": parts}


def _named_from_dict(spec: Mapping[str, Any]) -> NamedLoss:
    parts = {
        name: Part(loss_function(part["loss"]), tuple(part["shape"]), part["labels"], part["weight"])
        for name, part in spec["parts"].items()
    }
    return NamedLoss(parts, batch=spec["batch"])


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
    for c in (
        SquaredError, AbsoluteError, Huber, CrossEntropy, CrossEntropyProbabilities, BinaryCrossEntropy, Poisson, FunctionLoss
    )
}  # fmt: skip


def loss_function(spec: Loss | str | Callable[..., Any] | dict[str, Any]) -> Loss:
    """A loss from an object, a name, a user's array function, or its stored dict."""
    if isinstance(spec, Loss):
        return spec
    if isinstance(spec, str):
        if spec.lower() not in LOSSES:
            raise unknown_name("loss", spec, LOSSES)
        return LOSSES[spec.lower()]()
    if isinstance(spec, dict) and spec.get("loss") == "NamedLoss":
        return _named_from_dict(spec)
    if isinstance(spec, dict) and spec.get("loss") in _CLASSES:
        return _CLASSES[spec["loss"]](**{k: v for k, v in spec.items() if k != "loss"})
    if isinstance(spec, type) and issubclass(spec, Loss):
        raise InputError(f"loss is the class {spec.__name__}; expected an object: {spec.__name__}().")
    if callable(spec):
        return FunctionLoss(function=spec)
    raise InputError(f"loss is {spec!r}; expected a name ({', '.join(LOSSES)}), an nn loss or an array function.")
