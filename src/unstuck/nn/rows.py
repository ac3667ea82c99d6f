"""Raw inputs as a network takes them: checked, preprocessed as in training, and shaped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from unstuck.data.named import NamedRows, as_inputs, by_name, exact
from unstuck.errors import InputError
from unstuck.nn.layers.base import Layer, Shape
from unstuck.nn.layers.named import Inputs

Array = np.ndarray[Any, Any]


def rows_of(first: Layer, inputs: Any) -> Any:
    """The inputs in a form that can be taken apart by rows: named ones as :class:`NamedRows`, in the order of ``Inputs``.

    ``first`` is the first layer of the network. InputError for names that are missing or unknown, and where a network with
    named inputs is given none, or the other way round.
    """
    named = isinstance(inputs, Mapping | NamedRows)
    if isinstance(first, Inputs):
        if not named:
            raise InputError(
                f"the inputs are of type {type(inputs).__name__}; the network takes {', '.join(first.names)} by name, in a dict "
                "of arrays."
            )
        rows = as_inputs(inputs)
        return NamedRows(by_name(rows.parts, first.names, "input"))
    if named:
        names = list(inputs.parts if isinstance(inputs, NamedRows) else inputs)
        ways = ", ".join(f"{name}=…" for name in names)
        raise InputError(
            f"the inputs are a dict with {', '.join(map(repr, names)) or 'nothing in it'}, but the network takes a single array; "
            f"begin it with nn.Inputs({ways}), or give an array."
        )
    return inputs


def finished(inputs: Any, first: Layer, shape: Shape, preprocessing: Any, dtype: np.dtype[Any]) -> Array:
    """Raw inputs as (N, *shape) in ``dtype``; named ones are packed side by side, (N, width)."""
    rows = rows_of(first, inputs)
    if not isinstance(first, Inputs):
        x = _one(rows, shape, None if preprocessing is None else preprocessing.for_input(), dtype)
    else:
        parts = [
            _named(name, part, own, None if preprocessing is None else preprocessing.for_input(name), dtype)
            for (name, part), own in zip(rows.parts.items(), first.known_shapes(), strict=True)
        ]
        x = np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)
    first.check_rows(x)
    return x


def _named(name: str, part: Any, shape: Shape, preprocessing: Any, dtype: np.dtype[Any]) -> Array:
    try:
        x = _one(part, shape, preprocessing, dtype)
    except InputError as error:
        raise InputError(f"input {name!r}: {error}") from None
    scaled = preprocessing is not None and preprocessing.divisor is not None
    if not (scaled or exact(part, dtype)):
        raise InputError(
            f"input {name!r} holds whole numbers as large as {np.abs(part).max()}, which {dtype} does not tell apart; number "
            "them from 0 without gaps, scale them (preprocessing='standardise'), or use dtype='float64'."
        )
    return x


def _one(inputs: Any, shape: Shape, preprocessing: Any, dtype: np.dtype[Any]) -> Array:
    try:
        x = np.asarray(inputs)
    except ValueError:
        raise InputError("the rows of the inputs have different lengths; expected rows of one shape.") from None
    if preprocessing is not None:
        x = preprocessing.apply(x, dtype=dtype)
    if x.dtype.kind not in "biuf":
        raise InputError(f"the inputs have dtype {x.dtype}; expected numbers.")
    if x.shape[1:] != shape and math.prod(x.shape[1:]) == math.prod(shape) and x.ndim > 1:
        x = x.reshape(len(x), *shape)
    if x.ndim != len(shape) + 1 or x.shape[1:] != shape:
        one = "; for a single row use inputs[None]" if x.shape == shape else ""
        raise InputError(f"the inputs have shape {x.shape}; the network takes (N, {', '.join(map(str, shape))}){one}.")
    with np.errstate(over="ignore"):  # told in words below
        x = x.astype(dtype, copy=False)
    if not np.isfinite(x).all():
        row, *place = (int(i) for i in np.argwhere(~np.isfinite(x))[0])
        column = place[0] if len(place) == 1 else tuple(place)
        raise InputError(
            f"the inputs hold {x[row, *place]} in row {row}, column {column}; expected finite {dtype} numbers."
        )
    return x
