"""A long sequence cut into rows so that each batch goes on where the one before ended."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unstuck.errors import InputError


def streams(series: ArrayLike, batch_size: int, steps: int) -> NDArray[Any]:
    """Rows (N, steps, …) of a series (T, …), for layers with ``stateful=True``.

    The series is cut into ``batch_size`` long parts, and each part into pieces of ``steps`` steps: row i of each batch of
    ``batch_size`` rows is the next piece of part i. What fills no batch at the end of the series is left out. Cut inputs and
    targets alike: ``streams(x[:-1], 32, 50), streams(x[1:], 32, 50)`` asks at each step for the next one; targets that belong
    to whole rows are ``streams(y, 32, 50)[:, -1]``. InputError for a series that fills no batch.

    >>> streams(range(13), batch_size=2, steps=3).tolist()
    [[0, 1, 2], [6, 7, 8], [3, 4, 5], [9, 10, 11]]
    """
    for name, value in (("batch_size", batch_size), ("steps", steps)):
        if isinstance(value, bool) or not hasattr(value, "__index__") or value < 1:
            raise InputError(f"streams: {name} is {value!r}; expected a whole number of at least 1.")
    try:
        values = np.asarray(series)
    except ValueError:
        raise InputError("streams: the steps of the series have different shapes; expected one shape.") from None
    if values.ndim == 0 or values.dtype.kind not in "biuf":
        raise InputError(
            f"streams: the series has shape {values.shape} and dtype {values.dtype}; expected numbers, (T,) or (T, features)."
        )
    pieces = len(values) // (batch_size * steps)
    if not pieces:
        raise InputError(
            f"streams: the series has {len(values)} steps; expected at least {batch_size * steps} for a batch of {batch_size} "
            f"rows of {steps} steps. Take fewer rows or steps."
        )
    parts = values[: batch_size * pieces * steps].reshape(batch_size, pieces, steps, *values.shape[1:])
    return np.ascontiguousarray(parts.swapaxes(0, 1)).reshape(pieces * batch_size, steps, *values.shape[1:])
