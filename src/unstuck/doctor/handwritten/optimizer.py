"""The optimiser apart from the gradient: do the recorded steps follow the closed form of a known rule?

Over a few consecutive steps the gradient g, the parameter and every variable of the parameter's size that the steps change
are known numbers. A moving average is linear in its old value and in g (a first moment) or in g² (a second moment), with the
same factors at each step. The step is then linear in them (momentum, Nesterov), or n / step is affine in the root of a second
moment, or its square in the second moment itself (RMSprop, Adagrad, Adam; n the gradient or the first moment): the rate,
the bias corrections and epsilon only enter the two coefficients. Kingma and Ba (2015), algorithm 1; Sutskever et al. (2013).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from .compare import Source, sources
from .examine import Examination
from .program import Program
from .records import Array, Window
from .session import Session
from .understand import Parameter

STEPS = 4  # consecutive steps that are looked at
OPEN = ("moving average", "unknown")  # names of rules that say which part is wrong, not what the whole was meant to be
EARLIER = 30  # steps before them that may have been taken
EXACT = 1e-6  # worst relative error under which a closed form holds
SURE = 0.99999  # decay over which a variable that goes on from its old value may be anything
LEAST = 8  # elements of a parameter from which on three coefficients can be refuted


@dataclass(frozen=True)
class Moment:
    """A variable that averages the gradient: new = decay · old + weight · g^power, the same at each step if ``steady``.

    ``power`` 0 stands for |g|, which no rule averages.
    """

    path: str
    power: int
    decay: float
    weight: float
    steady: bool
    values: list[Array]


@dataclass(frozen=True)
class Rule:
    """What the steps of one parameter follow. ``fault`` None: a known closed form, otherwise what contradicts every one.

    ``by_choice``: some programs differ from the closed form in this way on purpose. ``exchanged``: the rule is not wrong; what
    goes into it belongs to another parameter.
    """

    parameter: str
    name: str
    fault: str | None = None
    expected: str = ""
    measured: float = 0.0
    by_choice: bool = False
    exchanged: bool = False


def judge(session: Session, program: Program, found: Examination) -> list[Rule]:
    """The rule of each parameter whose gradient was recorded apart from its step; [] where nothing can be said."""
    if found.best is None:
        return []
    through = _recorded_gradients(found)
    parameters = [p for p in found.known.parameters if p.path in through and p.before.size >= LEAST]
    if not parameters:
        return []
    step = session.stop(found.known.loop, found.known.hit, program)
    if step is None:
        return []
    with step:
        sites = [source.key[0] for source in through.values() if source.key is not None]
        windows = step.take(windows=STEPS, sites=sites)
    if len(windows) < STEPS:
        return []
    rules = []
    for parameter in parameters:
        source = through[parameter.path]
        history = _History.of(parameter, source, windows, found) if source is not None else None
        if history is not None:
            rules.append(history.exchanged(_others(parameter, parameters, through), windows, found) or history.rule())
    return rules


def _others(parameter: Parameter, parameters: list[Parameter], through: dict[str, Source]) -> list[tuple[str, Source]]:
    """The recorded gradients of other parameters of its shape, with their names."""
    return [(p.text, through[p.path]) for p in parameters if p is not parameter and p.shape == parameter.shape]


def _recorded_gradients(found: Examination) -> dict[str, Source]:
    """The recorded gradient of each parameter that is right.

    In a first step the new moments are the gradient times a number as well: the earliest of the parallel values is taken, from
    before rate and averages come into it.
    """
    chosen = {}
    parameters = {p.path: p for p in found.known.parameters}
    for verdict in found.best.of("right") if found.best is not None else []:
        if verdict.through is None:
            continue
        parallel = [
            source for source in sources(parameters[verdict.path], found.known.window)
            if source.key is not None and source.key in found.known.touched
            and _residual(verdict.through.flat, [source.flat]) < EXACT
        ]  # fmt: skip
        if parallel:
            chosen[verdict.path] = min(parallel, key=lambda source: source.order)
    return chosen


@dataclass(frozen=True)
class _History:
    """Numbers of one parameter over the steps 2, 3, …: gradients, changes, values before, and the moments found."""

    parameter: Parameter
    gradients: list[Array]
    changes: list[Array]
    before: list[Array]
    moments: list[Moment]
    others: int  # variables of this size that no average explains
    fresh: bool  # the moments started at zero with the first of these steps

    @classmethod
    def of(cls, parameter: Parameter, source: Source, windows: list[Window], found: Examination) -> _History | None:
        gradients = [_gradient(source, w, parameter) for w in windows]
        values = [w.leaves.get(parameter.path) for w in windows]
        if any(g is None or not np.all(np.isfinite(g)) for g in gradients) or any(v is None for v in values):
            return None
        g = [x for x in gradients if x is not None]
        theta = [v.ravel() for v in values if v is not None]
        if not np.array_equal(g[0], source.flat):
            return None
        size = parameter.before.size
        moments, others, fresh = [], 0, True
        trained = {p.path for p in found.known.parameters}
        for path, last in windows[-1].leaves.items():
            states = [w.leaves.get(path) for w in windows]
            if last.size != size or path in trained or any(s is None or s.size != size for s in states):
                continue
            flat = [s.ravel() for s in states if s is not None]
            if all(np.array_equal(a, b) for a, b in itertools.pairwise(flat)):
                continue
            if not all(np.all(np.isfinite(x)) for x in flat) or any(
                np.array_equal(flat[-1], x) for x in (g[-1], theta[-1])
            ):
                continue
            if any(np.array_equal(flat[1], g[k]) or np.array_equal(flat[1], -g[k]) for k in range(len(g))):
                continue  # the gradient itself, kept in a variable
            moment = _moment(path, flat, g[1:], theta[:-1])
            if moment is None:
                others += 1
                continue
            if moment.power == 1 and abs(moment.decay) < 1e-9:
                continue  # nothing old is in it: the gradient with that of a penalty
            start = found.known.leaves.get(path)
            fresh = fresh and (start is None or start.size != size or not np.any(start))
            moments.append(moment)
        changes = [b - a for a, b in itertools.pairwise(theta)]
        return cls(parameter, g[1:], changes, theta[:-1], moments, others, fresh)

    def exchanged(self, others: list[tuple[str, Source]], windows: list[Window], found: Examination) -> Rule | None:
        """Its steps follow a known rule from the averages of another parameter's gradient."""
        if self.moments or not self.others:
            return None
        for name, source in others:
            history = _History.of(self.parameter, source, windows, found)
            if history is None or not any(m.steady and 0 < m.decay < SURE for m in history.moments):
                continue
            followed = history.rule()
            if followed.fault is None and followed.name != "not judged":
                return Rule(
                    self.parameter.text, "moving average", f"its averages are those of the gradient of {name}",
                    "those of its own gradient", 1.0, exchanged=True,
                )  # fmt: skip
        return None

    def rule(self) -> Rule:
        """Try the closed forms from the simplest to the richest."""
        name = self.parameter.text
        if not all(np.any(c) for c in self.changes) or self._saturated():
            return Rule(name, "not judged")
        first = [m for m in self.moments if m.power == 1]
        second = [m for m in self.moments if m.power == 2]
        unsteady = next((m for m in self.moments if not m.steady), None)
        if not self.moments:
            return Rule(name, "not judged")
        sums = next((m for m in self.moments if m.power == 0), None)
        if sums is not None:
            return Rule(
                name, "moving average", f"`{_text(sums.path)}` averages the absolute gradient", "the average of its square",
                sums.decay,
            )  # fmt: skip
        growing = next((m for m in self.moments if m.decay > 1 + 1e-6 or m.decay < -1e-6), None)
        growing = growing or next((m for m in first if m.decay > 1 - 1e-9), None)
        if growing is not None:
            return Rule(
                name, "moving average", f"the average `{_text(growing.path)}` keeps {growing.decay:.4g} of its old value",
                "a share between 0 and 1", growing.decay,
            )  # fmt: skip
        if self._linear(first):
            return Rule(name, "momentum")
        for moment in second:
            for numerator in [None, *first]:
                scales = self._scales(numerator, moment)
                if scales is not None:
                    return self._adaptive(name, numerator, moment, scales)
        for moment in second:
            for numerator in [None, *first]:
                if self._without_root(numerator, moment):
                    return Rule(
                        name, "moving average", f"the step is divided by `{_text(moment.path)}`, not by its root",
                        "the root of the average square", moment.decay,
                    )  # fmt: skip
        if unsteady is not None:
            return Rule(
                name, "moving average", f"the factors of `{_text(unsteady.path)}` change from step to step",
                "the same factors at each step", unsteady.decay,
            )  # fmt: skip
        if second or (len(self.moments) == 1 and self.others == 0):
            worst = self._misfit(first, second)
            return Rule(name, "unknown", "the step follows no known rule from its gradient and its moving averages",
                        f"at most {EXACT:g}", worst, by_choice=True)  # fmt: skip
        return Rule(name, "not judged")

    def _saturated(self) -> bool:
        """Steps of a few sizes only: of the sign, or clipped."""
        sizes = np.abs(self.changes[-1][self.changes[-1] != 0])
        if not np.all(np.isfinite(sizes)):
            return True
        return bool(
            sizes.size >= LEAST and len(np.unique(np.round(sizes / sizes.max(), 6))) <= max(2, 0.8 * sizes.size)
        )

    def _linear(self, first: list[Moment]) -> bool:
        steps = list(enumerate(zip(self.changes, self.gradients, self.before, strict=True)))
        return any(
            all(_residual(c, [m.values[t + 1], m.values[t], g, before]) < EXACT for t, (c, g, before) in steps)
            for m in first
        )

    def _scales(self, numerator: Moment | None, second: Moment) -> list[float] | None:
        """Coefficient of the root of the second moment in numerator / step at each step; None where the form does not hold."""
        scales = []
        for t, (change, g) in enumerate(zip(self.changes, self.gradients, strict=True)):
            top = g if numerator is None else numerator.values[t + 1]
            v = second.values[t + 1]
            usable = (change != 0) & (top != 0) & (v > 0)
            if usable.sum() < LEAST:
                return None
            ratio, root, one = top[usable] / change[usable], np.sqrt(v[usable]), np.ones(usable.sum())
            affine, outside = _fit(ratio, [root, one])
            if affine >= EXACT:
                affine, inside = _fit(ratio**2, [v[usable], one])
                if affine >= EXACT or inside[0] <= 0:
                    return None
                outside = np.array([np.sign(ratio[0]) * np.sqrt(inside[0])])
            if abs(outside[0]) * root.max() < 0.1 * np.max(np.abs(ratio)):
                return None  # the second moment plays no part: that is momentum
            scales.append(float(outside[0]))
        return scales

    def _without_root(self, numerator: Moment | None, second: Moment) -> bool:
        for t, (change, g) in enumerate(zip(self.changes, self.gradients, strict=True)):
            top = g if numerator is None else numerator.values[t + 1]
            usable = (change != 0) & (top != 0)
            if usable.sum() < LEAST:
                return False
            error, (slope, _) = _fit(
                top[usable] / change[usable], [second.values[t + 1][usable], np.ones(usable.sum())]
            )
            if error >= EXACT or not slope:
                return False
        return True

    def _adaptive(self, name: str, numerator: Moment | None, second: Moment, scales: list[float]) -> Rule:
        kind = "RMSprop" if numerator is None else "Adam"
        if numerator is None or second.decay > 1 - 1e-9:
            return Rule(name, "Adagrad" if second.decay > 1 - 1e-9 else kind)
        away = np.inf
        for earlier in range(1 if self.fresh else EARLIER):  # steps that were taken before the ones that are seen
            steps = np.arange(2, 2 + len(scales)) + earlier
            corrected = (1 - numerator.decay**steps) / np.sqrt(1 - second.decay**steps)
            ratio = np.asarray(scales) / corrected
            away = min(away, float(np.max(np.abs(ratio / ratio[0] - 1))))
        if away < 1e-3:
            # The recorded gradient may be a multiple of the one that is averaged (its sum, say): then both moments say so.
            multiple = numerator.weight / (1 - numerator.decay)
            if abs(second.weight / (1 - second.decay) / multiple**2 - 1) < 1e-3:
                return Rule(name, "Adam")
            for moment in (numerator, second):
                if abs(moment.weight / (1 - moment.decay) - 1) > 0.01:
                    return Rule(
                        name, "Adam", f"`{_text(moment.path)}` weighs the new value with {moment.weight:.4g}",
                        f"1 - {moment.decay:.6g} = {1 - moment.decay:.4g}", moment.weight,
                    )  # fmt: skip
            return Rule(name, "Adam")
        return Rule(
            name, "Adam", "the correction for moments that start at zero is not (1 - β1^t) and (1 - β2^t)",
            "constant rate at each step, to 0.001", away, by_choice=True,
        )  # fmt: skip

    def _misfit(self, first: list[Moment], second: list[Moment]) -> float:
        columns = [m.values[-1] for m in (*first, *second)]
        return _residual(self.changes[-1], [*columns, self.gradients[-1]])


def _moment(path: str, states: list[Array], gradients: list[Array], before: list[Array]) -> Moment | None:
    """The average of g or g² that a variable is, None if it is neither (``states`` has one more entry than ``gradients``)."""
    for power in (1, 2, 0):
        rows = []
        for t, g in enumerate(gradients):
            residual, factors = _fit(states[t + 1], [states[t], g**power if power else np.abs(g)])
            if residual >= EXACT and power == 1:  # with the gradient of an L2 penalty in it
                residual, factors = _fit(states[t + 1], [states[t], g, before[t]])
            if residual >= EXACT:
                break
            rows.append(factors)
        else:
            decays = np.array([row[0] for row in rows])
            weights = np.array([row[1] for row in rows])
            if not np.any(np.abs(weights) > 1e-12):
                return None
            steady = bool(np.ptp(decays) < 1e-4 and np.ptp(weights) < 1e-3 * np.max(np.abs(weights)))
            return Moment(path, power, float(decays[0]), float(weights[0]), steady, states)
    return None


def _gradient(source: Source, window: Window, parameter: Parameter) -> Array | None:
    """The numbers of the recorded gradient in another step, in the order of the parameter's."""
    series = window.series.get(source.key) if source.key is not None else None
    n = parameter.before.size
    if series is None or source.occurrence >= series.count:
        return None
    sizes = {math.prod(s) for s in series.shapes}
    value = series.flat if sizes == {1} and series.flat.size == n else series.occurrence(source.occurrence)
    if value.size != n:
        return None
    two = [s for s in parameter.shape if s != 1]
    if value.ndim == 2 and len(two) == 2 and value.shape[0] == two[1] and value.shape != tuple(two):
        return np.ascontiguousarray(value.T).ravel()
    return value.ravel()


def _fit(wanted: Array, columns: list[Array]) -> tuple[float, Array]:
    """Worst relative error of the best linear combination of the columns, and its coefficients."""
    if not all(np.all(np.isfinite(x)) for x in (wanted, *columns)):
        return np.inf, np.zeros(len(columns))
    sizes = [max(float(np.max(np.abs(c))), 1e-300) for c in columns]
    table = np.stack([c / s for c, s in zip(columns, sizes, strict=True)], axis=1)
    solution, *_ = np.linalg.lstsq(table, wanted, rcond=None)
    error = float(np.max(np.abs(table @ solution - wanted)))
    return error / max(float(np.max(np.abs(wanted))), 1e-300), solution / sizes


def _residual(wanted: Array, columns: list[Array]) -> float:
    return _fit(wanted, columns)[0]


def _text(path: str) -> str:
    return path.split(": ", 1)[-1]
