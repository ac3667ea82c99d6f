"""What a user may hand to fit and evaluate, as a data set; weights of rows and classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unstuck.data.dataset import Dataset, Splits
from unstuck.errors import InputError

Array = np.ndarray[Any, Any]


def as_dataset(data: Any, task: str | None = None, name: str = "data") -> Dataset:
    """A data set from a Dataset, or from a pair (inputs, targets) of arrays."""
    if isinstance(data, Dataset):
        return data
    if isinstance(data, Splits):
        raise InputError(f"data set {data.name!r} was given with all its parts; choose one, such as .train or .test.")
    if isinstance(data, tuple | list) and len(data) == 2:
        return Dataset.from_arrays(data[0], data[1], name=name, task=task)
    raise InputError(
        f"the data are of type {type(data).__name__}; expected a data set such as unstuck.datasets.load('mnist').train, or a "
        "pair (inputs, targets) of arrays."
    )


def row_weights(
    labels: Array, task: str, sample_weight: Any, class_weight: str | Mapping[int, float] | Sequence[float] | None
) -> Array | None:
    """One factor per row (N,), of mean 1 over the training set, from sample and class weights; None if all are equal.

    ``class_weight="balanced"`` gives every class the same total weight.
    """
    if sample_weight is None and class_weight is None:
        return None
    weights = np.ones(len(labels))
    if sample_weight is not None:
        weights = np.asarray(sample_weight, dtype=np.float64)
        if (
            weights.shape != (len(labels),)
            or not np.isfinite(weights).all()
            or (weights < 0).any()
            or not weights.any()
        ):
            raise InputError(
                f"sample_weight has shape {weights.shape}; expected ({len(labels)},): one finite number of at least 0 per row, "
                "not all zero."
            )
    if class_weight is not None:
        if task != "classification":
            raise InputError("class_weight needs classes; this is a regression. Use sample_weight for rows.")
        counts = np.bincount(labels)
        if isinstance(class_weight, str):
            if class_weight != "balanced":
                raise InputError(f"class_weight is {class_weight!r}; expected 'balanced', a dict or a list of numbers.")
            table = np.where(counts > 0, 1.0 / np.maximum(counts, 1), 0.0)
        else:
            items = class_weight.items() if isinstance(class_weight, Mapping) else enumerate(class_weight)
            table = np.ones(len(counts))
            for label, weight in items:
                if not 0 <= label < len(counts) or not np.isfinite(weight) or weight < 0:
                    raise InputError(
                        f"class_weight: class {label!r}, weight {weight!r}; expected classes 0 to {len(counts) - 1}, weights ≥ 0."
                    )
                table[label] = weight
        weights = weights * table[labels]
    total = weights.sum()
    if not total > 0:
        raise InputError("all row weights are zero; at least one row must count.")
    return weights * (len(weights) / total)
