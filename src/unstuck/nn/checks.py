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
    limits = [f"at least {least:g}"] if least > -math.inf else []
    limits += [f"above {above:g}"] if above > -math.inf else []
    limits += [f"below {below:g}"] if below < math.inf else []
    raise InputError(f"{what} is {value!r}; expected a finite number{' ' if limits else ''}{' and '.join(limits)}.")
