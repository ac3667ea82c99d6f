"""Unstuck: neural networks that train at the speed of the machine, and that say why when they don't learn.

>>> import unstuck as us
>>> from unstuck import nn
>>> moons = us.datasets.load("moons")
>>> network = nn.Network(nn.Dense(16), nn.Tanh(), nn.Dense(2))
>>> run = us.fit(network, moons.train, epochs=20, optimizer=us.Adam(0.02))
>>> run.evaluate(moons.test)["accuracy"] > 0.9
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from unstuck import data as datasets
    from unstuck import nn as nn
    from unstuck.autodiff import check_gradient, grad, scan, stop_gradient, value_and_grad
    from unstuck.data import Dataset, Splits
    from unstuck.data.preprocessing import Preprocessing
    from unstuck.doctor import diagnose
    from unstuck.errors import InputError, NonFiniteError, UnstuckError
    from unstuck.training import (
        SGD,
        Adagrad,
        Adam,
        AdamW,
        Callback,
        EarlyStopping,
        LambdaCallback,
        Momentum,
        Nesterov,
        Penalty,
        PrintProgress,
        RMSProp,
        Run,
        Tolerance,
        evaluate,
        fit,
        load,
        metrics,
        sample,
        save,
        schedules,
    )

# Where each public name lives. Names are loaded when they are first used, so that `import unstuck` and the command's
# help cost next to nothing.
_PLACES = {
    "autodiff": "grad value_and_grad stop_gradient check_gradient scan",
    "data": "Dataset Splits",
    "doctor": "diagnose",
    "data.preprocessing": "Preprocessing",
    "errors": "UnstuckError InputError NonFiniteError",
    "training": (
        "SGD Adagrad Adam AdamW Callback EarlyStopping LambdaCallback Momentum Nesterov Penalty PrintProgress RMSProp Run "
        "Tolerance evaluate fit load sample save"
    ),
}
_MODULES = {"datasets": "data", "nn": "nn", "metrics": "training.metrics", "schedules": "training.schedules"}
_NAMES = {name: place for place, names in _PLACES.items() for name in names.split()}

__all__ = [
    "SGD", "Adagrad", "Adam", "AdamW", "Callback", "Dataset", "EarlyStopping", "InputError", "LambdaCallback", "Momentum",
    "Nesterov", "NonFiniteError", "Penalty", "Preprocessing", "PrintProgress", "RMSProp", "Run", "Splits", "Tolerance",
    "UnstuckError", "check_gradient", "datasets", "diagnose", "evaluate", "fit", "grad", "load", "metrics", "nn", "sample",
    "save", "scan", "schedules", "stop_gradient", "value_and_grad",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"unstuck.{_MODULES[name]}")
    if name in _NAMES:
        value = getattr(importlib.import_module(f"unstuck.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'unstuck' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_NAMES, *_MODULES])
