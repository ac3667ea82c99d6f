"""What a user may hand to fit and evaluate, as a data set; weights of rows and classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from unstuck.data.dataset import Dataset, Splits
from unstuck.errors import InputError, unknown_name
from unstuck.training.named_outputs import NamedDataset

Array = np.ndarray[Any, Any]


def as_dataset(data: Any, task: Any = None, name: str = "data", class_names: Any = None) -> Dataset:
    """A data set from a Dataset, or from a pair (inputs, targets) of arrays, or dicts of arrays by name.

    ``task`` and ``class_names`` are those of the training, where there was one: classes get the numbers they have there. With
    named targets they are dicts.
    """
    if isinstance(data, Splits):
        raise InputError(f"data set {data.name!r} was given with all its parts; choose one, such as .train or .test.")
    if isinstance(data, NamedDataset):
        return data
    if isinstance(data, Dataset):
        _check_plain(data.targets, task, name)
        if task is not None and data.task != task:
            raise InputError(
                f"data set {data.name!r} is for {data.task}; the network is trained for {task}. Give data with the same task."
            )
        return data if class_names is None else _renumbered(data, class_names)
    if isinstance(data, tuple | list) and len(data) == 2:
        if isinstance(data[1], Mapping):
            return NamedDataset.from_targets(data[0], data[1], name=name, task=task, class_names=class_names)
        _check_plain(data[1], task, name)
        names = class_names if task == "classification" else None
        return Dataset.from_arrays(data[0], data[1], name=name, task=task, class_names=names)
    raise InputError(
        f"the data are of type {type(data).__name__}; expected a data set such as unstuck.datasets.load('mnist').train, or a "
        "pair (inputs, targets) of arrays."
    )


def _check_plain(targets: Any, task: Any, name: str) -> None:
    if isinstance(task, Mapping):
        raise InputError(
            f"the network tells {', '.join(task)} by name; give the targets of {name!r} as a dict of arrays, not as "
            f"{type(targets).__name__}."
        )


def _renumbered(data: Dataset, class_names: tuple[str, ...]) -> Dataset:
    """``data`` with the class numbers of the training, found by name."""
    own = data.class_names
    plain = own is not None and own == tuple(str(k) for k in range(len(own))) and len(own) <= len(class_names)
    if own is None or own == class_names[: len(own)] or plain:
        return data
    number = {name: k for k, name in enumerate(class_names)}
    table = np.array([number.get(name, -1) for name in own])
    labels = table[data.targets]
    if (labels < 0).any():
        row = int(np.argmax(labels < 0))
        raise InputError(
            f"data set {data.name!r}: row {row} has the class {own[data.targets[row]]!r}, which the training data do not have "
            f"({', '.join(class_names[:12])}{', …' if len(class_names) > 12 else ''}). Correct it or remove the row."
        )
    return replace(data, targets=labels, class_names=class_names)


def row_weights(data: Dataset, sample_weight: Any, class_weight: Any, *, normalise: bool) -> Array | None:
    """One factor per row (N,) from sample and class weights, or None where none were given.

    ``class_weight`` is "balanced" (every class gets the same total weight), a dict from class numbers or names, or one number
    for each class. With ``normalise`` the factors have mean 1, so that they change no rate; a weight of 2 then means what a
    second copy of the row would.
    """
    if sample_weight is None and class_weight is None:
        return None
    weights = np.ones(len(data)) if sample_weight is None else _sample_weights(sample_weight, len(data))
    if class_weight is not None:
        if data.targets.ndim == 2 and data.task == "classification":
            raise InputError(
                "class_weight needs one class a row; these rows have one for each step. Use sample_weight."
            )
        if data.task != "classification":
            raise InputError("class_weight needs classes; this is a regression. Use sample_weight for rows.")
        weights = weights * _class_table(class_weight, data)[data.targets]
    total = weights.sum()
    if not total > 0:
        raise InputError("all row weights are zero; at least one row must count.")
    return weights * (len(weights) / total) if normalise else weights


def _sample_weights(given: Any, count: int) -> Array:
    try:
        weights = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"sample_weight is {given!r}; expected one number of at least 0 for each row.") from None
    if weights.shape != (count,):
        raise InputError(f"sample_weight has shape {weights.shape}; expected ({count},), one number for each row.")
    wrong = ~np.isfinite(weights) | (weights < 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(f"sample_weight holds {weights[row]:g} in row {row}; expected finite numbers of at least 0.")
    return weights


def _class_table(given: Any, data: Dataset) -> Array:
    """The weight of each class, (K,)."""
    count, names = data.n_classes, data.class_names or ()
    if isinstance(given, str):
        if given != "balanced":
            raise InputError(f"class_weight is {given!r}; expected 'balanced', a dict or a list of numbers.")
        rows = np.bincount(data.targets, minlength=count)
        return np.where(rows > 0, len(data) / (np.count_nonzero(rows) * np.maximum(rows, 1)), 0.0)
    if isinstance(given, Sequence | np.ndarray):
        if len(given) != count:
            raise InputError(f"class_weight has {len(given)} numbers; expected {count}, one for each class.")
        given = dict(enumerate(given))
    if not isinstance(given, Mapping):
        raise InputError(f"class_weight is {given!r}; expected 'balanced', a dict or a list of numbers.")
    table = np.ones(count)
    for label, weight in given.items():
        if isinstance(label, str) and label not in names:
            raise unknown_name("class in class_weight", label, names)
        k = names.index(label) if isinstance(label, str) else label
        if not isinstance(k, int | np.integer) or not 0 <= k < count:
            raise InputError(f"class_weight names the class {label!r}; expected classes 0 to {count - 1}.")
        if not isinstance(weight, int | float | np.number) or not np.isfinite(weight) or weight < 0:
            raise InputError(f"class_weight gives class {label!r} the weight {weight!r}; expected a finite number ≥ 0.")
        table[k] = weight
    return table
