"""The user's own gradients beside the true ones: which objective is descended, and which parameters disagree with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from .nudge import Derivatives, Key, Objective
from .records import Array, Series, Window
from .understand import Parameter, Understanding

PARALLEL = 1e-5  # relative residual under which two sets of directional derivatives count as parallel
WRONG = 1e-3  # above it they are different; in between nothing is said
NOTHING = 1e-8  # an update is rounding when it is smaller than this share of the largest one (or of 1)
SCALE = 1e-4  # relative difference of two factors
ITSELF = 1e-12  # relative difference under which a value is a multiple of the parameter


@dataclass(frozen=True)
class Source:
    """A recorded value that may be a parameter's gradient: its series, occurrence and numbers.

    ``key`` None: what the step added to the parameter. ``weight``: how much it counts that this value is right (one of
    many values of the same line and shape may be right by being one of the terms of a sum).
    """

    key: Key | None
    occurrence: int
    flat: Array
    order: float
    weight: float = 0.8


@dataclass(frozen=True)
class ParameterVerdict:
    """One parameter against one objective.

    ``status``: "right" (parallel), "wrong", "scaled" (right direction, another factor than the others), "unclear",
    "unchecked" (no true derivative beyond rounding, and no update beyond it), "uncovered" (no derivative at all, but an
    update: another objective), "unmoved" (the right gradient is computed, and the parameter is left as it was).
    ``factor``: user's = factor * true. ``residual``: worst relative difference after that factor. ``through``: the source
    that agrees (None with "wrong"). ``small``: it is a single number.
    """

    path: str
    status: str
    factor: float
    residual: float
    through: Source | None
    small: bool


@dataclass(frozen=True)
class Comparison:
    """All parameters against the best objective. ``factor`` is the common factor of those that are right by their update."""

    objective: Objective
    verdicts: list[ParameterVerdict]
    score: float
    factor: float

    def of(self, status: str) -> list[ParameterVerdict]:
        return [v for v in self.verdicts if v.status == status]

    @property
    def clean(self) -> bool:
        """Every parameter that can be checked is right, and at least one can."""
        return bool(self.of("right")) and all(v.status in ("right", "unchecked") for v in self.verdicts)

    @property
    def parallel(self) -> bool:
        """No parameter disagrees by more than a constant factor."""
        return all(v.status in ("right", "unchecked", "scaled") for v in self.verdicts)


def sources(parameter: Parameter, window: Window) -> list[Source]:
    """The update first, then every recorded value with as many numbers as the parameter (also transposed)."""
    n = parameter.before.size
    found = [Source(None, 0, parameter.update, np.inf, 1.0)]
    before, after = parameter.before.ravel(), parameter.after.ravel()
    seen: set[bytes] = {before.tobytes(), after.tobytes()}
    length = float(before @ before) if n > 1 else 0.0

    def of_itself(flat: Array) -> bool:
        """A multiple of the parameter: what a penalty adds to any gradient says nothing about what is descended."""
        if not length or not flat[0] * before[0]:
            return False
        return bool(np.max(np.abs(flat - float(flat @ before) / length * before)) <= ITSELF * np.max(np.abs(flat)))

    def add(key: Key, occurrence: int, flat: Array, order: float, weight: float = 0.8) -> None:
        mark = flat.tobytes()
        if (mark not in seen or weight > 0.5) and np.all(np.isfinite(flat)) and not of_itself(flat):
            seen.add(mark)
            found.append(Source(key, occurrence, flat, order, weight))

    two = [s for s in parameter.shape if s != 1]
    for key, series in window.series.items():
        if not series.is_float:
            continue
        sizes = {math.prod(s) for s in series.shapes}
        if (n in sizes and n > 1) or (n == 1 and series.count <= 8):
            picked = range(series.count) if series.count <= 16 else [*range(8), *range(series.count - 8, series.count)]
            for i in picked:
                if math.prod(series.shapes[i]) != n:
                    continue
                value, when = series.occurrence(i), float(series.order[i])
                weight = 0.8 if i == series.count - 1 or series.shapes.count(series.shapes[i]) == 1 else 0.5
                add(key, i, value.ravel(), when, weight)
                if value.ndim == 2 and len(two) == 2 and value.shape[0] == two[1]:
                    add(key, i, np.ascontiguousarray(value.reshape(two[::-1]).T.ravel()), when, weight)
        elif sizes == {1} and series.flat.size == n:
            add(key, 0, series.flat, float(series.order[0]))
            if len(two) == 2:
                add(key, 0, np.ascontiguousarray(series.flat.reshape(two[::-1]).T.ravel()), float(series.order[0]))
    return found


def compare(known: Understanding, derivatives: Derivatives, window: Window | None = None) -> list[Comparison]:
    """Judge every parameter against every objective; best objective first.

    Better means: more parameters right, with one common factor; then a loss that the program computes itself, then a textbook
    loss, then the sum of a recorded array, then the chain from some value down.
    """
    objectives = derivatives.objectives
    if not objectives:
        return []
    output = first_output(derivatives, window or known.window)
    true = np.stack([o.derivative for o in objectives])  # (objectives, parameters, directions)
    floor = np.stack([o.floor for o in objectives])
    largest = min(1.0, max((float(np.max(np.abs(p.update))) for p in known.parameters), default=0.0))
    tables = []
    for i, parameter in enumerate(known.parameters):
        own = _after(sources(parameter, window or known.window), output)
        user = np.stack([s.flat for s in own]) @ derivatives.directions[i].T
        moves = bool(np.max(np.abs(parameter.update)) > NOTHING * largest)
        tables.append((parameter, own, moves, *_fit(user, true[:, i], floor[:, i, 0])))
    out = []
    for row in np.flatnonzero(_promising(tables, len(objectives))).tolist():
        comparison = _judge(objectives[row], row, tables)
        if comparison is not None:
            out.append(comparison)
    out.sort(key=lambda c: -c.score)
    series = (window or known.window).series
    if out and not out[0].clean and _hollow(out[0].objective, series):
        usual = next((c for c in out if _usual(c) and not _hollow(c.objective, series)), out[0])
        out.remove(usual)
        out.insert(0, usual)
    return out


def _hollow(objective: Objective, series: dict[Key, Series]) -> bool:
    """All targets are the same number: what some factor of a wrong gradient may well look like."""
    target = series.get(objective.target) if objective.target is not None else None
    return target is not None and target.flat.size > 2 and target.constant


def _usual(comparison: Comparison) -> bool:
    """A loss of the output, and some weights descend it."""
    return comparison.objective.kind in ("own", "loss") and any(not v.small for v in comparison.of("right"))


def first_output(derivatives: Derivatives, window: Window) -> float:
    """The moment of the first complete value that could be compared with a target (or else is one number) and on which as many
    parameters act as on any such value: no gradient is known before it. 0 where there is none."""
    for kind in ("loss", "own"):
        found: dict[int, list[float]] = {}
        for objective in derivatives.objectives:
            series = window.series.get(objective.value) if objective.kind == kind else None
            if series is None:
                continue
            target = None if objective.target is None else window.series.get(objective.target)
            if target is None or not target.constant:
                found.setdefault(objective.acting, []).append(float(series.order[-1]))
        most = max(found, default=0)
        if most:
            return min(found[most])
    return 0.0


def _after(found: list[Source], output: float) -> list[Source]:
    """The update, and the sources that are recorded after the output and are none of the values before it (as an input that is
    read again)."""
    early = {s.flat.tobytes() for s in found if s.order < output}
    return [s for s in found if s.key is None or (s.order >= output and s.flat.tobytes() not in early)]


def _fit(user: Array, true: Array, noise: Array) -> tuple[Array, Array, Array, Array]:
    """Fit user = factor * true for each source (rows of ``user``) and objective (rows of ``true``).

    Returns factor and residual, both (objectives, sources), the limit under which a residual counts as none, and which objectives
    are too small to be checked, both (objectives,).
    """
    with np.errstate(all="ignore"):
        size_true = np.max(np.abs(true), axis=1)
        size_user = np.max(np.abs(user), axis=1)
        factor = true @ user.T / np.maximum(np.sum(true * true, axis=1), 1e-300)[:, None]
        residual = np.zeros_like(factor)
        for j in range(true.shape[1]):
            residual = np.maximum(residual, np.abs(user[None, :, j] - factor * true[:, None, j]))
        residual = np.where(size_user > 0, residual / np.where(size_user > 0, size_user, 1.0), 1.0)
        limit = np.maximum(PARALLEL, 20 * noise / np.maximum(size_true, 1e-300))
    return factor, np.nan_to_num(residual, nan=np.inf), limit, size_true <= 50 * noise


_Table = tuple[Parameter, list[Source], bool, Array, Array, Array, Array]


def _promising(tables: list[_Table], count: int) -> Array:
    """The objectives with which the update or a recorded value of some parameter is parallel; all of them where every parameter
    is a single number (one number is always parallel)."""
    found = np.zeros(count, bool)
    large = [t for t in tables if t[0].before.size > 1]
    for _, _, _, factor, residual, limit, tiny in large:
        found |= ~tiny & np.any((residual <= limit[:, None]) & (factor != 0.0), axis=1)
    return found if large else np.ones(count, bool)


def _judge(objective: Objective, row: int, tables: list[_Table]) -> Comparison | None:
    verdicts = []
    for parameter, own, moves, factor, residual, limit, tiny in tables:
        small = parameter.before.size == 1
        f, r, lim = float(factor[row, 0]), float(residual[row, 0]), float(limit[row])
        through: Source | None = None
        if tiny[row] or not np.isfinite(f):
            absent = bool(factor[row, 0] == 0.0)
            status = ("uncovered" if absent else "wrong") if moves else "unchecked"
        elif r <= lim and f != 0.0:
            status, through = "right", own[0]
        else:
            status = "wrong" if r > max(WRONG, 100 * lim) else "unclear"
            fits = [] if small else np.flatnonzero((residual[row] <= lim) & (factor[row] != 0.0)).tolist()
            best = max(fits, key=lambda k: (own[k].weight, own[k].order), default=0)
            if best:
                status, through = "unmoved" if parameter.unmoved else "right", own[best]
                f, r = float(factor[row, best]), float(residual[row, best])
        verdicts.append(ParameterVerdict(parameter.path, status, f, r, through, small))
    large = [v for v in verdicts if v.status in ("right", "unmoved") and not v.small]
    if not large and not all(v.small for v in verdicts):
        return None
    by_update = [v.factor for v in large if v.through is not None and v.through.key is None]
    common = _mode(by_update) if by_update else float("nan")
    verdicts = [_with_common(v, common) for v in verdicts]
    score = {"own": 0.3, "loss": 0.2, "sum": 0.1, "chain": 0.0}[objective.kind]
    score -= 0.05 * (objective.name == "last")  # the values of the last sample alone fit it, whatever the others are
    for verdict in verdicts:
        if verdict.status in ("right", "unmoved") and verdict.through is not None:
            apart = verdict.through.key is None and not abs(verdict.factor / common - 1) < SCALE
            score += (0.5 if verdict.small else 1.0) * (0.8 if apart else verdict.through.weight)
        elif verdict.status == "uncovered" and objective.kind != "chain":
            score -= 2.0  # a loss that does not depend on something that is trained is not what is descended
    return Comparison(objective, verdicts, score, common)


def _mode(factors: list[float]) -> float:
    return max(factors, key=lambda f: sum(abs(g / f - 1) < SCALE for g in factors if f) if f else -1)


def _with_common(verdict: ParameterVerdict, common: float) -> ParameterVerdict:
    """A parameter of one number is always parallel: it is right only with the factor of the others."""
    if not verdict.small or verdict.status != "right" or not np.isfinite(common):
        return verdict
    away = abs(verdict.factor / common - 1)
    return verdict if away < SCALE else replace(verdict, status="scaled", residual=away)
