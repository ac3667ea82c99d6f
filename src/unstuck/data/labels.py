"""Decides whether targets are classes or numbers, and turns classes of any spelling into 0..K-1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unstuck.data import validate
from unstuck.data.dataset import Task
from unstuck.errors import InputError

FEW = 20
"""So many different whole numbers are taken for classes and not for amounts."""

Where = Callable[[int], str]


def guess_task(targets: NDArray[Any]) -> tuple[Task, str]:
    """The task that targets (N,) or (N, D) speak for, and the sentence that says why.

    Classes are texts, booleans, bytes, one-hot rows, and whole numbers: at most 20 different ones, at least twice as many
    rows; or any number of different ones from 0 or 1 without gaps, with at least ten rows each.
    """
    if targets.ndim == 2 and targets.shape[1] > 1:
        if validate.is_one_hot(targets):
            return (
                "classification",
                f"The task is classification: the targets are {targets.shape[1]} columns with a single 1.",
            )
        return "regression", f"The task is regression: each row has {targets.shape[1]} numbers as its target."
    values = np.unique(targets)
    if targets.dtype.kind == "U":
        return "classification", f"The task is classification: the target holds {len(values)} different texts."
    whole = targets.dtype.kind != "f" or bool((values == np.floor(values)).all())
    if not whole:
        return "regression", "The task is regression: the target holds fractions."
    count, lowest, highest = len(values), float(values[0]), float(values[-1])
    complete = lowest in (0, 1) and highest - lowest + 1 == count and len(targets) >= 10 * count
    if (count <= FEW and 2 * count <= len(targets)) or complete or targets.dtype in (np.bool_, np.uint8):
        return "classification", f"The task is classification: the target holds {count} different whole numbers."
    return "regression", f"The task is regression: the target holds {count} different numbers in {len(targets)} rows."


def names_of(values: NDArray[Any], what: str, where: Where) -> tuple[list[str], NDArray[np.intp]]:
    """The different values of (N,) in order, as class names, and for each row the number of its own.

    InputError naming the first fraction: a class is a whole number or a text.
    """
    different, first, place = np.unique(values, return_index=True, return_inverse=True)
    if values.dtype.kind == "f":
        fractions = different != np.floor(different)
        if fractions.any():
            row = int(first[fractions].min())
            raise InputError(
                f"{what}: {where(row)} holds {validate.shown(values[row])}; a class must be a whole number or a text. "
                f"For predicting numbers choose the task 'regression'."
            )
        return [validate.shown(value) for value in different], place
    if values.dtype == np.bool_:
        return [str(int(value)) for value in different], place
    return [str(value) for value in different.tolist()], place


def class_names(values: NDArray[Any], what: str, where: Where) -> tuple[str, ...]:
    """The names of the classes that occur in (N,): the texts in alphabetical order, or the numbers from small to large."""
    names, _ = names_of(values, what, where)
    if len(names) < 2:
        raise InputError(f"{what}: every row has the same class {names[0]!r}; at least two classes are needed.")
    if len(names) > validate.MAX_CLASSES:
        raise InputError(
            f"{what}: {len(names)} different classes in {len(values)} rows; at most {validate.MAX_CLASSES} can be told apart. "
            f"Choose another target, or the task 'regression'."
        )
    return tuple(names)


def to_labels(values: NDArray[Any], known: Sequence[str], what: str, where: Where) -> NDArray[np.int64]:
    """(N,) int64: for each row the place of its class in ``known``. InputError naming the first class that is not in it."""
    names, place = names_of(values, what, where)
    number = {name: k for k, name in enumerate(known)}
    unknown = [k for k, name in enumerate(names) if name not in number]
    if unknown:
        row = int(np.argmax(np.isin(place, unknown)))
        raise InputError(
            f"{what}: {where(row)} holds the class {names[place[row]]!r}, which is not among those of the training data: "
            f"{validate.listed(known)}. Correct it or remove the row."
        )
    return np.array([number[name] for name in names], np.int64)[place.reshape(-1)]
