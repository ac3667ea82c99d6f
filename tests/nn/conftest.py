"""What the tests of the layers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def central_differences() -> Callable[..., list[np.ndarray]]:
    """``f(program, arrays)``: the derivatives of ``program(*arrays)[1]``, a number, by each value of each array."""

    def derivatives(program: Callable[..., Any], arrays: Sequence[np.ndarray], step: float = 1e-6) -> list[np.ndarray]:
        found = []
        for k, array in enumerate(arrays):
            numeric = np.empty_like(array)
            for place in np.ndindex(array.shape):
                values = []
                for sign in (1, -1):
                    moved = [a.copy() for a in arrays]
                    moved[k][place] += sign * step
                    values.append(program(*moved)[1])
                numeric[place] = (values[0] - values[1]) / (2 * step)
            found.append(numeric)
        return found

    return derivatives
