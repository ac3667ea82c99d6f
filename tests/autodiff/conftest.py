"""Central differences, the oracle of the tests of derivatives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest


def central_differences(
    function: Callable[..., Any], *arguments: Any, step: float = 1e-5
) -> list[np.ndarray[Any, Any]]:
    """The gradient of a number by each of the float64 arrays, element by element."""
    found = []
    for place, argument in enumerate(arguments):
        gradient = np.zeros(np.shape(argument))
        for index in np.ndindex(np.shape(argument)):
            values = []
            for sign in (1, -1):
                moved = [np.array(a, np.float64) for a in arguments]
                moved[place][index] += sign * step
                values.append(float(function(*(m[()] if m.ndim == 0 else m for m in moved))))
            gradient[index] = (values[0] - values[1]) / (2 * step)
        found.append(gradient)
    return found


@pytest.fixture
def differences() -> Callable[..., list[np.ndarray[Any, Any]]]:
    return central_differences


@pytest.fixture
def jax64() -> Iterator[Any]:
    """JAX in double precision, or a skipped test."""
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield jax
    jax.config.update("jax_enable_x64", before)
