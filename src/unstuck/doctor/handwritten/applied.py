"""Gradients that are right and yet not used as they should be: upside down, unequally scaled, shared, or lost on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from .compare import PARALLEL, sources
from .edits.base import candidates
from .edits.model import Edit, Facts
from .examine import Examination, examine, examine_step
from .nudge import Objective
from .program import Program
from .repair import Mended, mapped_loop
from .session import Session
from .step import WatchError
from .understand import Parameter

SAME_RATE = 1e-6  # relative difference under which two rates are one
EXACT = 1e-4  # the same where a loss is kept from log(0) by a small number
MOST_ALIASES = 8  # repairs of shared memory that are tried
MOST_LOST = 12  # repairs of a lost update that are tried
LOST = ("update-not-applied", "step-missing")


def recorded_factors(examination: Examination, objective: Objective, index: int) -> list[tuple[float, float]]:
    """(order, factor) of every recorded value that is parallel to a parameter's true gradient: value = factor * gradient."""
    known = examination.known
    true = objective.derivative[index]
    size = float(true @ true)
    if size == 0.0:
        return []
    found = []
    with np.errstate(all="ignore"):
        for source in sources(known.parameters[index], known.window)[1:]:
            user = examination.derivatives.directions[index] @ source.flat
            factor = float(user @ true) / size
            if factor and np.max(np.abs(user - factor * true)) <= PARALLEL * np.max(np.abs(user)):
                found.append((source.order, factor))
    return sorted(found)


def points_uphill(examination: Examination) -> bool:
    """The recorded gradients before the update are positive multiples of the loss's: what climbs is the step made of them."""
    loss = next((c for c in examination.ranking if c.clean and c.objective.kind == "loss"), None)
    if loss is None:
        return False
    uphill = []
    for i, verdict in enumerate(loss.verdicts):
        if verdict.status != "right" or verdict.small:
            continue
        before = [
            factor
            for order, factor in recorded_factors(examination, loss.objective, i)
            if order < examination.known.update_moment and abs(abs(factor / verdict.factor) - 1) > 1e-3
        ]
        if before:
            uphill.append(before[-1] > 0)
    return bool(uphill) and all(uphill)


@dataclass(frozen=True)
class Unequal:
    """One rate, applied to gradients that are not equally scaled.

    ``usual``: the factor of most, whose paths are ``kept``; ``others``: path -> factor. ``exact``: those that are kept are the
    derivative of the program's own loss to the last digit, so the others are not.
    """

    usual: float
    others: dict[str, float]
    kept: tuple[str, ...]
    exact: bool

    def mended(self, examination: Examination) -> bool:
        """The others have the usual factor, too, and those that had it keep it."""
        best = examination.best
        if best is None or not best.clean:
            return False
        factors = {v.path: v.factor for v in best.verdicts if v.status == "right" and not v.small}
        return all(abs(factors.get(path, 0.0) / self.usual - 1) < 1e-4 for path in (*self.others, *self.kept))

    def reference(self, examination: Examination) -> Examination:
        """The examination with the others told as scaled, so that the lines that make their gradients are looked at first."""
        best = examination.best
        assert best is not None
        told = [
            replace(v, status="scaled", residual=abs(v.factor / self.usual - 1)) if v.path in self.others else v
            for v in best.verdicts
        ]
        return replace(examination, best=replace(best, verdicts=told))


def unequal(examination: Examination) -> Unequal | None:
    """Whether the same rate stands before gradients of which some are larger or smaller by a constant factor.

    A rate of its own for each layer is a choice; then each recorded gradient is the true one, and the rates differ.
    """
    best = examination.best
    if best is None or not best.parallel:
        return None
    rates: list[set[float]] = []
    factors: dict[str, float] = {}
    for i, verdict in enumerate(best.verdicts):
        if verdict.status != "right" or verdict.small or verdict.through is None or verdict.through.key is not None:
            continue
        factors[verdict.path] = verdict.factor
        own = {verdict.factor / f for _, f in recorded_factors(examination, best.objective, i)}
        rates.append({rate for rate in own if abs(abs(rate) - 1) > SAME_RATE})
    if len(factors) < 3:
        return None
    common = [rate for rate in rates[0] if all(any(abs(r / rate - 1) < SAME_RATE for r in own) for own in rates)]
    if not common:
        return None
    values = list(factors.values())
    exact = _exact(examination, common) & factors.keys()
    sure = len(exact) > 1 and all(abs(factors[path] / factors[min(exact)] - 1) < 1e-4 for path in exact)
    usual = factors[min(exact)] if sure else max(
        [_trusted(examination, factors), *values], key=lambda f: sum(abs(g / f - 1) < 1e-4 for g in values)
    )  # fmt: skip
    others = {path: f for path, f in factors.items() if abs(f / usual - 1) > 1e-3}
    if not others or (2 * len(others) > len(values) and not sure):
        return None
    kept = tuple(path for path in factors if path not in others)
    return Unequal(usual, others, kept, exact == set(kept))


def opposed(examination: Examination) -> Unequal | None:
    """Whether some biases (or thresholds) climb what all other parameters descend, under the same rate.

    Vectors alone: two players of a game oppose each other with whole layers.
    """
    best = examination.best
    if best is None or not best.clean:
        return None
    shapes = {p.path: p.shape for p in examination.known.parameters}
    factors = {
        v.path: v.factor for v in best.of("right") if not v.small and v.through is not None and v.through.key is None
    }
    if len(factors) < 2:
        return None
    usual = max(factors.values(), key=lambda f: sum(abs(g / f - 1) < EXACT for g in factors.values()))
    others = {path: f for path, f in factors.items() if abs(f / usual - 1) >= EXACT}
    if not others or any(abs(f / usual + 1) > EXACT or len(shapes[path]) != 1 for path, f in others.items()):
        return None
    kept = tuple(path for path in factors if path not in others)
    return Unequal(usual, others, kept, exact=False) if len(kept) > len(others) else None


def both_ways(examination: Examination) -> bool:
    """Some parameters move along what is descended and others against it."""
    best = examination.best
    moved = [v.factor for v in best.of("right") if v.through is not None and v.through.key is None] if best else []
    return bool(moved) and min(moved) < 0 < max(moved)


def _exact(examination: Examination, rates: list[float]) -> set[str]:
    """The parameters whose step is one of these rates times the derivative of a loss that the program computes itself."""
    return {
        verdict.path
        for c in examination.ranking
        if c.objective.kind == "own" and c.parallel
        for verdict in c.of("right")
        if any(abs(abs(verdict.factor / rate) - 1) < EXACT for rate in rates)
    }


def _trusted(examination: Examination, factors: dict[str, float]) -> float:
    """The factor that counts where as many have one as have another: of the layer that acts on the fewest values, the last."""
    acts = {path: sum(path in paths for paths in examination.known.influenced.values()) for path in factors}
    return factors[min(acts, key=lambda path: acts[path])]


def unshared(
    session: Session, program: Program, loop: int, reference: Examination, seconds: float, dearest: float = np.inf
) -> Iterator[Mended]:
    """Repairs of shared memory by which more numbers are trained: before, two parameters were one array."""
    end = time.monotonic() + seconds
    idle = {v.path for v in reference.best.of("uncovered")} if reference.best is not None else set()
    numbers = sum(own_numbers(p) for p in reference.known.parameters if p.path not in idle)
    told = Facts(parameters=[p.text for p in reference.known.parameters])
    for tried, edit in enumerate(_proposed(program, told, ("weights-aliased",), MOST_ALIASES), start=1):
        if time.monotonic() > end or edit.cost > dearest:
            return
        variant = program.with_source(edit.file, edit.source)
        try:
            number = mapped_loop(session, program, variant, loop)
            step = None if number is None else session.stop(number, reference.known.hit, variant)
            if step is None or number is None:
                continue
            with step:
                found = examine_step(step, number)
        except (WatchError, OSError):
            continue
        if found is not None and found.state == "right" and sum(map(own_numbers, found.known.parameters)) > numbers:
            yield Mended(edit, variant, found, True, tried)


def own_numbers(parameter: Parameter) -> int:
    """How many numbers it has for itself: rows of a list of lists that are one list stay equal, whatever the step."""
    if parameter.after.ndim != 2:
        return parameter.after.size
    return len(np.unique(parameter.after, axis=0)) * parameter.after.shape[1]


def applied(
    session: Session, program: Program, seconds: float, only: tuple[str, ...] = LOST, family: str = ""
) -> Iterator[tuple[Mended, int]]:
    """Repairs of an update that is computed and lost, in a program in which nothing is trained: with the training loop.

    ``only`` and ``family``: the causes, and the one family of edits, that are tried.
    """
    end = time.monotonic() + seconds
    for tried, edit in enumerate(_proposed(program, Facts(), only, MOST_LOST, family), start=1):
        if time.monotonic() > end:
            return
        variant = program.with_source(edit.file, edit.source)
        try:
            found = examine(session, variant, session.scout(variant, seconds=10.0, patience=0.3))
        except (WatchError, OSError):
            continue
        if found is not None and found[0].state == "right" and not found[0].known.guessed:
            yield Mended(edit, variant, found[0], True, tried), found[1]


def _proposed(program: Program, told: Facts, only: tuple[str, ...], most: int, family: str = "") -> list[Edit]:
    """The cheapest edits (of one family) that mean one of these causes first, under that name."""

    def fits(edit: Edit) -> bool:
        return edit.cause in only and family in ("", edit.family)

    every = [
        edit
        for file, text in program.sources.items()
        for edit in islice(filter(fits, candidates(text, file, told, only)), most)
    ]
    return sorted(every, key=lambda e: e.cost)[:most]
