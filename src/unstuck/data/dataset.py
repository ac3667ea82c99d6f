"""What a data set is: rows of inputs, their targets, and what is known about both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unstuck.data import named, validate
from unstuck.data.layout import TableLayout
from unstuck.errors import InputError, unknown_name

Task = Literal["classification", "regression"]
ScalingHint = Literal["none", "pixels", "standardise", "characters"]
TASKS: tuple[Task, ...] = ("classification", "regression")


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Rows of inputs with their targets. Make one with :meth:`from_arrays`, which checks what it is given.

    >>> Dataset.from_arrays([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], name="xor")
    <Dataset 'xor': 4 rows of shape (2,) int64, classification into 2 classes>
    """

    inputs: NDArray[Any]
    """(N, *input_shape), in the type they were stored in: pixels stay uint8."""
    targets: NDArray[Any]
    """Classification: (N,) int64, 0 to K-1, or (N, T) for sequences labelled step by step, -1 where a step has no label.
    Regression: (N, D) float64."""
    name: str = "data"
    task: Task = "classification"
    class_names: tuple[str, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    image_shape: tuple[int, ...] | None = None
    """(H, W) or (H, W, C) when the rows are pictures; ``inputs`` then has shape (N, H, W) or (N, H, W, C)."""
    scaling_hint: ScalingHint = "none"
    """The preprocessing that suits these inputs by default."""
    layout: TableLayout | None = None
    """For rows of a table: its columns, and how texts became numbers."""

    def __len__(self) -> int:
        return len(self.inputs)

    def __repr__(self) -> str:
        if self.task == "classification":
            task = f"classification into {self.n_classes} classes"
        else:
            task = f"regression of {self.targets.shape[1]} number{'s' if self.targets.shape[1] > 1 else ''}"
        return f"<Dataset {self.name!r}: {len(self):,} rows of shape {self.input_shape} {self.inputs.dtype}, {task}>"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one row of inputs."""
        return self.inputs.shape[1:]

    @property
    def n_classes(self) -> int:
        """Number of classes K; InputError for regression."""
        if self.task != "classification":
            raise InputError(f"data set {self.name!r} is for regression and has no classes.")
        return len(self.class_names) if self.class_names is not None else int(self.targets.max()) + 1

    def subset(self, rows: slice | Sequence[int] | NDArray[Any]) -> Dataset:
        """The given rows (a slice, row numbers or a mask), in that order; classes and names stay as they are."""
        chosen = rows if isinstance(rows, slice) else np.asarray(rows, dtype=None if len(rows) else np.int64)
        inputs = self.inputs[chosen]
        if len(inputs) == 0:
            raise InputError(f"data set {self.name!r}: a subset of no rows; at least one row is needed.")
        return replace(self, inputs=inputs, targets=self.targets[chosen])

    @classmethod
    def from_arrays(
        cls,
        inputs: ArrayLike,
        targets: ArrayLike,
        *,
        name: str = "data",
        task: str | None = None,
        class_names: Sequence[str] | None = None,
        feature_names: Sequence[str] | None = None,
        image_shape: tuple[int, ...] | None = None,
        scaling_hint: ScalingHint = "none",
    ) -> Dataset:
        """A data set from arrays, lists, or whatever NumPy can read as an array, after checking it.

        inputs: (N, ...) numbers; bool becomes uint8, any other type is kept. With ``image_shape`` flat rows are folded. A dict
        of such arrays, by name, is for networks that begin with ``nn.Inputs``.
        targets: class labels (N,) as whole numbers from 0, as texts, or one-hot (N, K); labels (N, T) for each step of a
        sequence, -1 for none; or numbers (N,) or (N, D) to predict.
        task: "classification" or "regression"; if not given, whole numbers and texts mean classes, other numbers regression.

        Raises InputError: no rows, unequal lengths, NaN or infinity (first row and column), texts among the inputs, labels
        that are negative, fractions, or beyond ``class_names``.
        """
        what_inputs, what_targets = ("inputs", "targets") if name == "data" else (f"{name}: inputs", f"{name}: targets")
        rows = named.as_inputs(inputs, what_inputs, feature_names)
        answers = validate.as_array(targets, what_targets)
        if answers.ndim == 0:
            raise InputError(f"{what_targets}: the single value {answers.item()!r}; expected one target per row.")
        validate.check_same_length(rows, answers, name)
        if image_shape is not None:
            if isinstance(rows, named.NamedRows):
                raise InputError(
                    f"{what_inputs}: image_shape is for a single array, not for a dict of arrays; leave it out."
                )
            rows = folded(rows, image_shape, what_inputs)
        if feature_names is not None and len(feature_names) != rows[0].size:
            raise InputError(
                f"{what_inputs}: {len(feature_names)} feature names for rows of {rows[0].size} values; give one for each."
            )
        if checked_task(task, answers) == "classification":
            labels, names = validate.as_labels(answers, class_names, what_targets)
            kind: Task = "classification"
        else:
            labels, names, kind = validate.as_numbers_to_predict(answers, what_targets), None, "regression"
        features = tuple(feature_names) if feature_names is not None else None
        return cls(rows, labels, name, kind, names, features, image_shape, scaling_hint)


def checked_task(task: str | None, targets: NDArray[Any]) -> Task:
    """The task by its name, or by the type of the targets: whole numbers, booleans and texts are classes."""
    if task is None:
        return "regression" if targets.dtype.kind == "f" else "classification"
    for known in TASKS:
        if task == known:
            return known
    raise unknown_name("task", task, TASKS)


def folded(inputs: NDArray[Any], shape: tuple[int, ...], what: str) -> NDArray[Any]:
    """``inputs`` (N, ...) with each row in ``shape``; InputError when a row has another number of values."""
    if inputs.shape[1:] == shape:
        return inputs
    if inputs[0].size != np.prod(shape):
        raise InputError(
            f"{what}: each row has shape {inputs.shape[1:]}; expected {shape}, or as many values in one row."
        )
    return inputs.reshape(len(inputs), *shape)


@dataclass(frozen=True, eq=False)
class Splits:
    """A data set in its parts, with what had to be guessed to read it."""

    train: Dataset
    validation: Dataset | None
    test: Dataset | None
    name: str
    notes: tuple[str, ...] = ()
    """What was guessed or decided while reading, one sentence each."""
