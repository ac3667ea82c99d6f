"""Optimisers: how a parameter moves, each an array function that is recorded into the step graph."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np

from unstuck.errors import InputError, unknown_name
from unstuck.nn.checks import number
from unstuck.training.schedules import Schedule, schedule

OPTIMIZERS: dict[str, type[Optimizer]] = {}


@dataclass(frozen=True)
class Optimizer:
    """Base of the optimisers.

    ``learning_rate`` is a positive number or a :class:`~unstuck.training.schedules.Schedule`. ``weight_decay`` draws
    weights (no biases) towards zero by ``rate · weight_decay · weight`` at each step, apart from the gradient
    (Loshchilov and Hutter, 2019). ``slots`` names the arrays that are kept for each parameter; they start at zero.
    """

    learning_rate: float | Schedule = 0.01
    weight_decay: float = field(default=0.0, kw_only=True)
    slots: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        OPTIMIZERS[cls.__name__.lower()] = cls

    def __post_init__(self) -> None:
        object.__setattr__(self, "learning_rate", schedule(self.learning_rate))
        for f in fields(self):
            if f.name in ("learning_rate", "nesterov"):
                continue
            below = 1 if f.name in ("momentum", "beta1", "beta2", "decay") else math.inf
            value = number(f"{type(self).__name__}: {f.name}", getattr(self, f.name), least=0, below=below)
            object.__setattr__(self, f.name, value)

    def direction(self, gradient: Any, slots: dict[str, Any], step: Any) -> tuple[Any, dict[str, Any]]:
        """What is subtracted per unit of learning rate, and the new slots; ``step`` counts from 1 (a float)."""
        raise NotImplementedError

    def update(
        self, parameter: Any, gradient: Any, slots: dict[str, Any], rate: Any, step: Any, *, decay: float
    ) -> tuple[Any, dict[str, Any]]:
        """The parameter after one step, drawn to zero by ``rate · decay · parameter``, and its new slots."""
        direction, slots = self.direction(gradient, slots, step)
        if decay:
            direction = direction + decay * parameter
        return parameter - rate * direction, slots

    def to_dict(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"optimizer": type(self).__name__}
        for f in fields(self):
            value = getattr(self, f.name)
            settings[f.name] = value.to_dict() if isinstance(value, Schedule) else value
        return settings

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.learning_rate}"


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent: ``θ ← θ - rate · g``; with ``momentum`` (Polyak, 1964) ``v ← momentum·v + g``, θ ← θ - rate·v.

    ``nesterov=True`` steps along ``g + momentum·v`` (Sutskever et al., 2013, in the form of PyTorch). With full
    batches this is gradient descent.
    """

    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and not self.momentum:
            raise InputError(f"{type(self).__name__}: nesterov needs a momentum above 0, such as 0.9.")

    def direction(self, gradient: Any, slots: dict[str, Any], step: Any) -> tuple[Any, dict[str, Any]]:
        if not self.momentum:
            return gradient, slots
        velocity = self.momentum * slots["velocity"] + gradient
        direction = gradient + self.momentum * velocity if self.nesterov else velocity
        return direction, {"velocity": velocity}


@dataclass(frozen=True)
class Momentum(SGD):
    """SGD with momentum 0.9."""

    momentum: float = 0.9


@dataclass(frozen=True)
class Nesterov(SGD):
    """SGD with Nesterov's momentum 0.9."""

    momentum: float = 0.9
    nesterov: bool = True


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """``s ← s + g²``, step ``g / (√s + epsilon)`` (Duchi et al., 2011)."""

    epsilon: float = 1e-10
    slots: ClassVar[tuple[str, ...]] = ("squares",)

    def direction(self, gradient: Any, slots: dict[str, Any], step: Any) -> tuple[Any, dict[str, Any]]:
        squares = slots["squares"] + np.square(gradient)
        return gradient / (np.sqrt(squares) + self.epsilon), {"squares": squares}


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """``s ← decay·s + (1-decay)·g²``, step ``g / (√s + epsilon)`` (Tieleman and Hinton, 2012)."""

    learning_rate: float | Schedule = 0.001
    decay: float = 0.99
    epsilon: float = 1e-8
    slots: ClassVar[tuple[str, ...]] = ("squares",)

    def direction(self, gradient: Any, slots: dict[str, Any], step: Any) -> tuple[Any, dict[str, Any]]:
        squares = self.decay * slots["squares"] + (1 - self.decay) * np.square(gradient)
        return gradient / (np.sqrt(squares) + self.epsilon), {"squares": squares}


@dataclass(frozen=True)
class Adam(Optimizer):
    """Means of g and g² with bias correction, step ``m̂ / (√v̂ + epsilon)`` (Kingma and Ba, 2015)."""

    learning_rate: float | Schedule = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    slots: ClassVar[tuple[str, ...]] = ("mean", "squares")

    def direction(self, gradient: Any, slots: dict[str, Any], step: Any) -> tuple[Any, dict[str, Any]]:
        mean = self.beta1 * slots["mean"] + (1 - self.beta1) * gradient
        squares = self.beta2 * slots["squares"] + (1 - self.beta2) * np.square(gradient)
        # 1 - beta**step by expm1: in float32 the plain form loses four digits at the first steps.
        mean_share = -np.expm1(step * math.log(self.beta1)) if self.beta1 else 1.0
        square_share = -np.expm1(step * math.log(self.beta2)) if self.beta2 else 1.0
        direction = (mean / mean_share) / (np.sqrt(squares / square_share) + self.epsilon)
        return direction, {"mean": mean, "squares": squares}


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay 0.01 on the weights (Loshchilov and Hutter, 2019)."""

    weight_decay: float = field(default=0.01, kw_only=True)


def slot_names(optimizer: Optimizer) -> tuple[str, ...]:
    """The slots that this optimiser really keeps with its settings."""
    return ("velocity",) if isinstance(optimizer, SGD) and optimizer.momentum else optimizer.slots


def optimizer(spec: Optimizer | str | dict[str, Any]) -> Optimizer:
    """An optimiser from an object, a name such as "adam", or its stored dict."""
    if isinstance(spec, Optimizer):
        return spec
    if isinstance(spec, str):
        if spec.lower() not in OPTIMIZERS:
            raise unknown_name("optimizer", spec, OPTIMIZERS)
        return OPTIMIZERS[spec.lower()]()
    if isinstance(spec, dict) and str(spec.get("optimizer", "")).lower() in OPTIMIZERS:
        settings = {k: v for k, v in spec.items() if k != "optimizer"}
        return OPTIMIZERS[spec["optimizer"].lower()](**settings)
    given = f"the class {spec.__name__}" if isinstance(spec, type) else repr(spec)
    raise InputError(f"optimizer is {given}; expected a name ({', '.join(OPTIMIZERS)}) or an object such as SGD(0.1).")
