"""Faults outside the gradient: data, batches, evaluation, first weights, step length, stopping, numerics.

Each file is one group of causes: cheap measurements that point at a cause, then a counter-experiment (the same program,
the same seed, one change) that confirms it or rules it out. `all_probes` lists them in the order that saves time.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

# Data before evaluation before the first weights before the step: each later probe takes the earlier ones as settled.
ORDER = ("numerics", "shapes", "signal", "scaling", "reach", "rows", "evaluation", "initial", "activity", "step_length")


def all_probes() -> list[tuple[str, Callable[[Any], Any], tuple[str, ...]]]:
    """(name, the function ``examine(examination) -> Verdicts``, the causes that it looks for), in order."""
    modules = [(name, importlib.import_module(f"{__name__}.{name}")) for name in ORDER]
    return [(name, module.examine, tuple(module.CAUSES)) for name, module in modules]
