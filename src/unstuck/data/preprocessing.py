"""How stored values become the numbers a network sees: fitted on the training part, kept with the model, applied again later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from unstuck.data import validate
from unstuck.data.dataset import TASKS, Dataset, Task, folded
from unstuck.data.layout import TableLayout
from unstuck.errors import InputError, unknown_name

Scaling = Literal["none", "pixels", "scale", "standardise", "characters"]
SCALINGS: tuple[Scaling, ...] = ("none", "pixels", "scale", "standardise")
BLOCK_VALUES = 1 << 16
"""Values worked on at a time in float64: 512 KiB, which stays in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """Inputs become (inputs - shift) / divisor, and targets, if asked for, (targets - target_shift) / target_divisor.

    ``Preprocessing()`` changes nothing but the type. Besides the numbers it holds what the training data looked like, so that
    data met later can be read in the same way and checked against it.
    """

    how: Scaling = "none"
    """ "characters": the inputs are numbers of characters, whose names are the ``class_names``. """
    shift: NDArray[np.float64] | None = None
    """One number for all inputs, shape (), or one for each along the last axis, shape (F,). The same for ``divisor``."""
    divisor: NDArray[np.float64] | None = None
    target_shift: NDArray[np.float64] | None = None
    """(D,), only if regression targets were standardised. The same for ``target_divisor``."""
    target_divisor: NDArray[np.float64] | None = None
    input_shape: tuple[int, ...] | None = None
    image_shape: tuple[int, ...] | None = None
    task: Task | None = None
    class_names: tuple[str, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    layout: TableLayout | None = None

    @classmethod
    def fit(cls, train: Dataset, how: str = "auto", targets: str = "none") -> Preprocessing:
        """Measure the training part.

        how: "none"; "pixels" divides every value by one number, the largest that a pixel can have (255 for bytes); "scale" maps
        each feature to 0..1; "standardise" gives each feature mean 0 and standard deviation 1; "auto" takes the data set's own
        hint. A picture has one mean and deviation per channel, not per pixel: a border pixel that is set once in all training
        pictures would otherwise become a huge value. The 0 and 1 of a table's categories stay as they are, and so does a
        feature that never changes, except that it becomes 0.
        targets: "none", or "standardise" for regression targets.

        Raises InputError for an unknown name, and for values too large to be squared.
        """
        chosen: Scaling = train.scaling_hint if how == "auto" else _known_scaling(how)
        if train.scaling_hint == "characters" and chosen != "characters":
            raise InputError(f"preprocessing {how!r} is for numbers, but {train.name!r} is a text; leave it out.")
        shift, divisor = _measure(train, chosen)
        target_shift = target_divisor = None
        if targets not in ("none", "standardise"):
            raise unknown_name("preprocessing of targets", targets, ("none", "standardise"))
        if targets == "standardise":
            if train.task != "regression":
                raise InputError(f"data set {train.name!r} has classes as targets; only numbers can be standardised.")
            target_shift, target_divisor = _mean_and_deviation(train.targets, f"{train.name}: targets")
        return cls(
            chosen,
            shift,
            divisor,
            target_shift,
            target_divisor,
            train.input_shape,
            train.image_shape,
            train.task,
            train.class_names,
            train.feature_names,
            train.layout,
        )

    def apply(self, inputs: ArrayLike, dtype: DTypeLike = np.float32, what: str = "inputs") -> NDArray[Any]:
        """Inputs (N, *input_shape) as the network sees them, in ``dtype``; flat rows are folded, ``inputs`` is left alone.

        Raises InputError when a row has another shape than in training, for NaN and infinities, and for values that do not fit
        ``dtype``.
        """
        rows = validate.as_inputs(inputs, what)
        if self.input_shape is not None and rows.shape[1:] != self.input_shape:
            if rows[0].size != np.prod(self.input_shape):
                validate.check_row_shape(rows, self.input_shape, what)
            rows = folded(rows, self.input_shape, what)
        kind = np.dtype(dtype)
        with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is named below
            if self.divisor is None or self.shift is None:
                result = rows.astype(kind)
            elif self.how == "pixels":
                result = np.divide(rows, self.divisor.astype(kind), dtype=kind, casting="unsafe")
            else:
                result = np.empty(rows.shape, kind)
                step = max(1, BLOCK_VALUES // rows[0].size)
                for start in range(0, len(rows), step):
                    result[start : start + step] = (rows[start : start + step] - self.shift) / self.divisor
        if rows.dtype.kind == "f" and rows.dtype.itemsize > 4:
            _check_fits(result, rows, what)
        return result

    def for_input(self, name: str = "") -> Preprocessing:
        """What is done to the input of this name, which is the same for all; see :class:`NamedPreprocessing`."""
        return self

    def for_output(self, name: str = "") -> Preprocessing:
        """What is done to the targets of the output of this name, which is the same for all."""
        return self

    def apply_targets(self, targets: NDArray[Any], dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """Targets as the loss sees them: class labels unchanged, regression targets (N, D) in ``dtype``."""
        if self.target_divisor is None or self.target_shift is None:
            return targets if targets.dtype.kind in "iu" else targets.astype(dtype)
        result: NDArray[Any] = ((targets - self.target_shift) / self.target_divisor).astype(dtype)
        return result

    def invert_targets(self, predictions: NDArray[Any]) -> NDArray[Any]:
        """Predictions (N, D) of a network in the units of the original targets, float64; the inverse of :meth:`apply_targets`."""
        if self.target_divisor is None or self.target_shift is None:
            return predictions
        result: NDArray[Any] = predictions * self.target_divisor + self.target_shift
        return result

    def to_dict(self) -> dict[str, Any]:
        """Everything but the numbers, as plain JSON values; the numbers are in :meth:`arrays`."""
        return {
            "how": self.how,
            "input_shape": _as_list(self.input_shape),
            "image_shape": _as_list(self.image_shape),
            "task": self.task,
            "class_names": _as_list(self.class_names),
            "feature_names": _as_list(self.feature_names),
            "layout": None if self.layout is None else self.layout.to_dict(),
        }

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """The numbers, float64, by name; only those that are there."""
        found = {field.name: getattr(self, field.name) for field in fields(self) if field.name in ARRAYS}
        return {name: array for name, array in found.items() if array is not None}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Preprocessing:
        """What :meth:`to_dict` and :meth:`arrays` gave, put together again. InputError when it does not fit together."""
        try:
            how, task = stored["how"], stored["task"]
            if how not in (*SCALINGS, "characters") or task not in (None, *TASKS):
                raise ValueError(f"scaling {how!r}, task {task!r}")
            layout = stored["layout"]
            numbers = {name: np.asarray(arrays[name], np.float64) for name in ARRAYS if name in arrays}
            if (how not in ("none", "characters")) != ("divisor" in numbers) or ("target_shift" in numbers) != (
                "target_divisor" in numbers
            ):
                raise ValueError(f"scaling {how!r} with {', '.join(numbers) or 'no numbers'}")
            if not all(np.isfinite(array).all() for array in numbers.values()):
                raise ValueError("a number that is not finite")
            return cls(
                how=how,
                input_shape=_as_tuple(stored["input_shape"], int),
                image_shape=_as_tuple(stored["image_shape"], int),
                task=task,
                class_names=_as_tuple(stored["class_names"], str),
                feature_names=_as_tuple(stored["feature_names"], str),
                layout=None if layout is None else TableLayout.from_dict(layout),
                **numbers,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"the description of the preprocessing cannot be read ({error}); the model was altered or written by another "
                f"program. Save it again."
            ) from error


ARRAYS = ("shift", "divisor", "target_shift", "target_divisor")


def _known_scaling(how: str) -> Scaling:
    for known in SCALINGS:
        if how == known:
            return known
    raise unknown_name("preprocessing", how, ("auto", *SCALINGS))


def _measure(train: Dataset, how: Scaling) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    inputs = train.inputs
    if how in ("none", "characters"):
        return None, None
    if how == "pixels":
        return np.zeros(()), np.array(_largest_pixel(inputs))
    axes = tuple(range(inputs.ndim - 1))  # one number for each place along the last axis …
    if train.image_shape is not None and len(train.image_shape) == 2:
        axes = tuple(range(inputs.ndim))  # … but grey pictures have no axis of channels: one number in all
    if how == "scale":
        lowest, highest = inputs.min(axis=axes).astype(np.float64), inputs.max(axis=axes).astype(np.float64)
        shift, divisor = lowest, _without_zeros(highest - lowest, lowest)
        _check_measured(divisor, train.name)
    else:
        shift, divisor = _mean_and_deviation(inputs, train.name, axes)
    if train.layout is not None and train.layout.features == train.feature_names and inputs.ndim == 2:
        flags = np.array(train.layout.is_flag)
        shift, divisor = np.where(flags, 0.0, shift), np.where(flags, 1.0, divisor)
    return shift, divisor


def _largest_pixel(inputs: NDArray[Any]) -> float:
    """The value that stands for white: the type's largest (255) when the pictures use that range, else the largest there is."""
    largest = float(inputs.max())
    if inputs.dtype.kind == "u":
        full = float(np.iinfo(inputs.dtype).max)
        if largest > full / 2:
            return full
    return largest if largest > 0 else 1.0


def _mean_and_deviation(
    values: NDArray[Any], what: str, axes: tuple[int, ...] = (0,)
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation (divided by the count) over ``axes``, in float64 whatever the type.

    Block by block, and the deviation from the mean in a second pass: squares of raw values would lose the deviation of a large
    offset, and a float64 copy of the whole set may not fit in memory.
    """
    count = len(values)
    per_row = int(np.prod([values.shape[axis] for axis in axes[1:]], dtype=np.int64))

    def averaged(of: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> NDArray[np.float64]:
        step = max(1, BLOCK_VALUES // values[0].size)
        blocks = (values[start : start + step].astype(np.float64) for start in range(0, count, step))
        total: NDArray[np.float64] = sum((of(block).sum(axis=axes) for block in blocks), start=np.zeros(()))
        return total / (count * per_row)

    with np.errstate(over="ignore", invalid="ignore"):
        mean = averaged(lambda block: block)
        deviation = np.sqrt(averaged(lambda block: (block - mean) ** 2))
    _check_measured(deviation, what)
    return mean, _without_zeros(deviation, mean)


def _without_zeros(spread: NDArray[np.float64], around: NDArray[np.float64]) -> NDArray[np.float64]:
    """The spread, with 1 where a feature never changes (but for rounding), so that it becomes 0 and not noise."""
    return np.where(spread <= 1e-13 * np.abs(around), 1.0, spread)


def _check_measured(spread: NDArray[np.float64], what: str) -> None:
    if not np.isfinite(spread).all():
        raise InputError(
            f"{what}: holds values too large to be measured in float64 (about 1e154 at most). Rescale them first."
        )


def _check_fits(result: NDArray[Any], rows: NDArray[Any], what: str) -> None:
    if not np.isfinite(result).all():
        place = np.unravel_index(int(np.argmax(~np.isfinite(result))), result.shape)
        raise InputError(
            f"{what}: {validate.position(place)} holds {validate.shown(rows[place])}, too large for {result.dtype} (at most "
            f"{np.finfo(result.dtype).max:.1e}). Rescale the column or choose the preprocessing 'standardise'."
        )


def _as_list(values: tuple[Any, ...] | None) -> list[Any] | None:
    return None if values is None else list(values)


def _as_tuple(values: Any, kind: Callable[[Any], Any]) -> tuple[Any, ...] | None:
    return None if values is None else tuple(kind(value) for value in values)
