"""Seeded division of a data set into parts, with every class in proportion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unstuck.data.dataset import Dataset
from unstuck.errors import InputError


def shuffle(dataset: Dataset, seed: int = 0) -> Dataset:
    """The same rows in an order drawn from ``seed``."""
    return dataset.subset(np.random.default_rng(seed).permutation(len(dataset)))


def split(dataset: Dataset, fraction: float, seed: int = 0, *, stratify: bool = True) -> tuple[Dataset, Dataset]:
    """Two parts in an order drawn from ``seed``: the larger rest, and ``fraction`` of the rows (0 < fraction < 1, rounded).

    With ``stratify``, a classification set keeps the proportions of its classes to within one row, and a class never loses its
    last row to the second part. Raises InputError when a part would be empty.
    """
    labels = dataset.targets if stratify and dataset.task == "classification" else None
    first, second = split_rows(len(dataset), fraction, seed, labels, dataset.name)
    return dataset.subset(first), dataset.subset(second)


def split_rows(
    n_rows: int, fraction: float, seed: int, labels: NDArray[np.int64] | None = None, what: str = "data"
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers of the two parts that :func:`split` makes; ``labels`` (n_rows,) keeps its classes in proportion."""
    if not 0 < fraction < 1:
        raise InputError(f"a fraction of {fraction:g} cannot be split off; expected a number between 0 and 1.")
    random = np.random.default_rng(seed)
    order = random.permutation(n_rows)
    wanted = max(1, round(n_rows * fraction))
    if labels is None:
        taken = np.zeros(n_rows, bool)
        taken[: min(wanted, n_rows - 1)] = True
    else:
        taken = _proportional(labels[order], wanted, fraction)
    if not taken.any():
        raise InputError(
            f"{what}: {n_rows} row{'s' if n_rows > 1 else ''} cannot be split so that both parts hold some; give more rows, "
            f"or a fraction of 0 to keep them all for training."
        )
    return order[~taken], order[taken]


def _proportional(labels: NDArray[np.int64], wanted: int, fraction: float) -> NDArray[np.bool_]:
    """Which rows to take, ``wanted`` in all: of each class its share rounded down, then one more where most was cut off."""
    classes, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    shares = counts * fraction
    quota = np.minimum(np.floor(shares).astype(np.int64), counts - 1)
    for k in np.argsort(quota - shares, kind="stable"):
        if quota.sum() < wanted and quota[k] < counts[k] - 1:
            quota[k] += 1
    taken = np.zeros(len(labels), bool)
    for k in range(len(classes)):
        taken[np.flatnonzero(place == k)[: quota[k]]] = True
    return taken
