"""The numerical check of a gradient: is what a program calls the gradient of its loss really that gradient?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from unstuck.autodiff import gradient_faults
from unstuck.autodiff.loss_probe import Array, Point, Program
from unstuck.errors import InputError

Verdict = Literal["passed", "failed", "not checkable"]

# A derivative that rounding leaves fewer than two digits of is not checkable.
_WORST_PRECISION = 1e-2
_EXTRA_DIRECTIONS = 4
_SINGLE_TOLERANCE = 1e-4


@dataclass(frozen=True)
class ParameterCheck:
    """What the check found for one parameter.

    ``given`` and ``measured`` are the derivatives of the loss along one random unit direction, by the gradient under
    test and by a central difference; ``error`` is |given - measured| / max(|given|, |measured|), the worst of all
    directions; ``precision`` is how far the measured number itself can be trusted, relative to the larger of the two.
    These four are None where nothing could be measured. ``pattern`` and ``factor`` say what was recognised in a wrong
    gradient (see :func:`unstuck.autodiff.gradient_faults.name_fault`), ``explanation`` says it in words.
    """

    name: str
    shape: tuple[int, ...]
    verdict: Verdict
    error: float | None = None
    given: float | None = None
    measured: float | None = None
    precision: float | None = None
    explanation: str = ""
    pattern: str | None = None
    factor: float | None = None


@dataclass(frozen=True)
class GradientCheck:
    """The result of :func:`check_gradient`; ``print`` shows one line per parameter."""

    parameters: list[ParameterCheck]
    loss: float
    tolerance: float
    notes: list[str]

    @property
    def ok(self) -> bool:
        """True if every parameter passed; one that is not checkable has not passed."""
        return all(p.verdict == "passed" for p in self.parameters)

    @property
    def failed(self) -> list[ParameterCheck]:
        """The parameters whose gradient is wrong."""
        return [p for p in self.parameters if p.verdict == "failed"]

    @property
    def not_checkable(self) -> list[ParameterCheck]:
        """The parameters of which nothing can be said here."""
        return [p for p in self.parameters if p.verdict == "not checkable"]

    @property
    def worst(self) -> ParameterCheck | None:
        """The parameter with the largest relative error, a failed one before all others; None if none was measured."""
        measured = [p for p in self.parameters if p.error is not None]
        return max(measured, key=lambda p: (p.verdict == "failed", p.error), default=None)

    def __str__(self) -> str:
        count = len(self.parameters)
        passed = sum(p.verdict == "passed" for p in self.parameters)
        head = f"gradient check: {passed} of {count} parameters passed"
        if self.failed:
            head += f", {len(self.failed)} failed"
        if self.not_checkable:
            head += f", {len(self.not_checkable)} not checkable here"
        lines = [f"{head} (loss {self.loss:.6g}, limit of the relative error {self.tolerance:.0e})"]
        names = max((len(p.name) for p in self.parameters), default=0)
        shapes = max((len(str(p.shape)) for p in self.parameters), default=0)
        for p in self.parameters:
            verdict = "FAILED" if p.verdict == "failed" else p.verdict
            error = "" if p.error is None else f"{p.error:.1e}"
            line = f"  {p.name:<{names}}  {p.shape!s:<{shapes}}  {verdict:<13}  {error:<7}  {p.explanation}"
            lines.append(line.rstrip())
        return "\n".join(lines + [f"  note: {note}" for note in self.notes])


@dataclass
class _Measured:
    """One comparison along one direction."""

    outcome: Literal["passed", "failed", "silent", "unclear", "kink"]
    given: float
    measured: float
    uncertainty: float
    step: float

    @property
    def size(self) -> float:
        return max(abs(self.given), abs(self.measured))

    @property
    def error(self) -> float:
        return abs(self.given - self.measured) / self.size if self.size else 0.0


def check_gradient(
    loss: Callable[[Any], Any],
    gradient: Any,
    parameters: Any,
    *,
    directions: int = 2,
    step: float | None = None,
    tolerance: float = 1e-6,
    seed: int = 0,
    penalty: Callable[[Any], Any] | None = None,
) -> GradientCheck:
    """Compare a gradient with central differences of the loss, parameter by parameter.

    ``parameters`` is an array, or dicts, lists and tuples of arrays of any shape. ``loss(parameters)`` gives one number;
    it is called on float64 copies and must use the arrays that it is handed. ``gradient`` is a function of the
    parameters, or its result, in the form and shapes of ``parameters``. ``penalty(parameters)`` is the part of the loss
    that is no data term (weight decay for instance), so that a fault in it is found beside a much larger data term.

    Each parameter is moved along ``directions`` random unit directions by ±h, with h = ``step`` or else
    1e-4·max(1, rms of the parameter); the relative error must not exceed ``tolerance``. Where the two derivatives
    disagree, or rounding may hide them, steps from 100 h to h/100 are tried, and the one that agrees best with its
    neighbour counts; rounding is measured after Moré and Wild, "Estimating computational noise" (2011). At a kink, as
    that of a ReLU, other directions are tried, and a place close by. A derivative that drowns in rounding is called
    "not checkable", never "passed". Draws from numpy.random and random are the same in every call. Nothing is left
    changed: the caller's arrays and both random states are bit for bit as before. Works best on 8 to 32 rows of data.

    Raises InputError where the forms do not fit, or the loss is not one finite, repeatable number.

    >>> x = np.array([1.0, 2.0])
    >>> print(check_gradient(lambda w: np.sum(w**2 * x), lambda w: w * x, np.array([3.0, -1.0])))
    gradient check: 0 of 1 parameters passed, 1 failed (loss 11, limit of the relative error 1e-06)
      parameters  (2,)  FAILED         5.0e-01  is 0.5 times the true gradient: a factor of 2 is missing, as that of a square
    """
    _check_options(directions, step, tolerance, seed)
    program = Program(loss, gradient, parameters, penalty)
    try:
        check = _Check(program, directions, step, tolerance, np.random.default_rng(seed))
        found = [check.parameter(i) for i in range(len(program.names))]
        found = check.explained(found)
    finally:
        overwritten = program.restore()
    notes = program.notes(overwritten)
    if not check.moved and any(p.verdict == "failed" and p.error is not None for p in found):
        notes.append(
            "the loss gave exactly the same number wherever the parameters were moved: it must be computed from the "
            "arrays that it is handed, not from arrays that it knows by another name."
        )
    notes += gradient_faults.name_whole(
        [(p.name, p.verdict, p.factor if p.pattern in ("factor", "sign") else None) for p in found]
    )
    return GradientCheck(found, program.start.loss, check.tolerance, notes)


def _check_options(directions: Any, step: Any, tolerance: Any, seed: Any) -> None:
    if isinstance(directions, bool) or not isinstance(directions, int) or directions < 1:
        raise InputError(f"directions is {directions!r}; expected a whole number of at least 1.")
    if step is not None and not (isinstance(step, int | float) and 0 < step < math.inf):
        raise InputError(f"step is {step!r}; expected a positive number such as 1e-4, or None to choose it.")
    if not (isinstance(tolerance, int | float) and 0 < tolerance < 1):
        raise InputError(f"tolerance is {tolerance!r}; expected a number between 0 and 1 such as 1e-6.")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed is {seed!r}; expected a whole number of at least 0.")


class _Check:
    """One run of the check: measures directions, decides, and asks for the names of what is wrong."""

    def __init__(
        self, program: Program, directions: int, step: float | None, tolerance: float, rng: np.random.Generator
    ) -> None:
        self.program, self.directions, self.step, self.rng = program, directions, step, rng
        self.tolerance = max(tolerance, _SINGLE_TOLERANCE) if program.single or program.single_gradient else tolerance
        self.moved = False
        self._beside: Point | None = None
        self._failed_at: dict[int, Point] = {}
        self._worked: dict[int, float] = {}  # the step that showed the fault of a parameter

    # One direction ---------------------------------------------------------------------------------------------------
    def _step(self, point: Point, i: int) -> float:
        if self.step is not None:
            return self.step
        return (1e-2 if self.program.single else 1e-4) * point.scale(i)

    def _measure(self, point: Point, i: int, direction: Array) -> _Measured:
        """Compare both derivatives along one direction of parameter ``i``."""
        given = float(np.sum(point.gradient[i] * direction))
        limit = self._limit(point, i, direction)
        h = self._step(point, i)
        up, down = point.moved(i, h * direction), point.moved(i, -h * direction)
        self.moved = self.moved or not up == down == point.loss
        measured = (up - down) / (2 * h)
        quick = _Measured("passed", given, measured, 8 * self.program.epsilon * max(abs(up), abs(down)) / h, h)
        if abs(given - measured) <= limit(quick.size) and quick.uncertainty <= _WORST_PRECISION * quick.size:
            return quick

        steps = [h * 10.0**k for k in (2, 1, 0, -1, -2)]
        pairs = [(point.moved(i, s * direction), point.moved(i, -s * direction)) for s in steps]
        self.moved = self.moved or any(value != point.loss for pair in pairs for value in pair)
        central = [(up - down) / (2 * s) for s, (up, down) in zip(steps, pairs, strict=True)]
        noise = [point.noise(i, direction) / s for s in steps]
        trust = [abs(a - b) + n for a, b, n in zip(central, central[1:], noise, strict=False)]
        best = min(range(len(trust)), key=lambda k: trust[k] if math.isfinite(trust[k]) else math.inf)
        found = _Measured("unclear", given, central[best], trust[best], steps[best])
        error = abs(given - found.measured)
        if not math.isfinite(found.uncertainty):
            found.measured, found.uncertainty = 0.0, math.inf
        elif found.size <= 5 * found.uncertainty and found.size <= 5 * max(noise[best], noise[0]):
            found.outcome = "silent"
        elif self._kink(point.loss, steps, pairs, noise, error, best):
            found.outcome = "kink"
        elif error > limit(found.size) + 5 * found.uncertainty:
            found.outcome = "failed"
        elif found.uncertainty <= _WORST_PRECISION * found.size:
            found.outcome = "passed"
        return found

    def _limit(self, point: Point, i: int, direction: Array) -> Callable[[float], float]:
        """The error that may remain; where there is a penalty it must also be small beside the penalty's own slope."""
        if self.program.penalty is None:
            return lambda size: self.tolerance * size
        h = self._step(point, i)
        up, down = (self.program.penalty_at(point.with_moved(i, s * direction)) for s in (h, -h))
        slope = abs(up - down) / (2 * h)
        rounding = 8 * self.program.epsilon * max(abs(up), abs(down)) / h
        share = 0.01 * slope if slope > rounding else math.inf
        return lambda size: min(self.tolerance * size, share)

    @staticmethod
    def _kink(start: float, steps: list[float], pairs: Any, noise: list[float], error: float, best: int) -> bool:
        """Whether the slopes on both sides differ alike at two steps: of a smooth loss they meet as the step shrinks."""
        gaps = [abs(up - 2 * start + down) / s for s, (up, down) in zip(steps, pairs, strict=True)]
        seen = [k for k in range(len(steps)) if gaps[k] > 30 * noise[k]]
        return any(
            k in seen and k + 1 in seen and gaps[k + 1] > max(0.3 * gaps[k], 0.01 * error)
            for k in {best, max(seen, default=0) - 1}
        )

    # One parameter ---------------------------------------------------------------------------------------------------
    def parameter(self, i: int) -> ParameterCheck:
        """The verdict on parameter ``i``."""
        program, start = self.program, self.program.start
        name, shape = program.names[i], start.leaves[i].shape
        if start.leaves[i].size == 0:
            return ParameterCheck(name, shape, "not checkable", explanation="it is empty")
        if not np.isfinite(start.gradient[i]).all():
            index = tuple(int(k) for k in np.argwhere(~np.isfinite(start.gradient[i]))[0])
            text = f"holds {start.gradient[i][index]} at index {index}" if index else f"is {start.gradient[i]}"
            return ParameterCheck(name, shape, "failed", explanation=text, pattern="not finite")
        fault = program.faulty_calls.get(i)
        if fault:
            return ParameterCheck(name, shape, "failed", explanation=fault[1], pattern=fault[0])
        found = self._along(start, i)
        where = ""
        if any(m.outcome in ("kink", "unclear") for m in found) and not self._decided(found, i) and program.callable:
            beside = self._along(self._place_beside(), i)
            if self._decided(beside, i):
                found, where = beside, "checked close by, because the loss has a kink exactly here"
                if any(m.outcome == "failed" for m in found):
                    self._failed_at[i] = self._place_beside()
        return self._verdict(name, shape, found, i, where)

    def _along(self, point: Point, i: int) -> list[_Measured]:
        wanted, found = self._wanted(i), []
        for _ in range(wanted + _EXTRA_DIRECTIONS):
            direction = self.rng.standard_normal(point.leaves[i].shape)
            found.append(self._measure(point, i, np.asarray(direction / np.sqrt(np.sum(np.square(direction))))))
            if sum(m.outcome in ("passed", "failed") for m in found) >= wanted:
                break
            if len(found) >= wanted and all(m.outcome == "silent" for m in found):
                break
        return found

    def _wanted(self, i: int) -> int:
        return 1 if self.program.start.leaves[i].size == 1 else self.directions

    def _decided(self, found: list[_Measured], i: int) -> bool:
        outcomes = [m.outcome for m in found]
        return "failed" in outcomes or outcomes.count("passed") >= self._wanted(i)

    def _place_beside(self) -> Point:
        if self._beside is None:
            start = self.program.start
            self._beside = self.program.point(
                [x + 1e-3 * start.scale(k) * self.rng.standard_normal(x.shape) for k, x in enumerate(start.leaves)]
            )
        return self._beside

    def _verdict(self, name: str, shape: tuple[int, ...], found: list[_Measured], i: int, where: str) -> ParameterCheck:
        outcomes = {m.outcome for m in found}
        decided: list[_Measured] = [m for m in found if m.outcome in ("passed", "failed")]
        if self._decided(found, i):
            failed = [m for m in decided if m.outcome == "failed"]
            worst = max(failed or decided, key=lambda m: m.error)
            self._worked[i] = worst.step
            precision = worst.uncertainty / worst.size
            verdict: Verdict = "failed" if failed else "passed"
            if not failed and worst.error > self.tolerance:
                where = "; ".join(filter(None, (where, "as far as rounding lets it be seen")))
            return ParameterCheck(
                name, shape, verdict, worst.error, worst.given, worst.measured, precision, explanation=where
            )
        if outcomes == {"silent"}:
            text = (
                f"both derivatives lie below what rounding shows (about {max(m.uncertainty for m in found):.0e}): nothing "
                "depends on it here; try other rows of data or another seed"
            )
        elif "kink" in outcomes:
            text = "the loss has a kink exactly here (a ReLU or |x| at 0, equal maxima); " + (
                "try another seed" if self.program.callable else "give the gradient as a function, or try another seed"
            )
        else:
            text = (
                "rounding hides it: steps of different sizes measure different slopes; try other rows or another seed"
            )
        return ParameterCheck(name, shape, "not checkable", explanation=text)

    # What is wrong ---------------------------------------------------------------------------------------------------
    def explained(self, found: list[ParameterCheck]) -> list[ParameterCheck]:
        """The failed ones with the name of what is wrong with them."""
        program = self.program
        samples: dict[int, gradient_faults.Sample] = {}
        for i, p in enumerate(found):
            if p.verdict == "failed" and p.pattern is None:
                samples[i] = self._sample(self._failed_at.get(i, program.start), i)
        result = list(found)
        for i, sample in samples.items():
            others = [
                gradient_faults.Other(
                    program.names[j], self._failed_at.get(i, program.start).gradient[j], samples.get(j)
                )
                for j, p in enumerate(found)
                if j != i and (p.verdict == "passed" or j in samples)
            ]
            fault = gradient_faults.name_fault(
                sample, others, self._sizes(), precise=self.tolerance < _SINGLE_TOLERANCE
            )
            text = "; ".join(filter(None, (fault.text, found[i].explanation)))
            result[i] = ParameterCheck(
                **{**vars(found[i]), "explanation": text, "pattern": fault.pattern, "factor": fault.factor}
            )
        return result

    def _sample(self, point: Point, i: int) -> gradient_faults.Sample:
        """The true derivative by single elements: of all, or of some rows and columns of a large parameter."""
        x = point.leaves[i]
        wrong = (
            (self._wrong_line(point, i, 0), self._wrong_line(point, i, 1))
            if x.size > gradient_faults.LARGEST_SAMPLE
            else (0, 0)
        )
        rows, columns = gradient_faults.sampled_places(x.shape, self.rng, wrong)
        places = rows[:, None] * (x.shape[-1] if x.ndim > 1 else 1) + columns[None, :]
        true, doubt, penalty = np.zeros(places.shape), np.zeros(places.shape), np.zeros(places.shape)
        h = self._worked.get(i, self._step(point, i))
        for at, place in np.ndenumerate(places):
            unit = np.zeros(x.shape)
            unit.flat[place] = 1.0
            true[at], doubt[at] = self._element(point, i, unit, h)
            if self.program.penalty is not None:
                up, down = (self.program.penalty_at(point.with_moved(i, s * unit)) for s in (h, -h))
                penalty[at] = (up - down) / (2 * h)
        return gradient_faults.Sample(
            point.gradient[i], x, rows, columns, true, doubt, penalty if self.program.penalty else None
        )

    def _element(self, point: Point, i: int, unit: Array, h: float) -> tuple[float, float]:
        """The derivative by one element, and how far it can be trusted; near a kink from smaller steps."""
        rounding = self.program.epsilon * abs(point.loss)
        steps = [h, h / 10, h / 100]
        slopes: list[float] = []
        trust: list[float] = []
        for step in steps:
            slopes.append((point.moved(i, step * unit) - point.moved(i, -step * unit)) / (2 * step))
            if len(slopes) > 1:
                trust.append(abs(slopes[-1] - slopes[-2]))
                if trust[-1] <= 1e-5 * abs(slopes[-1]):
                    break
        best = int(np.argmin([t + rounding / s for t, s in zip(trust, steps, strict=False)]))
        return slopes[best], trust[best] + rounding / steps[best]

    def _wrong_line(self, point: Point, i: int, axis: int) -> int:
        """A row (axis 0) or column (axis 1) of the parameter whose gradient is wrong, found by halving."""
        x = gradient_faults.as_matrix(point.leaves[i])
        low, high = 0, x.shape[axis]
        while high - low > 1:
            middle = (low + high) // 2
            direction = np.zeros(x.shape)
            half = (slice(low, middle), slice(None)) if axis == 0 else (slice(None), slice(low, middle))
            direction[half] = self.rng.standard_normal(direction[half].shape)
            direction /= np.sqrt(np.sum(np.square(direction)))
            outcome = self._measure(point, i, direction.reshape(point.leaves[i].shape)).outcome
            low, high = (low, middle) if outcome == "failed" else (middle, high)
        return low

    def _sizes(self) -> dict[int, str]:
        """The sizes of the axes, with the parameter where they occur first."""
        sizes: dict[int, str] = {}
        for name, leaf in zip(self.program.names, self.program.start.leaves, strict=True):
            for n in leaf.shape:
                sizes.setdefault(n, name)
        return sizes
