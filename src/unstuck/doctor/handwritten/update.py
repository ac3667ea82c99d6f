"""Checks of the update apart from the gradient: does the step descend, does it use this step's gradient, is all of it applied."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from .compare import PARALLEL, SCALE, Comparison, ParameterVerdict, compare, first_output, sources
from .edits.names import unnumbered
from .examine import Examination, examine_step, reexamine
from .nudge import Derivatives, Key, Objective, differentiate
from .program import Program
from .records import Array, Series
from .session import Session
from .understand import Parameter, Understanding

MOST_FROZEN = 12  # untouched variables that are looked at
MOST_DELTAS = 24  # errors that are sent back, and inputs, from which a step that is not taken is put together
MOST_ALIKE = 40  # objectives of the second step that may be the one of the first


@dataclass(frozen=True)
class Accumulation:
    """The second step contains the first one again. ``memory`` is the factor of the first step in it (1: nothing was cleared)."""

    reference: Examination
    memory: float
    residual: float


def accumulation(session: Session, program: Program, program_loop: int, first: Examination) -> Accumulation | None:
    """Whether gradients pile up: step 2 = rate * gradient 2 + 1 * step 1. A momentum alone has a factor below 1; with one that
    takes what was piled up it is 1 and the momentum's own."""
    if first.best is None or not np.isfinite(first.best.factor):
        return None
    step = session.stop(program_loop, first.known.hit, program)
    if step is None:
        return None
    with step:
        if not step.go(first.known.hit + 1):
            return None
        quick = reexamine(step, program_loop, first)
        if quick is not None and _piled(first, quick) is None:
            return None
        second = examine_step(step, program_loop, seed=5)  # all of it, for the search
    return None if second is None else _piled(first, second)


def _piled(first: Examination, second: Examination) -> Accumulation | None:
    assert first.best is not None
    wanted = first.best.objective
    alike = [o for o in second.derivatives.objectives if (o.kind, o.name) == (wanted.kind, wanted.name)]
    alike.sort(key=lambda o: o.label != wanted.label)
    for objective in alike[:MOST_ALIKE]:
        memory, residual = _again(first, second, objective)
        if residual < 10 * PARALLEL and memory > 1 - SCALE:
            return Accumulation(_told(second, objective), memory, residual)
    return None


def _again(first: Examination, second: Examination, objective: Objective) -> tuple[float, float]:
    """Share of the first step in the second one, beside its own gradient under the first one's rate; and what is left over."""
    assert first.best is not None
    old = {p.path: p for p in first.known.parameters}
    left, right = [], []
    for i, parameter in enumerate(second.known.parameters):
        if parameter.path not in old or parameter.before.size < 2:
            continue
        directions = second.derivatives.directions[i]
        scale = max(float(np.max(np.abs(directions @ parameter.update))), 1e-300)
        left.append(np.stack([objective.derivative[i], directions @ old[parameter.path].update], axis=1) / scale)
        right.append(directions @ parameter.update / scale)
    if not left:
        return 0.0, np.inf
    a, b = np.concatenate(left), np.concatenate(right)
    if not (np.all(np.isfinite(a)) and np.all(np.isfinite(b))):
        return 0.0, np.inf
    solution, *_ = np.linalg.lstsq(a, b, rcond=None)
    same_rate = abs(solution[0] / first.best.factor - 1) < SCALE
    return float(solution[1]), float(np.max(np.abs(a @ solution - b))) if same_rate else np.inf


def _told(second: Examination, objective: Objective) -> Examination:
    """The examination with every parameter told as wrong under this objective, whatever its parts agree with."""
    verdicts = [ParameterVerdict(p.path, "wrong", 0.0, 1.0, None, p.before.size == 1) for p in second.known.parameters]
    own = Comparison(objective, verdicts, 0.0, float("nan"))
    others = [c for c in second.ranking if c.objective is not objective]
    return dataclasses.replace(second, state="wrong", best=own, ranking=[own, *others])


def direct(comparison: Comparison | None) -> bool:
    """Every parameter that can be checked is right by what the step adds to it, with one factor."""
    if comparison is None or not comparison.clean:
        return False
    factors = [v.factor for v in comparison.of("right")]
    through = all(v.through is not None and v.through.key is None for v in comparison.of("right"))
    return through and all(abs(f / comparison.factor - 1) < SCALE for f in factors)


@dataclass(frozen=True)
class Frozen:
    """Variables at ``paths`` that should move and never do; in the examination ``reference`` they stand beside the parameters.

    ``computed``: the step computes their gradients; otherwise it only sends back the errors that they would be made of.
    """

    reference: Examination
    paths: list[str]
    computed: bool


def frozen(session: Session, program: Program, loop: int, found: Examination) -> Frozen | None:
    """Variables that the output depends on, for which the step computes the right gradient, and which it never changes; also
    siblings of trained ones to which the right error is sent back. None where there are none."""
    known = found.known
    if found.best is None:
        return None
    taken = {p.path for p in known.parameters} | set(known.states)
    rows = _rows(known)
    losses = [c.objective for c in found.ranking if c.clean and c.objective.target is not None]
    compared = {o.target[1] for o in losses if o.target is not None and o.target[0] < 0}
    targets = [known.window.series[o.target].flat for o in losses if o.target in known.window.series]
    candidates = [
        Parameter(path, value.shape, value, value, np.ones(value.size, dtype=bool))
        for path, value in known.leaves.items()
        if path not in taken and value.ndim and np.all(np.isfinite(value)) and not rows & set(value.shape)
        and (path not in compared or value.size == 1)
        and path in known.window.leaves and np.array_equal(value, known.window.leaves[path])
        and not any(t.size > 1 and np.ptp(t) > 0 and np.isin(t, value).all() for t in targets)  # where the targets come from
    ][:60]  # fmt: skip
    touched = {key: known.window.series[key] for key in known.touched if key in known.window.series}
    sizes = {math.prod(s) for series in touched.values() for s in series.shapes}
    alike = {unnumbered(p.path) for p in known.parameters}
    near = {
        c.path for c in candidates if c.before.size > 1 and unnumbered(c.path) in alike
    }  # beside others that are trained
    candidates = [c for c in candidates if c.before.size in sizes or c.path in near][:MOST_FROZEN]
    if not candidates:
        return None
    step = session.stop(loop, known.hit, program)
    if step is None:
        return None
    with step:
        derivatives = differentiate(
            step, known, np.random.default_rng(7), parameters=candidates, directions=3, chains=False
        )
    match = _same_objective(derivatives, found.best)
    if match is None:
        return None
    objective = derivatives.objectives[match]
    factors: dict[int, set[float]] = {}
    uncomputed = False
    for i, candidate in enumerate(candidates):
        true = objective.derivative[i]
        if np.max(np.abs(true)) <= 50 * np.max(objective.floor[i]):
            continue
        limit = max(PARALLEL, 20 * float(np.max(objective.floor[i])) / float(np.max(np.abs(true))))
        recorded = [source.flat for source in sources(candidate, known.window) if source.key in touched]
        factors[i] = _factors(recorded, derivatives.directions[i], true, limit)
        if not factors[i] and candidate.path in near:
            factors[i] = _factors(_from_deltas(candidate, found, touched), derivatives.directions[i], true, limit)
            uncomputed |= bool(factors[i])
    factors = {i: own for i, own in factors.items() if own}
    sure = {i for i in factors if candidates[i].before.size > 1}
    chosen = sorted(sure)
    for i in (
        set(factors) - sure
    ):  # a single number is always parallel: it must have the factor of a gradient that is known
        if any(abs(f / g - 1) < SCALE for f in factors[i] for j in sure for g in factors[j]):
            chosen.append(i)
    if not chosen:
        return None
    paths = [candidates[i].path for i in chosen]
    return Frozen(_beside(found, derivatives, candidates, chosen), paths, not uncomputed)


def _factors(made: Iterable[Array], directions: Array, true: Array, limit: float) -> set[float]:
    """The factors of those of the arrays that are multiples of the true gradient."""
    found = set()
    for flat in made:
        user = directions @ flat
        factor = float(user @ true / (true @ true))
        if factor and np.max(np.abs(user - factor * true)) <= limit * np.max(np.abs(user)):
            found.add(factor)
    return found


def _from_deltas(candidate: Parameter, found: Examination, touched: dict[Key, Series]) -> Iterator[Array]:
    """What the step would be made of if it was taken: inputs times an error that is sent back, or the sum of such an error.

    Rows of a batch are the first axis, or the last one.
    """
    output = first_output(found.derivatives, found.known.window)
    width, depth = candidate.shape[-1], candidate.shape[0] if len(candidate.shape) == 2 else 0
    every = [
        (float(series.order[k]), series.occurrence(k), key in touched)
        for key, series in found.known.window.series.items() if series.is_float
        for k in range(min(series.count, MOST_DELTAS)) if len(series.shapes[k]) == 2
    ]  # fmt: skip
    every.sort(key=lambda e: -e[0])  # the last errors are those of the first layers, which are left out most often
    values = [value for _, value, _ in every] + [leaf for leaf in found.known.leaves.values() if leaf.ndim == 2]
    behind = [value for moment, value, acts in every if acts and moment > output]
    for turned in (False, True):
        outwards, inwards = (depth, width) if turned and depth else (width, depth)
        errors = _distinct((v.T if turned else v) for v in behind if v.shape[0 if turned else 1] == outwards)
        if not depth:
            yield from (e.sum(axis=0) for e in errors)
            continue
        inputs = _distinct((v.T if turned else v) for v in values if v.shape[0 if turned else 1] == inwards)
        for e in errors:
            for x in inputs:
                if x.shape[0] == e.shape[0]:
                    yield ((e.T @ x) if turned else (x.T @ e)).ravel()


def _distinct(values: Iterable[Array]) -> list[Array]:
    seen: dict[bytes, Array] = {}
    for value in values:
        seen.setdefault(value.tobytes(), value)
        if len(seen) == MOST_DELTAS:
            break
    return list(seen.values())


def _rows(known: Understanding) -> set[int]:
    """Numbers of samples: outer sizes of recorded values that are no size of a parameter."""
    layers = {size for p in known.parameters for size in p.shape}
    found = {
        size
        for key in known.touched
        if key in known.window.series
        for shape in known.window.series[key].shapes
        if len(shape) > 1
        for size in (shape[0], shape[-1])
    }
    return found - layers - {1}


def _same_objective(derivatives: Derivatives, best: Comparison) -> int | None:
    wanted = best.objective
    for i, objective in enumerate(derivatives.objectives):
        if objective.label == wanted.label:
            return i
    return None


def _beside(found: Examination, more: Derivatives, candidates: list[Parameter], chosen: list[int]) -> Examination:
    """The examination with the frozen variables among the parameters (their update is zero, so they are wrong)."""
    table = {o.label: o for o in more.objectives}
    objectives = []
    for objective in found.derivatives.objectives:
        other = table.get(objective.label)
        if objective.kind == "chain" or other is None:
            continue
        width = objective.derivative.shape[1]
        pad = [np.resize(other.derivative[i], width) for i in chosen]
        objectives.append(
            dataclasses.replace(
                objective, derivative=np.vstack([objective.derivative, *pad]),
                floor=np.vstack([objective.floor, *(np.resize(other.floor[i], width) for i in chosen)]),
            )
        )  # fmt: skip
    width = found.derivatives.directions[0].shape[0]
    directions = [
        *found.derivatives.directions,
        *(np.resize(more.directions[i], (width, candidates[i].before.size)) for i in chosen),
    ]
    known: Understanding = dataclasses.replace(
        found.known, parameters=[*found.known.parameters, *(candidates[i] for i in chosen)]
    )
    derivatives = Derivatives(objectives, directions)
    ranking = compare(known, derivatives)
    return Examination(known, derivatives, "wrong", next(iter(ranking), None), None, ranking)
