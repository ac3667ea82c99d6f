"""Checks and conversions that the dataclasses of the findings share: on the way in, and to and from JSON."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from unstuck.errors import InputError, unknown_name

Value = float | int | str | bool | None
T = TypeVar("T")

_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def complete(instance: object, name: str, value: object) -> None:
    """Set an attribute of a frozen dataclass while it is being made."""
    object.__setattr__(instance, name, value)


def need_text(instance: object, *names: str) -> None:
    """Raise InputError unless each of these attributes is a text with something in it."""
    for name in names:
        text = getattr(instance, name)
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{type(instance).__name__}.{name} is {text!r}; a text is needed.")


def need_one_of(value: object, known: Iterable[str], what: str) -> None:
    """Raise InputError, with the nearest known name, unless ``value`` is one of ``known``."""
    if value not in tuple(known):
        raise unknown_name(what, value, known)


def need_tuple(instance: object, name: str, kind: type) -> None:
    """Make the attribute a tuple; raise InputError unless it is an iterable of ``kind`` (a lone text is not)."""
    given = getattr(instance, name)
    place = f"{type(instance).__name__}.{name}"
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InputError(f"{place} is {given!r}; expected a list of {kind.__name__}.")
    items = tuple(given)
    for item in items:
        if not isinstance(item, kind):
            raise InputError(f"{place} holds {item!r}; expected {kind.__name__}.")
    complete(instance, name, items)


def to_value(value: object, what: str) -> Value:
    """A number, text or truth value in Python's own type (NumPy scalars are converted); else InputError."""
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", 1) == 0:  # a NumPy scalar
        value = item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise InputError(f"{what} is {type(value).__name__}; expected a number or a short text.")


def to_number(value: object, what: str) -> float | None:
    """A number or None; else InputError."""
    plain = to_value(value, what)
    if isinstance(plain, str):
        raise InputError(f"{what} is {plain!r}; expected a number.")
    return plain


def to_whole(value: object, what: str) -> int | None:
    """A whole number or None; else InputError."""
    plain = to_value(value, what)
    if plain is None or (isinstance(plain, int) and not isinstance(plain, bool)):
        return plain
    raise InputError(f"{what} is {plain!r}; expected a whole number.")


def to_finite(value: Any) -> Any:
    """The value as JSON can hold it: NaN and infinities as "nan", "inf" and "-inf"."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


def to_plain(instance: Any) -> dict[str, Any]:
    """A flat dataclass as a dict for JSON."""
    return {f.name: to_finite(getattr(instance, f.name)) for f in dataclasses.fields(instance)}


def known_fields(cls: type, data: Mapping[str, Any]) -> dict[str, Any]:
    """Those entries of ``data`` that the dataclass has; unknown ones are left out, so that a schema may grow."""
    if not isinstance(data, Mapping):
        raise InputError(f"{cls.__name__} is {data!r}; expected a JSON object.")
    return {f.name: data[f.name] for f in dataclasses.fields(cls) if f.name in data}


def make(cls: type[T], values: dict[str, Any]) -> T:
    """An instance from these values; InputError names what is missing."""
    required = [
        f.name
        for f in dataclasses.fields(cast(Any, cls))
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    missing = [name for name in required if name not in values]
    if missing:
        raise InputError(f"{cls.__name__} lacks {', '.join(missing)}, which a report must have.")
    return cls(**values)


def build(cls: type[T], data: Mapping[str, Any], numbers: tuple[str, ...] = ()) -> T:
    """A flat dataclass from JSON; in the fields ``numbers`` the texts "nan", "inf" and "-inf" are numbers again."""
    values = known_fields(cls, data)
    for name in numbers:
        if isinstance(values.get(name), str):
            values[name] = _NON_FINITE.get(values[name], values[name])
    return make(cls, values)
