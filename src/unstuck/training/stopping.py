"""When training ends before its last epoch: early stopping and tolerances."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from unstuck.errors import InputError, unknown_name
from unstuck.nn.checks import number, whole_number

# Figures of the history for which more is better; for all others less is.
LARGER_IS_BETTER = ("accuracy", "balanced_accuracy", "r2")


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when ``watch`` has not improved by ``least_improvement`` for ``patience`` epochs.

    The parameters of the best epoch are always put back, also when the last epoch is reached first. ``watch`` is a
    figure of the history: "validation_loss" (the training "loss" if there is no validation), "validation_accuracy" …
    """

    patience: int = 5
    watch: str = "validation_loss"
    least_improvement: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "patience", whole_number("EarlyStopping: patience (epochs)", self.patience))
        least = number("EarlyStopping: least_improvement", self.least_improvement, least=0)
        object.__setattr__(self, "least_improvement", least)


def early_stopping(spec: EarlyStopping | int | None, figures: list[str]) -> EarlyStopping | None:
    """The rule that was asked for (an int is a patience), its ``watch`` being one of the figures that will be measured."""
    if spec is None:
        return None
    if not isinstance(spec, EarlyStopping):
        if isinstance(spec, bool) or not hasattr(spec, "__index__"):
            raise InputError(f"early_stopping is {spec!r}; expected a patience in epochs or an EarlyStopping(…).")
        spec = EarlyStopping(spec)
    if spec.watch == "validation_loss" and "validation_loss" not in figures:
        return replace(spec, watch="loss")
    if spec.watch not in figures:
        raise unknown_name("figure to watch", spec.watch, figures)
    return spec


@dataclass
class Watcher:
    """The state of early stopping within one run."""

    rule: EarlyStopping
    best: float = math.inf
    best_epoch: int = -1
    best_parameters: dict[str, Any] = field(default_factory=dict)

    def see(self, epoch: int, figures: dict[str, Any], parameters: dict[str, Any]) -> bool:
        """Take in a finished epoch; True when it is time to stop."""
        value = float(figures[self.rule.watch])
        score = -value if self.rule.watch.removeprefix("validation_") in LARGER_IS_BETTER else value
        if math.isnan(score):
            score = math.inf
        if score < self.best - self.rule.least_improvement or self.best_epoch < 0:
            self.best, self.best_epoch = score, epoch
            self.best_parameters = {k: np.copy(p) for k, p in parameters.items()}
        return epoch - self.best_epoch >= self.rule.patience


@dataclass(frozen=True)
class Tolerance:
    """Stop when the training loss of a step falls below ``loss``, or the squared norm of all its gradients below ``gradient``.

    Meant for full batches, where a step sees the exact loss; with mini-batches the noise of one batch may stop early.
    """

    loss: float | None = None
    gradient: float | None = None

    def __post_init__(self) -> None:
        if self.loss is None and self.gradient is None:
            raise InputError("Tolerance needs loss= or gradient=, a number under which training stops.")
        for name in ("loss", "gradient"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(
                    self, name, number(f"Tolerance: {name}", value, above=0 if name == "gradient" else -math.inf)
                )
