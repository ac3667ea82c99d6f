"""Faults outside the gradient: data, batches, evaluation, first weights, step length, stopping, numerics.

Each file is one group of causes: cheap measurements that point at a cause, then a counter-experiment (the same program,
the same seed, one change) that confirms it or rules it out. `all_probes` lists them in the order that saves time.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

# Data before evaluation before the first weights before the step: each later probe takes the earlier ones as settled.
ORDER = ("numerics", "shapes", "signal", "scaling", "reach", "rows", "evaluation", "initial", "step_length")


def all_probes() -> list[Callable[[Any], Any]]:
    """The functions ``examine(examination) -> Verdicts``, in order."""
    return [importlib.import_module(f"{__name__}.{name}").examine for name in ORDER]
