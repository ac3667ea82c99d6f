"""Checks what a user hands in as data, so that a mistake is named here and not met as a wrong result later.

Every function takes ``what``: how the message calls the data, such as ``inputs`` or ``data/x.npz: array 'x_train'``.
Rows and columns of arrays are counted from 0, as NumPy does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unstuck.errors import InputError

Array = NDArray[Any]

MAX_CLASSES = 10_000


def as_array(values: ArrayLike, what: str) -> Array:
    """``values`` as an array of numbers or texts. InputError for ragged rows and for anything that is neither."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        rows: Any = values
        lengths = [len(row) if hasattr(row, "__len__") else 0 for row in rows]
        other = next((row for row, length in enumerate(lengths) if length != lengths[0]), None)
        which = (
            f"row {other} has length {lengths[other]}, but row 0 has length {lengths[0]}"
            if other
            else "the rows differ in shape"
        )
        raise InputError(f"{what}: {which}; all rows must have the same shape. Pad or cut them first.") from error
    if array.dtype == object:
        array = _from_objects(array, what)
    if array.dtype.kind not in "biufU":
        raise InputError(
            f"{what}: values of type {array.dtype} cannot be used; expected whole numbers or floating-point numbers. "
            f"Convert them first, for example with .astype('float32')."
        )
    return array


def _from_objects(array: Array, what: str) -> Array:
    if array.size and all(isinstance(value, str) for value in array.flat):
        return array.astype(str)
    for place, value in np.ndenumerate(array):
        if not isinstance(value, int | float | np.number | np.bool_):
            where = position(place) if place else "the value"
            raise InputError(
                f"{what}: {where} holds {value!r} of type {type(value).__name__}; every value must be a number. "
                f"Convert or remove it."
            )
    return array.astype(np.float64)


def position(place: Sequence[SupportsIndex], names: Sequence[str] | None = None) -> str:
    """How a place in an array is called: row and column for tables, row and index for rows with more axes.

    >>> position((6, 2)), position((6, 1), ["length", "width"]), position((6, 27, 3))
    ('row 6, column 2', "row 6, column 'width'", 'row 6 at [27, 3]')
    """
    row, *rest = (int(index) for index in place)
    if not rest:
        return f"row {row}"
    if len(rest) == 1:
        return f"row {row}, column {names[rest[0]]!r}" if names else f"row {row}, column {rest[0]}"
    return f"row {row} at {rest}"


def shown(value: object) -> str:
    """A number as messages show it: NaN and infinity in the usual spelling, whole floats without a trailing zero.

    >>> shown(float("nan")), shown(float("-inf")), shown(2.0), shown(0.25)
    ('NaN', '-infinity', '2', '0.25')
    """
    number = float(value)  # type: ignore[arg-type]
    if np.isnan(number):
        return "NaN"
    if np.isinf(number):
        return "infinity" if number > 0 else "-infinity"
    return f"{number:.15g}"


def check_finite(array: Array, what: str, names: Sequence[str] | None = None) -> None:
    """InputError naming the first row and column that hold NaN or an infinity; whole numbers pass unread."""
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return
    bad = ~np.isfinite(array)
    place = np.unravel_index(int(np.argmax(bad)), array.shape)
    rows = int(bad.reshape(len(bad), -1).any(axis=1).sum())
    others = "" if rows == 1 else f" ({rows} rows of {len(array)} are concerned)"
    raise InputError(
        f"{what}: {position(place, names)} holds {shown(array[place])}{others}; every value must be a finite number. "
        f"Remove the row or fill the value in."
    )


def as_inputs(values: ArrayLike, what: str = "inputs", names: Sequence[str] | None = None) -> Array:
    """Rows of finite numbers, shape (N, ...) with at least one row and two axes; the stored type is kept (bool → uint8).

    Raises InputError for texts, a missing axis, no rows, rows without values, NaN and infinities.
    """
    array = as_array(values, what)
    if array.dtype.kind == "U":
        raise InputError(
            f"{what}: holds texts such as {_first(array)!r}; expected numbers. Encode texts as numbers first."
        )
    if array.ndim < 2:
        raise InputError(
            f"{what}: has shape {array.shape}; expected one row per example, (rows, values). "
            f"Use reshape(-1, 1) for one value per example, or reshape(1, -1) for a single example."
        )
    check_not_empty(array, what)
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    check_finite(array, what, names)
    return array


def check_not_empty(array: Array, what: str) -> None:
    """InputError for an array (N, ...) without rows, or whose rows hold no value."""
    if len(array) == 0:
        raise InputError(f"{what}: has no rows (shape {array.shape}); at least one example is needed.")
    if array.size == 0:
        raise InputError(
            f"{what}: has shape {array.shape}, so its rows hold no value; at least one value per row is needed."
        )


def _first(array: Array) -> object:
    return array.flat[0].item() if array.size else ""


def check_same_length(inputs: Array, targets: Array, what: str = "data") -> None:
    """InputError when ``inputs`` (N, ...) and ``targets`` (M, ...) have different numbers of rows."""
    if len(inputs) != len(targets):
        raise InputError(
            f"{what}: {len(inputs)} rows of inputs but {len(targets)} targets; every row needs exactly one target."
        )


def check_row_shape(inputs: Array, expected: tuple[int, ...], what: str = "inputs") -> None:
    """InputError when the rows of ``inputs`` (N, ...) do not have the shape ``expected``."""
    if inputs.shape[1:] != expected:
        raise InputError(
            f"{what}: each row has shape {inputs.shape[1:]}; expected {expected}, as in the training data."
        )


def as_labels(
    values: ArrayLike, class_names: Sequence[str] | None = None, what: str = "targets"
) -> tuple[Array, tuple[str, ...]]:
    """Class labels as (N,) int64 in 0..K-1, and the K class names.

    ``values``: whole numbers 0..K-1 (any numeric type), shape (N,) or (N, 1); texts, each the name of a class; one-hot rows
    (N, K); or whole numbers (N, T), one for each step of a sequence and -1 for none, which stay (N, T).
    Without ``class_names``, K is the largest label + 1, or the names are the different texts in order. Raises
    InputError for a fraction, a negative label, a label or text beyond the given names, NaN, and an empty set.
    """
    array = as_array(values, what)
    if array.ndim == 0:
        raise InputError(f"{what}: the single value {array.item()!r}; expected one class label per row.")
    check_not_empty(array, what)
    if array.ndim == 2 and array.shape[1] > 1 and array.dtype.kind in "biu" and not is_one_hot(array):
        return _labels_of_steps(array.astype(np.int64), class_names, what)
    if array.ndim > 1:
        array = _from_one_hot(array, what)
    if array.dtype.kind == "U":
        names = tuple(class_names) if class_names is not None else tuple(np.unique(array).tolist())
        return labels_from_names(array.tolist(), names, what), names
    check_finite(array, what)
    fractions = array != np.floor(array) if array.dtype.kind == "f" else np.zeros(0, bool)
    if fractions.any():
        row = int(np.argmax(fractions))
        raise InputError(
            f"{what}: row {row} holds {shown(array[row])}; a class label must be a whole number from 0. "
            f"For predicting numbers choose the task 'regression'."
        )
    lowest, highest = int(array.min()), int(array.max())
    n_classes = len(class_names) if class_names is not None else highest + 1
    if lowest < 0 or highest >= n_classes:
        row = int(np.argmax((array < 0) | (array >= n_classes)))
        expected = (
            "0 or more" if class_names is None else f"0 to {n_classes - 1}, because there are {n_classes} classes"
        )
        raise InputError(
            f"{what}: row {row} holds the class label {shown(array[row])}; labels must be {expected}. "
            f"Number the classes from 0."
        )
    if class_names is None and n_classes > max(MAX_CLASSES, len(array)):
        raise InputError(
            f"{what}: the largest class label is {highest}, with only {len(np.unique(array))} different labels in "
            f"{len(array)} rows; number the classes from 0 without gaps, or choose the task 'regression'."
        )
    names = tuple(class_names) if class_names is not None else tuple(str(k) for k in range(n_classes))
    return array.astype(np.int64), names


def _labels_of_steps(labels: Array, class_names: Sequence[str] | None, what: str) -> tuple[Array, tuple[str, ...]]:
    """Labels (N, T) of the steps of sequences, and the K class names."""
    n_classes = len(class_names) if class_names is not None else int(labels.max()) + 1
    wrong = (labels < -1) | (labels >= n_classes)
    if wrong.any():
        place = np.unravel_index(int(np.argmax(wrong)), labels.shape)
        most = "" if class_names is None else f" to {n_classes - 1}"
        raise InputError(
            f"{what}: row {place[0]} holds the class label {labels[place]} at step {place[1]}; expected labels from 0{most}, or "
            "-1 for a step without one. (If the targets are amounts and no classes, give them as floats.)"
        )
    if (labels < 0).all():
        raise InputError(f"{what}: every label is -1, so that no step counts; expected at least one label from 0.")
    return labels, tuple(class_names) if class_names is not None else tuple(str(k) for k in range(n_classes))


def is_one_hot(targets: Array) -> bool:
    """Whether every row of (N, K), K of at least 2, is a single 1 among zeros."""
    if targets.ndim != 2 or targets.shape[1] < 2 or targets.dtype.kind not in "biuf":
        return False
    return bool(((targets == 0) | (targets == 1)).all() and (targets.sum(axis=1) == 1).all())


def _from_one_hot(array: Array, what: str) -> Array:
    if array.ndim == 2 and array.shape[1] == 1:
        return array[:, 0]
    if is_one_hot(array):
        place: NDArray[np.int64] = np.argmax(array, axis=1)
        return place
    raise InputError(
        f"{what}: has shape {array.shape}; expected class labels of shape ({len(array)},), "
        f"or one-hot rows with a single 1 and zeros besides."
    )


def labels_from_names(values: Sequence[str], names: Sequence[str], what: str) -> NDArray[np.int64]:
    """The place in ``names`` of each text: (N,) int64. InputError for the first text that is none of them."""
    place = {name: k for k, name in enumerate(names)}
    labels = np.empty(len(values), np.int64)
    for row, value in enumerate(values):
        label = place.get(value)
        if label is None:
            raise InputError(f"{what}: row {row} holds the class {value!r}; known classes: {listed(names)}.")
        labels[row] = label
    return labels


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names for a message: all of them, or the first dozen and how many follow.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def as_numbers_to_predict(values: ArrayLike, what: str = "targets") -> NDArray[np.float64]:
    """Regression targets as (N, D) float64; a vector becomes one column. InputError for texts, NaN and an empty set."""
    array = as_array(values, what)
    if array.dtype.kind == "U":
        raise InputError(
            f"{what}: holds texts such as {_first(array)!r}; regression needs numbers. For classes choose the task "
            f"'classification'."
        )
    if array.ndim not in (1, 2):
        raise InputError(f"{what}: has shape {array.shape}; expected one row of numbers per example, (rows, outputs).")
    check_not_empty(array, what)
    check_finite(array, what)
    numbers: NDArray[np.float64] = array.astype(np.float64).reshape(len(array), -1)
    return numbers
