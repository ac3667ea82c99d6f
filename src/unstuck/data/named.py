"""Rows of several inputs, each an array with a name: taken apart by rows as one array is, kept as they were stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unstuck.data import validate
from unstuck.errors import InputError, unknown_name

T = TypeVar("T")


class NamedRows:
    """Arrays with the same number of rows, by name. Where a shape is asked for, a row is its parts side by side."""

    def __init__(self, parts: Mapping[str, NDArray[Any]]) -> None:
        self.parts = dict(parts)

    def __len__(self) -> int:
        return len(next(iter(self.parts.values())))

    def __getitem__(self, rows: Any) -> NamedRows:
        """The given rows: a slice, row numbers or a mask."""
        return NamedRows({name: part[rows] for name, part in self.parts.items()})

    @property
    def shape(self) -> tuple[int, int]:
        return len(self), sum(part[0].size for part in self.parts.values())

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts.values())

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type that holds the values of all parts."""
        return np.result_type(*self.parts.values())


def as_inputs(values: Any, what: str = "inputs", names: Sequence[str] | None = None) -> Any:
    """Checked rows: of a dict of arrays as :class:`NamedRows`, else an array as :func:`validate.as_inputs` gives it."""
    if isinstance(values, NamedRows):
        return values
    if not isinstance(values, Mapping):
        return validate.as_inputs(values, what, names)
    if names is not None:
        raise InputError(f"{what}: names of features are for a single array, not for a dict of arrays; leave them out.")
    parts = {name: validate.as_inputs(part, f"{what}: {name!r}") for name, part in values.items()}
    return NamedRows(of_one_length(parts, what))


def of_one_length(parts: Mapping[str, Any], what: str) -> dict[str, Any]:
    """The parts as they are; InputError where there are none, and for different numbers of rows."""
    if not parts:
        raise InputError(f"{what}: an empty dict; expected an array for each name.")
    counts = {name: len(part) for name, part in parts.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name!r} has {count}" for name, count in counts.items())
        raise InputError(f"{what}: the arrays have different numbers of rows ({told}); expected the same in all.")
    return dict(parts)


def by_name(given: Mapping[str, T], names: Iterable[str], what: str) -> dict[str, T]:
    """What was given for each of the names, in their order; InputError for a name that is missing or not known."""
    names = list(names)
    unknown = next((name for name in given if name not in names), None)
    if unknown is not None:
        raise unknown_name(what, unknown, names)
    missing = [name for name in names if name not in given]
    if missing:
        raise InputError(f"the {what} {missing[0]!r} is missing; expected {', '.join(names)}.")
    return {name: given[name] for name in names}


def for_each(given: Any, names: Iterable[str], what: str, default: Any) -> dict[str, Any]:
    """A setting for each of the names: one for all, or a dict in which names without one have the default."""
    names = list(names)
    if not isinstance(given, Mapping):
        return dict.fromkeys(names, given)
    return by_name({**dict.fromkeys(names, default), **given}, names, what)


def exact(values: ArrayLike, dtype: Any) -> bool:
    """Whether whole numbers keep their values as floats of this type: up to 2^24 in float32, 2^53 in float64."""
    array = np.asarray(values)
    limit = 2 ** (np.finfo(dtype).nmant + 1)
    return (
        array.dtype.kind not in "iu"
        or array.dtype.itemsize <= 2
        or bool((abs(array.max()) <= limit) & (array.min() >= -limit))
    )
