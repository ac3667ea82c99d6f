"""What the outputs of a network say: classes, probabilities, or values in the targets' own units."""

from __future__ import annotations

from typing import Any

import numpy as np

from unstuck.nn.layers.base import Layer, Shape

Array = np.ndarray[Any, Any]


class Answers:
    """The end of a network that tells one thing: its layers, and how what comes out of them is read.

    ``task`` is "classification" or "regression", and None before training. For a network with named outputs ``task`` and
    ``class_names`` are dicts.
    """

    layers: tuple[Layer, ...]
    task: Any = None
    class_names: Any = None
    loss: Any = None
    preprocessing: Any = None

    @property
    def output_shape(self) -> Shape:
        """The shape of one output row."""
        raise NotImplementedError

    def answers_of(self, outputs: Array) -> Array:
        """For finished outputs (N, D) the class number of each row, (N,) int64, or values (N, D) in the targets' units."""
        return classes_of(outputs, self.loss) if self.task == "classification" else self.values_of(outputs)

    def values_of(self, outputs: Array) -> Array:
        """Finished outputs (N, D) in the units of the regression targets."""
        values = outputs if self.loss is None else self.loss.predictions(outputs)
        return (
            values if self.preprocessing is None else np.asarray(self.preprocessing.for_output().invert_targets(values))
        )

    def probabilities_of(self, outputs: Array) -> Array:
        """Finished outputs as the probability of each class, (N, K) float64; see :meth:`Network.predict_probabilities`."""
        outputs = outputs.astype(np.float64)
        p = np.maximum(outputs if self.loss is None else self.loss.predictions(outputs), 0)
        if p.shape[-1] == 1:
            p = np.minimum(p, 1)
            return np.concatenate([1 - p, p], axis=-1)
        total = p.sum(axis=-1, keepdims=True)
        return np.asarray(np.where(total > 0, p / np.where(total > 0, total, 1), 1 / p.shape[-1]))


class Head(Answers):
    """One named output of a network."""

    def __init__(self, layers: tuple[Layer, ...], shape: Shape) -> None:
        self.layers, self._shape = layers, shape

    @property
    def output_shape(self) -> Shape:
        return self._shape

    def __repr__(self) -> str:
        return f"<output of shape {self._shape}, {self.task or 'not trained'}>"


def classes_of(outputs: Array, loss: Any) -> Array:
    """The class number of each row of outputs: the largest output, or for a single output its side of the threshold."""
    if outputs.shape[-1] > 1:
        return np.asarray(outputs.argmax(axis=-1))
    threshold = 0.0 if getattr(loss, "takes", "values") == "logits" else 0.5
    return np.asarray((outputs[..., 0] > threshold).astype(np.int64))
