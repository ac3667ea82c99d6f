"""One examination of a training step: understood, differentiated, compared; and what follows for the whole program."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .compare import PARALLEL, Comparison, ParameterVerdict, compare, first_output
from .loops import rank_loops, spans
from .nudge import Derivatives, Key, Objective, differentiate, sharpened
from .program import Program
from .records import Array, Window
from .session import Session
from .step import Step
from .understand import Parameter, Understanding, known_step, understand
from .weighted import as_weighted
from .windows import series_before, update_moment

BENT = 0.02  # relative difference that a unit may make that bends within a nudge
FINE = ("right", "unchecked")
KINK = 1e-4  # relative difference of the slopes on both sides that no smooth function has
LIKELY = 16  # objectives by which an edited copy is judged where the best ones are known
LATER_SECONDS = 5.0  # that a program gets to reach a later step
MOST_LOOPS = 5  # candidates for the training loop that are tried


@dataclass(frozen=True)
class Examination:
    """What the gradient check of one step says.

    ``state``: "right" (every parameter agrees with a loss), "delta" (the chain rule is right from a recorded value down to every
    parameter, but what is sent down fits no known loss), "wrong" (some parameters agree with a loss, others do not), "unknown".
    ``best``: the best comparison with a loss; ``chain``: the best one with a recorded value sent down. ``of_last``: the step
    descends the loss of the last sample alone, and the program adds up those of all of them.
    """

    known: Understanding
    derivatives: Derivatives
    state: str
    best: Comparison | None
    chain: Comparison | None
    ranking: list[Comparison]
    of_last: bool = False

    @property
    def worst(self) -> float:
        """Worst relative error of the gradient check over the parameters (of the best comparison)."""
        if self.best is None:
            return 1.0
        values = [v.residual for v in self.best.verdicts if v.status not in ("unchecked",)]
        return float(max(values, default=1.0))


def examine_step(step: Step, loop: int, *, seed: int = 0, directions: int = 3) -> Examination | None:
    """Examine the step at which ``step`` stands still; None when nothing in it looks like a parameter."""
    with np.errstate(all="ignore"):
        known = understand(step, loop, np.random.default_rng(seed))
        if known is None:
            return None
        derivatives = differentiate(step, known, np.random.default_rng(seed + 1), directions=directions)
        found = _judged_twice(step, known, derivatives, seed)
        smaller = _without_sums(found) if found.state != "right" else None
        return found if smaller is None else _judged_twice(step, *smaller, seed)


def _without_sums(found: Examination) -> tuple[Understanding, Derivatives] | None:
    """Without the variables that outlive the step, but act on no loss and on no value of the forward pass together with others:
    sums of gradients that are carried along are no parameters. None where there are no such variables."""
    known, derivatives = found.known, found.derivatives
    idle = {v.path for v in found.best.of("uncovered")} if found.best is not None else set()
    end = first_output(derivatives, known.window)
    outputs = [known.window.series.get(o.value) for o in derivatives.objectives]
    begun = [float(s.order[0]) for s in outputs if s is not None and float(s.order[-1]) == end]
    if not begun or not idle:
        return None
    shared: set[str] = set()
    for key, paths in known.influenced.items():
        series = known.window.series.get(key)
        if series is not None and len(paths) > 1 and float(series.order[0]) < min(begun):
            shared |= paths
    kept = [i for i, p in enumerate(known.parameters) if p.path in shared]
    shapes = [known.parameters[i].shape for i in kept]
    sums = {
        p.path for p in known.parameters
        if p.path in idle - shared and (p.shape in shapes or (p.shape and shapes.count(p.shape[1:]) == p.shape[0]))
    }  # fmt: skip
    if not kept or not sums:
        return None
    kept = [i for i, p in enumerate(known.parameters) if p.path not in sums]
    influenced = {key: paths - sums for key, paths in known.influenced.items() if paths - sums}
    parameters = [known.parameters[i] for i in kept]
    known = dataclasses.replace(
        known, parameters=parameters, influenced=influenced, states=[*known.states, *sorted(sums)]
    )
    objectives = [
        dataclasses.replace(o, derivative=o.derivative[kept], floor=o.floor[kept], bend=o.bend[kept])
        for o in derivatives.objectives
    ]
    return known, Derivatives(objectives, [derivatives.directions[i] for i in kept])


def reexamine(step: Step, loop: int, reference: Examination) -> Examination | None:
    """The short examination of a variant: its parameters are known, two directions, losses only."""
    with np.errstate(all="ignore"):
        paths = [p.path for p in reference.known.parameters]
        still = [p.path for p in reference.known.parameters if p.unmoved]
        known = known_step(step, loop, paths, np.random.default_rng(3), still)
        if known is None:
            return None
        chains = reference.best is not None and reference.best.objective.cotangent is not None
        derivatives = differentiate(step, known, np.random.default_rng(4), directions=2, chains=chains)
        return _judged_twice(step, known, derivatives, 4)


def _judged_twice(step: Step, known: Understanding, derivatives: Derivatives, seed: int) -> Examination:
    """The conclusion; where some parameters disagree only by little (a unit may bend within a nudge), that of shorter nudges."""
    found = judged(known, derivatives)
    if found.state in ("right", "delta") or not found.ranking:
        return found
    first = found.best or found.ranking[0]
    almost = next((c for c in found.ranking if all(v.status in FINE or v.residual < BENT for v in c.verdicts)), first)
    for top in (first,) if almost is first else (first, almost):
        unsure = [i for i, v in enumerate(top.verdicts) if v.status in ("unclear", "wrong") and v.residual < BENT]
        if unsure and top.of("right"):
            again = judged(known, sharpened(step, known, derivatives, unsure, seed + 11))
            if again.state == "right" or (again.state == "delta" and found.state == "unknown"):
                return again
    return found


def judged(known: Understanding, derivatives: Derivatives, window: Window | None = None) -> Examination:
    """Compare and draw the conclusion."""
    every = compare(known, derivatives, window)
    ranking = _without_parts(known, derivatives, every)
    of_last = ranking is not every
    held = [p.before.ravel() for p in known.parameters]
    losses = [c for c in ranking if c.objective.kind != "chain"]
    chains = [c for c in ranking if c.objective.kind == "chain" and not is_parameter(c, known, held)]
    best, chain = next(iter(losses), None), next(iter(chains), None)
    clean = next((c for c in losses if c.clean), None)
    clean_chain = _last_sent([c for c in chains if c.clean], window or known.window)
    if clean is not None:
        return Examination(known, derivatives, "right", clean, chain, ranking)
    if clean_chain is not None and not of_last:
        meant = as_weighted(known, derivatives, clean_chain)
        if meant is not None:
            return Examination(known, derivatives, "right", meant, clean_chain, [meant, *ranking])
        return Examination(known, derivatives, "delta", best, clean_chain, ranking)
    partial = best is not None and any(v.status in ("right", "unmoved") and not v.small for v in best.verdicts)
    return Examination(known, derivatives, "wrong" if partial or of_last else "unknown", best, chain, ranking, of_last)


def _last_sent(chains: list[Comparison], window: Window) -> Comparison | None:
    """Of the best chains from one value down, that whose error was written down last: what is wrong with it is done by then."""
    alike = [c for c in chains if c.objective.value == chains[0].objective.value and c.score >= chains[0].score - 1e-9]

    def moment(comparison: Comparison) -> float:
        sent = comparison.objective.cotangent
        return float(window.series[sent].order[0]) if sent in window.series else 0.0

    return max(alike, key=moment, default=None)


def _without_parts(known: Understanding, derivatives: Derivatives, ranking: list[Comparison]) -> list[Comparison]:
    """The ranking without the losses of the last sample alone, where the program itself adds up those of all samples.

    Such a total then stands first: what is descended is a part of it.
    """
    own = [o for o in derivatives.objectives if o.kind == "own"]
    totals: list[Objective] = []
    parts: list[Comparison] = []
    for c in ranking:
        if c.clean and c.objective.name == "last":
            whole = next((o for o in own if o.name == "sum" and o.value == c.objective.value), None)
            if whole is None:  # it was not finite
                continue
            found = [o for o in own if o.value != whole.value and _parallel(o.derivative, whole.derivative)]
            if found and not _parallel(c.objective.derivative, whole.derivative):
                parts.append(c)
                totals += [o for o in found if o not in totals]
    if not parts:
        return ranking
    verdicts = [ParameterVerdict(p.path, "wrong", 0.0, 1.0, None, p.before.size == 1) for p in known.parameters]
    told = [Comparison(o, verdicts, 0.0, float("nan")) for o in totals]
    return [*told, *(c for c in ranking if c not in parts)]


def _parallel(one: Array, other: Array) -> bool:
    a, b = one.ravel(), other.ravel()
    factor = float(a @ b) / max(float(b @ b), 1e-300)
    return bool(factor) and bool(np.max(np.abs(a - factor * b)) <= PARALLEL * np.max(np.abs(a)))


def _at_a_kink(found: Examination) -> bool:
    """What disagrees may do so because units stand exactly where they bend (a row of zeros under biases of zero)."""
    if found.state == "right" or not found.ranking:
        return False
    top = found.best or found.ranking[0]
    bend = top.objective.bend
    return bend.size == len(top.verdicts) and any(
        v.status in ("wrong", "unclear") and b > max(KINK, v.residual) for v, b in zip(top.verdicts, bend, strict=True)
    )


def is_parameter(comparison: Comparison, known: Understanding, held: list[Array]) -> bool:
    """The value is a parameter itself: then the "chain" would only say that an update is what it is."""
    series = known.window.series[comparison.objective.value]
    first = series.occurrence(0).ravel()
    return any(first.size == value.size and np.array_equal(first, value) for value in held)


def examine(session: Session, program: Program, table: dict[str, object]) -> tuple[Examination, int, int] | None:
    """Find the training loop and examine its first step; returns the examination with loop and pass.

    The first loop in which parameters are recognised for sure and agree with anything; else the best of those looked at.
    """
    long = next(iter(spans(table)), None)
    several = _of_several_passes(session, program, *long) if long is not None else None
    if several is not None and several.known.loop in session.spans:
        return several, several.known.loop, several.known.hit
    best: tuple[int, tuple[Examination, int, int]] | None = None
    for loop, hit in rank_loops(table, session, program)[:MOST_LOOPS]:
        found = _first_step(session, program, loop, hit)
        if found is None:
            continue
        doubt = 2 * found.known.guessed + (found.state == "unknown")
        if best is None or doubt < best[0]:
            best = doubt, (found, loop, found.known.hit)
        if not doubt or (found.state == "right" and len(found.known.parameters) > 1):
            break
    if (
        long is not None
        and several is not None
        and several.state == "wrong"
        and (best is None or best[1][0].state != "right")
    ):
        session.spans[long[0]] = long[1]
        return several, long[0], several.known.hit
    return best[1] if best is not None else None


def _of_several_passes(session: Session, program: Program, loop: int, passes: int) -> Examination | None:
    """Several passes of a loop, taken for one step; the session goes on with that where everything agrees then."""
    session.spans[loop] = passes
    found = _first_step(session, program, loop, 1)
    if found is None or found.state != "right" or found.known.guessed:
        del session.spans[loop]
    return found


def _first_step(session: Session, program: Program, loop: int, hit: int) -> Examination | None:
    """A pass of a loop, taken for a step; the next one where units stand at their kinks in it."""
    step = session.stop(loop, hit, program)
    if step is None:
        return None
    with step:
        found = examine_step(step, loop)
        if found is not None and _at_a_kink(found) and step.go(hit + 1):
            later = examine_step(step, loop)
            if later is not None and not _at_a_kink(later):
                return later
    return found


@dataclass(frozen=True)
class Trial:
    """A variant run through the same step: its parameters, window, and the gradient check with the known derivatives.

    ``forward_same``: the values on which the losses depend are bit by bit those of the program before the edit.
    """

    known: Understanding
    examination: Examination | None
    forward_same: bool


def trial(session: Session, variant: Program, loop: int, reference: Examination) -> Trial | None:
    """Run a variant to the reference's step and judge its gradients by the reference's derivatives.

    Cheap (one fork of the program up to the step): the true derivatives belong to the forward pass, so they hold for a
    variant whose forward values are the same. Where they are not, only a new examination can say.
    """
    found = session.once(loop, reference.known.hit, variant, leaves=[p.path for p in reference.known.parameters])
    if found is None:
        return None
    leaves, window = found
    parameters = []
    for old in reference.known.parameters:
        before, after = leaves.get(old.path), window.leaves.get(old.path)
        if before is None or after is None or before.shape != old.shape or after.shape != old.shape:
            return None
        parameters.append(Parameter(old.path, old.shape, before, after, old.mask))
    moment = update_moment(window, parameters)
    known = dataclasses.replace(
        reference.known,
        parameters=parameters,
        window=window,
        leaves=reference.known.leaves | leaves,
        update_moment=moment,
    )
    marks = {s.flat.tobytes() for s in series_before(window, moment).values()}
    base = series_before(reference.known.window, reference.known.update_moment)
    same = all(np.array_equal(a.before, b.before) for a, b in zip(parameters, reference.known.parameters, strict=True))
    objectives = reference.derivatives.objectives
    if reference.state in ("right", "wrong"):  # what is descended is known
        objectives = [c.objective for c in reference.ranking if c.objective.kind != "chain"][:LIKELY]
    held = [
        o for o in objectives
        if same and o.kind != "chain" and base[o.value].flat.tobytes() in marks
    ]  # fmt: skip
    intact = same and all(base[value].flat.tobytes() in marks for value in _ends(reference))
    if not held:
        return Trial(known, None, False)
    with np.errstate(all="ignore"):
        derivatives = Derivatives(held, reference.derivatives.directions)
        ranking = compare(known, derivatives, window)
    clean = next((c for c in ranking if c.clean), None)
    top = clean or next(iter(ranking), None)
    state = "right" if clean else "wrong"
    return Trial(known, Examination(known, derivatives, state, top, None, ranking), intact)


def _ends(reference: Examination) -> set[Key]:
    """The values that say that a forward pass is still the same: that of what is descended; where this is open, every number
    that depends on most parameters."""
    best = reference.best
    ends = set() if best is None else {best.objective.value}
    if best is None or best.score < 0 or reference.state == "delta":
        own = [o for o in reference.derivatives.objectives if o.kind == "own"]
        most = max((o.acting for o in own), default=0)
        ends |= {o.value for o in own if o.acting == most}
    return ends


def later_steps(session: Session, program: Program, reference: Examination, ahead: Iterable[int]) -> list[Examination]:
    """Short examinations of the steps that come ``ahead`` passes after the one that was examined (other rows, other weights).

    Shorter than asked when the program ends before, or takes long to get there.
    """
    known = reference.known
    found: list[Examination] = []
    step = session.stop(known.loop, known.hit, program)
    if step is None:
        return found
    with step:
        for passes in ahead:
            if not step.go(known.hit + passes, seconds=LATER_SECONDS):
                break
            one = reexamine(step, known.loop, reference)
            if one is None:
                break
            found.append(one)
    return found
