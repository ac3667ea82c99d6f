"""Initial values of parameters: the usual schemes, each a small function of shape, fans and a random generator."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from unstuck.errors import InputError, unknown_name
from unstuck.nn.checks import number

Array = np.ndarray[Any, Any]
INITIALIZERS: dict[str, type[Initializer]] = {}


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name)).lstrip("_")


@dataclass(frozen=True)
class Initializer:
    """Base of the schemes. ``sample`` draws a float64 array; fan_in and fan_out are the numbers of connections."""

    def __init_subclass__(cls) -> None:
        if not cls.__name__.startswith("_"):
            INITIALIZERS[_snake(cls.__name__)] = cls

    def __post_init__(self) -> None:
        for f in fields(self):
            object.__setattr__(self, f.name, number(f"{type(self).__name__}: {f.name}", getattr(self, f.name)))

    def sample(self, shape: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        return {"name": _snake(type(self).__name__), **asdict(self)}


@dataclass(frozen=True)
class Constant(Initializer):
    """Every value equal to ``value``."""

    value: float = 0.0

    def sample(self, shape: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
        return np.full(shape, self.value)


@dataclass(frozen=True)
class Zeros(Constant):
    """All zeros: right for biases; as weights it makes all units of a layer equal for ever."""


@dataclass(frozen=True)
class Ones(Constant):
    """All ones."""

    value: float = 1.0


@dataclass(frozen=True)
class Normal(Initializer):
    """Normal with mean ``mean`` and standard deviation ``std``."""

    std: float = 0.05
    mean: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        number("Normal: std", self.std, least=0)

    def sample(self, shape: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
        return rng.normal(self.mean, self.std, shape)


@dataclass(frozen=True)
class Uniform(Initializer):
    """Uniform in [low, high)."""

    low: float = -0.05
    high: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.low <= self.high:
            raise InputError(f"Uniform: low is {self.low:g} and high is {self.high:g}; expected low ≤ high.")

    def sample(self, shape: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
        return rng.uniform(self.low, self.high, shape)


@dataclass(frozen=True)
class _Scaled(Initializer):
    """Zero mean and the variance that ``variance`` gives."""

    gain: float = 1.0

    def variance(self, fan_in: int, fan_out: int) -> float:
        raise NotImplementedError

    def sample(self, shape: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
        std = self.gain * math.sqrt(self.variance(fan_in, fan_out))
        if type(self).__name__.endswith("Uniform"):
            return rng.uniform(-math.sqrt(3) * std, math.sqrt(3) * std, shape)
        return rng.normal(0.0, std, shape)


@dataclass(frozen=True)
class GlorotNormal(_Scaled):
    """Normal with variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010, also called Xavier): sigmoid, tanh, linear."""

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2.0 / (fan_in + fan_out)


@dataclass(frozen=True)
class GlorotUniform(GlorotNormal):
    """Uniform with variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010)."""


@dataclass(frozen=True)
class HeNormal(_Scaled):
    """Normal with variance 2 / fan_in (He et al., 2015): ReLU and its relatives."""

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2.0 / fan_in


@dataclass(frozen=True)
class HeUniform(HeNormal):
    """Uniform with variance 2 / fan_in (He et al., 2015)."""


@dataclass(frozen=True)
class LecunNormal(_Scaled):
    """Normal with variance 1 / fan_in (LeCun et al., 1998)."""

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 1.0 / fan_in


@dataclass(frozen=True)
class LecunUniform(LecunNormal):
    """Uniform with variance 1 / fan_in (LeCun et al., 1998)."""


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """A random matrix with orthonormal rows or columns, times ``gain`` (Saxe et al., 2014)."""

    gain: float = 1.0

    def sample(self, shape: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
        q = q * np.sign(np.diag(r))  # makes the distribution uniform over orthogonal matrices
        return self.gain * (q if rows >= columns else q.T).reshape(shape)


ALIASES = {"xavier": "glorot_normal", "xavier_normal": "glorot_normal", "xavier_uniform": "glorot_uniform",
           "glorot": "glorot_normal", "he": "he_normal", "kaiming": "he_normal", "lecun": "lecun_normal",
           "kaiming_normal": "he_normal", "kaiming_uniform": "he_uniform"}  # fmt: skip


def initializer(spec: Initializer | str | float | dict[str, Any]) -> Initializer:
    """An initialiser from an object, a name ("he_normal", "xavier"), a number (constant) or its stored dict."""
    if isinstance(spec, Initializer):
        return spec
    if isinstance(spec, int | float | np.number) and not isinstance(spec, bool):
        return Constant(float(spec))
    if isinstance(spec, str):
        name = ALIASES.get(spec.lower(), spec.lower())
        if name not in INITIALIZERS:
            raise unknown_name("initialiser", spec, [*INITIALIZERS, *ALIASES])
        return INITIALIZERS[name]()
    if isinstance(spec, dict) and spec.get("name") in INITIALIZERS:
        return INITIALIZERS[spec["name"]](**{k: v for k, v in spec.items() if k != "name"})
    given = f"the class {spec.__name__}" if isinstance(spec, type) else repr(spec)
    raise InputError(
        f"an initialiser was given as {given}; expected a name, a number or an object such as nn.Uniform(0, 1)."
    )
