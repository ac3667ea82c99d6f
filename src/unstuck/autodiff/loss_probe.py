"""A user's loss and gradient as things to be asked: on float64 copies, with fixed draws, leaving nothing changed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from unstuck.autodiff import tree
from unstuck.errors import InputError

Array = np.ndarray[Any, Any]

_DOUBLE, _SINGLE = float(np.finfo(np.float64).eps), float(np.finfo(np.float32).eps)


class Point:
    """Parameters (float64), the loss there, and the gradient under test there."""

    def __init__(self, program: Program, leaves: list[Array], loss: float, gradient: list[Array]) -> None:
        self.program, self.leaves, self.loss, self.gradient = program, leaves, loss, gradient
        self._noise: dict[int, float] = {}
        self._scale: dict[int, float] = {}

    def scale(self, i: int) -> float:
        """The unit of steps of the ``i``-th parameter: its root mean square, or 1 if that is smaller."""
        if i not in self._scale:
            x = self.leaves[i].ravel()
            self._scale[i] = max(1.0, math.sqrt(float(x @ x) / max(x.size, 1)))
        return self._scale[i]

    def with_moved(self, i: int, change: Array) -> list[Array]:
        """The parameters with ``change`` added to the ``i``-th."""
        return [x + change if k == i else x for k, x in enumerate(self.leaves)]

    def moved(self, i: int, change: Array) -> float:
        """The loss with ``change`` added to the ``i``-th parameter."""
        return self.program.loss_at(self.with_moved(i, change))

    def noise(self, i: int, direction: Array) -> float:
        """How far rounding scatters the loss: from third differences over tiny equal moves, at least one rounding.

        Source: Moré, Wild, "Estimating computational noise" (2011): differences of order k scatter sqrt((2k)!) / k! times
        as much as the values, here k = 3. Their median is taken, so that a kink among the moves does not count.
        """
        if i not in self._noise:
            step = 1e-6 * self.scale(i)
            values = np.array([self.moved(i, k * step * direction) for k in range(1, 13)])
            sigma = float(np.median(np.abs(np.diff(values, 3)))) / (0.6745 * math.sqrt(20))
            largest = float(np.abs(values).max())
            self._noise[i] = max(4 * sigma, self.program.epsilon * largest)
            self.program.scatter = max(self.program.scatter, sigma / largest if largest else 0.0)
        return self._noise[i]


class Program:
    """What the caller handed over, checked for form, and started once at the caller's parameters."""

    def __init__(self, loss: Any, gradient: Any, parameters: Any, penalty: Any) -> None:
        self._loss, self.penalty, self._tree = loss, penalty, parameters
        for what, function in (("loss", loss), *((("penalty", penalty),) if penalty is not None else ())):
            if not callable(function):
                raise InputError(f"{what} is {type(function).__name__}; expected a function of the parameters.")
        named = tree.flatten(parameters)
        if not named:
            raise InputError("there are no parameters; expected an array, or a dict, list or tuple of arrays.")
        self.names = [name or "parameters" for name, _ in named]
        leaves = [_floats(f"parameter {name}", leaf) for name, (_, leaf) in zip(self.names, named, strict=True)]
        for name, leaf in zip(self.names, leaves, strict=True):
            if not np.isfinite(leaf).all():
                where = tuple(int(k) for k in np.argwhere(~np.isfinite(leaf))[0])
                raise InputError(
                    f"parameter {name} holds {leaf[where]} at index {where}; a gradient can only be checked at finite "
                    "parameters, for instance before the first step."
                )
        self._own = [(leaf, leaf.copy()) for _, leaf in named if isinstance(leaf, np.ndarray)]
        self._own_names = [n for n, (_, leaf) in zip(self.names, named, strict=True) if isinstance(leaf, np.ndarray)]
        self._states = (np.random.get_state(), random.getstate())  # noqa: NPY002 - the user's program draws from it
        self.draws = False
        self.loss_writes: list[str] = []
        self.faulty_calls: dict[int, tuple[str, str]] = {}
        self.callable = callable(gradient)
        self._gradient = gradient
        try:
            self.epsilon, self.single, self.scatter = _DOUBLE, False, 0.0
            value = self._first_value(leaves)
            self.start = Point(self, leaves, value, self._first_gradient(leaves))
        except BaseException:
            self.restore()
            raise

    # Calls -----------------------------------------------------------------------------------------------------------
    def _call(self, function: Callable[[Any], Any], leaves: list[Array]) -> tuple[Any, list[Array]]:
        """The function's answer, and its own copies of the parameters as it left them."""
        copies = [leaf.copy() for leaf in leaves]
        if self.draws:
            self._set_states()
        return function(tree.rebuild(self._tree, [c if c.ndim else c[()] for c in copies])), copies

    def _set_states(self) -> None:
        np.random.set_state(self._states[0])  # noqa: NPY002 - see above
        random.setstate(self._states[1])

    def _drew(self) -> bool:
        now, before = np.random.get_state(), self._states[0]  # noqa: NPY002 - see above
        same = all(np.array_equal(a, b) for a, b in zip(now, before, strict=True))
        return not same or random.getstate() != self._states[1]

    def loss_at(self, leaves: list[Array]) -> float:
        """The loss as a number; NaN and infinity are let through."""
        with np.errstate(all="ignore"):
            return _number("loss", self._call(self._loss, leaves)[0])

    def penalty_at(self, leaves: list[Array]) -> float:
        """The penalty as a number."""
        with np.errstate(all="ignore"):
            return _number("penalty", self._call(self.penalty, leaves)[0])

    def point(self, leaves: list[Array]) -> Point:
        """Another place; only where the gradient is a function."""
        return Point(self, leaves, self.loss_at(leaves), self._gradient_leaves(leaves)[0])

    def _first_value(self, leaves: list[Array]) -> float:
        with np.errstate(all="ignore"):
            result, copies = self._call(self._loss, leaves)
        value = _number("loss", result)
        self.loss_writes = [n for n, a, b in zip(self.names, leaves, copies, strict=True) if not _same(a, b)]
        self.draws = self._drew()
        if not np.isfinite(value):
            raise InputError(
                f"the loss is {value} at these parameters; a gradient can only be checked where the loss is a finite number."
            )
        again = self.loss_at(leaves)
        if abs(again - value) > 100 * _DOUBLE * abs(value):
            raise InputError(
                f"the loss gave {value:.10g} and then {again:.10g} for the same parameters; a gradient can only be checked "
                "on a repeatable loss: use the same rows in every call, and seed a random generator anew inside the loss."
            )
        if self.draws and not self.callable:
            raise InputError(
                "the loss draws random numbers, so a gradient that was computed before belongs to other draws; give the "
                "gradient as a function of the parameters, which then gets the same draws as the loss."
            )
        # A result in float32 can also come as a Python float; then every value of the loss is a float32 number.
        nearby = self.loss_at([x + 1e-3 for x in leaves])
        values = np.array([value, again, nearby])
        unusual = nearby != value and bool((values == values.astype(np.float32)).all())
        if getattr(result, "dtype", None) in (np.float16, np.float32) or unusual:
            self.single, self.epsilon = True, _SINGLE
        return value

    def _first_gradient(self, leaves: list[Array]) -> list[Array]:
        if not self.callable:
            given, self.single_gradient = self._in_form(self._gradient)
            return given
        first, copies = self._gradient_leaves(leaves)
        for i, (name, a, b) in enumerate(zip(self.names, leaves, copies, strict=True)):
            if not _same(a, b):
                self.faulty_calls[i] = (
                    "updated too early",
                    f"the gradient function changes {name} itself; compute all gradients first, then update",
                )
        second = self._gradient_leaves(leaves)[0]
        for i, (name, a, b) in enumerate(zip(self.names, first, second, strict=True)):
            size = float(np.abs(a).max(initial=0.0))
            if i in self.faulty_calls or not np.isfinite(a).all() or _within(a, b, 1e-9 * size):
                continue
            if not _within(b, 2 * a, 1e-6 * size):
                raise InputError(
                    f"the gradient of {name} differed between two calls with the same parameters; use the same rows in "
                    "every call, and seed a random generator anew inside the function."
                )
            self.faulty_calls[i] = (
                "accumulates",
                "the second call gave twice the first: it adds to the gradient of the call before; set it to zero first",
            )
        return first

    def _gradient_leaves(self, leaves: list[Array]) -> tuple[list[Array], list[Array]]:
        with np.errstate(all="ignore"):
            result, copies = self._call(self._gradient, leaves)
        given, self.single_gradient = self._in_form(result)
        return given, copies

    def _in_form(self, gradient: Any) -> tuple[list[Array], bool]:
        """The gradient's arrays in the order of the parameters, in float64; and whether they came in less."""
        given = {name or "parameters": leaf for name, leaf in tree.flatten(gradient)}
        if set(given) != set(self.names):
            raise InputError(
                f"the gradient has the parts {', '.join(given) or 'none'}; expected those of the parameters, "
                f"{', '.join(self.names)}, in the same form."
            )
        shapes = [np.shape(leaf) for _, leaf in tree.flatten(self._tree)]
        result, single = [], False
        for name, shape in zip(self.names, shapes, strict=True):
            array = _floats(f"the gradient of {name}", given[name])
            single = single or getattr(given[name], "dtype", None) in (np.float16, np.float32)
            if array.shape != shape:
                turned = " (it looks transposed)" if array.shape == shape[::-1] else ""
                raise InputError(
                    f"the gradient of {name} has shape {array.shape}; expected {shape}, the shape of the parameter{turned}."
                )
            result.append(array)
        return result, single

    # Leaving nothing changed -------------------------------------------------------------------------------------------
    def restore(self) -> list[str]:
        """Put the caller's arrays and random states back, prove it bit for bit, and name the arrays that had changed."""
        self._set_states()
        changed = []
        for name, (own, kept) in zip(self._own_names, self._own, strict=True):
            if not _same(own, kept):
                changed.append(name)
                own[...] = kept
                if not _same(own, kept):
                    raise InputError(f"parameter {name} was changed during the check and could not be put back.")
        return changed

    def notes(self, overwritten: list[str]) -> list[str]:
        """What the caller should know about the loss and the gradient besides the verdicts."""
        notes = []
        if overwritten:
            notes.append(
                f"the loss or the gradient wrote into the caller's own {', '.join(overwritten)}; put back bit for bit."
            )
        if self.loss_writes:
            notes.append(
                f"the loss changes {', '.join(self.loss_writes)} while it is computed; it should only read them."
            )
        if self.draws:
            notes.append("the loss draws random numbers; every call got the same draws.")
        if self.single:
            notes.append(
                "the loss is computed in float32, so derivatives can be compared to about three digits only; convert the "
                "data with .astype(numpy.float64) to see nine."
            )
        elif self.scatter > 1e-11:
            notes.append(
                f"the loss scatters by {self.scatter:.0e} of its size, as if a part of it were computed in float32; convert "
                "the data with .astype(numpy.float64) to check more sharply."
            )
        elif self.single_gradient:
            notes.append(
                f"the gradient comes in float32, so the limit is {1e-4:.0e}; compute it in float64 to check more sharply."
            )
        return notes


def _floats(what: str, leaf: Any) -> Array:
    try:
        array = np.asarray(leaf)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "iuf":
        raise InputError(
            f"{what} has type {type(leaf).__name__} and dtype {array.dtype}; expected an array of numbers."
        )
    return array.astype(np.float64)


def _number(what: str, result: Any) -> float:
    array = np.asarray(result)
    if array.size != 1 or array.dtype.kind not in "biuf":
        raise InputError(
            f"the {what} returned {type(result).__name__} of shape {array.shape}; expected one number, such as a sum or mean."
        )
    return float(array.reshape(()))


def _within(a: Array, b: Array, distance: float) -> bool:
    return float(np.abs(a - b).max(initial=0.0)) <= distance


def _same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and a.tobytes() == b.tobytes()
