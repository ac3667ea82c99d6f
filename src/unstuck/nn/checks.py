"""Settings that a user gave, checked: a number in its range, or one sentence."""

from __future__ import annotations

import math
import numbers
from typing import Any

from unstuck.errors import InputError


def whole_number(what: str, value: Any, least: int = 1) -> int:
    """``value`` as an int of at least ``least``, or a sentence."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
        raise InputError(f"{what} is {value!r}; expected a whole number of at least {least}.")
    return int(value)


def number(
    what: str, value: Any, *, least: float = -math.inf, below: float = math.inf, above: float = -math.inf
) -> float:
    """``value`` as a finite float with least ≤ value, above < value < below, or a sentence that says the range."""
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value):
        given = float(value)
        if least <= given < below and given > above:
            return given
    if least == -math.inf and above == -math.inf:
        expected = "a finite number"
    elif below == math.inf:
        expected = "a positive number" if above == 0 else f"a number of at least {least:g}"
    else:
        expected = f"a number above {above:g}" if above > -math.inf else f"a number of at least {least:g}"
        expected += f" and below {below:g}"
    raise InputError(f"{what} is {value!r}; expected {expected}.")
