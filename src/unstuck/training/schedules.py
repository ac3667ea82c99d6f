"""Learning-rate schedules: the rate at each step, as a function of the position in training."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from unstuck.errors import InputError
from unstuck.nn.checks import number, whole_number

SCHEDULES: dict[str, type[Schedule]] = {}


@dataclass(frozen=True)
class Schedule:
    """Base of the schedules; ``rate`` is the rate before any reduction."""

    rate: float

    def __init_subclass__(cls) -> None:
        SCHEDULES[cls.__name__] = cls

    def __post_init__(self) -> None:
        self._check("rate", number("the learning rate", self.rate, above=0))

    def _check(self, name: str, value: float) -> None:
        object.__setattr__(self, name, value)

    def at(self, epoch: float, epochs: int) -> float:
        """The rate at ``epoch`` (a fraction within an epoch, from 0) of ``epochs``."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        return {"schedule": type(self).__name__, **{f.name: getattr(self, f.name) for f in fields(self)}}

    def __str__(self) -> str:
        return f"{self.rate:g} ({type(self).__name__.lower()})"


@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate throughout."""

    def at(self, epoch: float, epochs: int) -> float:
        return self.rate

    def __str__(self) -> str:
        return f"{self.rate:g}"


@dataclass(frozen=True)
class Step(Schedule):
    """Times ``factor`` after every ``every`` epochs."""

    every: int = 10
    factor: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("every", whole_number("Step: every", self.every))
        self._check("factor", number("Step: factor", self.factor, above=0))

    def at(self, epoch: float, epochs: int) -> float:
        return self.rate * self.factor ** math.floor(epoch / self.every)


@dataclass(frozen=True)
class Exponential(Schedule):
    """Times ``factor`` per epoch, smoothly."""

    factor: float = 0.95

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("factor", number("Exponential: factor", self.factor, above=0))

    def at(self, epoch: float, epochs: int) -> float:
        return self.rate * self.factor**epoch


@dataclass(frozen=True)
class Cosine(Schedule):
    """From ``rate`` to ``last`` along half a cosine over the whole training (Loshchilov and Hutter, 2017)."""

    last: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("last", number("Cosine: last", self.last, least=0))

    def at(self, epoch: float, epochs: int) -> float:
        return self.last + (self.rate - self.last) * 0.5 * (1 + math.cos(math.pi * min(epoch / epochs, 1.0)))


@dataclass(frozen=True)
class WarmUp(Schedule):
    """A straight line from 0 over the first ``epochs`` epochs, then the schedule ``then`` (default: constant ``rate``).

    Where ``then`` is given, the line rises to its rates and ``rate`` plays no part.
    """

    epochs: float = 1.0
    then: Schedule | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("epochs", number("WarmUp: epochs", self.epochs, above=0))
        if self.then is not None and not isinstance(self.then, Schedule):
            raise InputError(f"WarmUp: then is {self.then!r}; expected a schedule such as schedules.Cosine(0.1).")

    def at(self, epoch: float, epochs: int) -> float:
        later = self.then.at(epoch, epochs) if self.then else self.rate
        # The first step is one small step up the line, not a step of length 0.
        return later * min(1.0, epoch / self.epochs + 1e-3) if epoch < self.epochs else later

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "then": self.then.to_dict() if self.then else None}


@dataclass(frozen=True)
class ReduceOnPlateau(Schedule):
    """Times ``factor`` when the watched loss (validation, else training) has not improved for ``patience`` epochs."""

    factor: float = 0.1
    patience: int = 5
    least_improvement: float = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("factor", number("ReduceOnPlateau: factor", self.factor, above=0, below=1))
        self._check("patience", whole_number("ReduceOnPlateau: patience", self.patience))
        least = number("ReduceOnPlateau: least_improvement", self.least_improvement, least=0, below=1)
        self._check("least_improvement", least)

    def at(self, epoch: float, epochs: int) -> float:
        return self.rate  # fit multiplies by what plateau_factor has reached

    def plateau_factor(self, losses: list[float]) -> float:
        """The product of all reductions that a list of losses, one per finished epoch, has called for."""
        best, waited, factor = math.inf, 0, 1.0
        for loss in losses:
            loss = math.inf if math.isnan(loss) else loss
            # Losses may be negative (Poisson): an improvement is a share of the size of the best one.
            if best == math.inf or loss < best - self.least_improvement * abs(best):
                best, waited = loss, 0
                continue
            waited += 1
            if waited >= self.patience:
                factor, waited = factor * self.factor, 0
        return factor


def schedule(spec: float | Schedule | dict[str, Any]) -> Schedule:
    """A schedule from a number (constant), an object, or its stored dict."""
    if isinstance(spec, Schedule):
        return spec
    if isinstance(spec, dict):
        settings = {k: v for k, v in spec.items() if k != "schedule"}
        if isinstance(settings.get("then"), dict):
            settings["then"] = schedule(settings["then"])
        return SCHEDULES[spec["schedule"]](**settings)
    return Constant(spec)
