"""Errors that a user can cause: each is one sentence with the value, what was expected and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UnstuckError(Exception):
    """Base of every error that this package raises on purpose. Its text is one clear sentence for the user."""


class InputError(UnstuckError, ValueError):
    """Something the user gave cannot be used: data, a shape, a name, a file. The command exits with code 2."""


class NonFiniteError(UnstuckError, ArithmeticError):
    """Training met the first NaN or infinity; the text names the step and the tensor that went bad first."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name closest in spelling to ``name``, or None when nothing is close."""
    found = difflib.get_close_matches(name.lower(), {k.lower(): k for k in known}, n=1, cutoff=0.5)
    by_lower = {k.lower(): k for k in known}
    return by_lower[found[0]] if found else None


def unknown_name(what: str, name: object, known: Iterable[str]) -> InputError:
    """The error for an unknown name: says the name, the nearest known one, and all that exist.

    >>> str(unknown_name("activation", "relux", ["relu", "tanh"]))
    "unknown activation 'relux'; did you mean 'relu'? Known: relu, tanh"
    """
    names = sorted(known)
    close = nearest(str(name), names)
    hint = f"; did you mean {close!r}?" if close else "."
    return InputError(f"unknown {what} {name!r}{hint} Known: {', '.join(names)}")
