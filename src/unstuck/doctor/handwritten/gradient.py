"""The gradient of one case: judge the check, mend where it fails, and check again with other rows and later weights."""

from __future__ import annotations

import contextlib
from functools import partial

import numpy as np

from unstuck.doctor.findings import Evidence

from . import applied, step_rule
from .case import Case
from .examine import Examination, examine_step, later_steps
from .outcomes import compared, improved, learns
from .repair import Mended, climbs
from .step import WatchError
from .step_rule import descends

SEVERAL = (1, 2, 3, 4, 5, 7, 9, 12)  # passes after which a step that seems to climb is looked at again
PLAIN = 1.0  # cost of an edit where shared memory is plain to see (one array, a number of times in a list)
ENOUGH = 3  # of them that have to climb
_STEP = ("update-ascends", "optimizer-formula-wrong")
LATER = (1, 20)  # passes of the training loop after which the gradient is checked again


def lost(case: Case, only: tuple[str, ...] = applied.LOST, family: str = "") -> bool:
    """Nothing is trained (or on nothing of the batch), and an edit by which an update is kept changes that."""
    with contextlib.suppress(WatchError):
        for mended, loop in applied.applied(case.session, case.program, 0.4 * case.budget, only, family):
            proof, outcome = case.proof(case.examination, mended)
            if improved(case.outcome, outcome) or (not family and compared(case.outcome, outcome) is None):
                names = ", ".join(p.text for p in mended.examination.known.parameters)
                rows = () if family else (Evidence(f"change of {names} in a step", "not zero", 0.0),)
                what = "the step is taken with what an earlier run left behind" if family else f"{names} never changes"
                case.add(mended.examination, mended, what, proof, outcome, rows)
                case.program, case.known_outcome = mended.program, outcome
                case.examination, case.loop = mended.examination, loop
                return True
    return False


def check(case: Case, current: Examination) -> Mended | None:
    """Judge the check; where it fails, look for the edit that mends it and take it on."""
    if current.state == "right":
        if not climbs(current) or not climbs_on(case, current):
            return None
        downwards = partial(descends, case, uphill=applied.points_uphill(current))
        only = _STEP if applied.points_uphill(current) else (*_STEP, "output-delta-wrong")
        return case.take(current, "the step climbs the loss", accept=downwards, only=only, must_not_hurt=True)
    if looks_ahead(current):
        case.notes.append("velocities by which the gradient looks ahead were not checked where they are single numbers")
        return None
    one_array = step_rule.shared(case, current, PLAIN)
    if one_array is not None:
        return one_array
    if current.of_last:
        what = "the step is not made from all of the samples over which the program adds up its loss"
        only = ("gradient-overwritten", "samples-dropped", "gradient-not-reset")
        mended = case.take(current, what, only=only, everywhere=True)
        if mended is not None:
            return mended
    scaled = applied.unequal(current)
    if scaled is not None and scaled.exact:  # which of the factors is the right one is known
        mended = step_rule.unequal(case, current)
        if mended is not None:
            return mended
    wrong = [v.path.split(": ")[-1] for v in (current.best.verdicts if current.best else []) if v.status == "wrong"]
    what = "the gradient of " + ", ".join(wrong) if wrong else "the gradient"
    mended = case.take(current, f"{what} is not the derivative of what is descended")
    if mended is None:
        unexplained(case, current)
    return mended


def climbs_on(case: Case, current: Examination) -> bool:
    """The loss is climbed in other steps, too, where a single output in the first one says nothing.

    One number moves either towards a number or away from it: some value of the step always lies on the other side.
    """
    losses = [c.objective for c in current.ranking if c.clean and c.objective.kind == "loss"]
    if any(o.vector.size > 1 and np.ptp(np.sign(o.vector)) > 0 for o in losses):
        return True
    found = later_steps(case.session, case.program, current, SEVERAL)
    judged = [one for one in found if one.state == "right"]
    return len(judged) >= ENOUGH and all(climbs(one) for one in judged) and _targets_vary([current, *judged])


def _targets_vary(steps: list[Examination]) -> bool:
    """What the climbing losses compare with is another number in another step: a number that is always the same is no target."""
    seen: dict[tuple[object, ...], set[bytes]] = {}
    for one in steps:
        for c in one.ranking:
            target = one.known.window.series.get(c.objective.target) if c.objective.target is not None else None
            if c.clean and c.objective.kind == "loss" and target is not None:
                seen.setdefault(c.objective.label, set()).add(target.flat.tobytes())
    return any(len(numbers) > 1 for numbers in seen.values())


def unexplained(case: Case, current: Examination) -> None:
    """No edit makes the steps of the program fit a loss."""
    chain_is_right = current.state == "delta"
    if chain_is_right and learns(case.outcome):
        case.notes.append(
            "the gradients are right from the output's error down; the error itself belongs to no loss that was tried, "
            "and the program learns with it"
        )
    elif chain_is_right:
        case.open_questions.append("what loss the error at the output belongs to: none that was tried fits it")
    else:
        case.open_questions.append(
            "what the program descends: its steps fit no loss that was tried, and no edit made them fit"
        )


def later(case: Case, current: Examination) -> None:
    """The same check with other rows and after some steps: a fault may show only then (state that is carried along)."""
    if case.loop in case.session.spans:
        # A run of the loop need not be a whole number of steps: those of its next run may begin elsewhere.
        case.notes.append("a step takes several passes of its loop: the gradient was checked in the first step only")
        return
    with contextlib.suppress(WatchError):
        found = later_steps(case.session, case.program, current, LATER)
        for ahead, one in zip(LATER, found, strict=False):
            if one.state == "right":
                name = f"worst relative error {ahead} step{'s' if ahead > 1 else ''} later"
                case.checked.append(Evidence(name, "at most 1e-5", one.worst))
        if not found or found[-1].state != "wrong":
            return
        # Twice in a row: a kink that a nudge happens to cross is not there again.
        found += later_steps(case.session, case.program, current, [LATER[len(found) - 1] + 1])
        wrong = [{v.path for v in one.best.of("wrong")} for one in found[-2:] if one.best is not None]
        always = set.intersection(*wrong) if len(wrong) == 2 and found[-1].state == "wrong" else set()
        if not always:
            return
        step = case.session.stop(case.loop, found[-1].known.hit, case.program)
        if step is None:
            return
        with step:
            there = examine_step(step, case.loop)
        if there is None or there.state != "wrong":
            return
        if check(case, there) is not None:
            first = case.session.stop(case.loop, current.known.hit, case.program)
            if first is not None:
                with first:
                    case.examination = examine_step(first, case.loop) or case.examination
        else:
            names = ", ".join(path.split(": ")[-1] for path in sorted(always))
            case.notes.append(
                f"the gradient of {names} is right in the first step and differs from the derivative {LATER[-1]} steps "
                "later; no edit was found that mends it"
            )


def looks_ahead(examination: Examination) -> bool:
    """Only single numbers disagree, and every parameter has a companion of its shape that starts at zero.

    Velocities that the gradient is taken ahead by act on the outputs like parameters; a single one may fit anything.
    """
    parameters = examination.known.parameters
    shapes = [p.shape for p in parameters]
    paired = len(shapes) > 1 and all(shapes.count(s) % 2 == 0 for s in shapes)
    resting = sum(not p.before.any() for p in parameters)
    off = [v for v in examination.best.verdicts if v.status in ("wrong", "scaled")] if examination.best else []
    return paired and 2 * resting >= len(parameters) and all(v.small for v in off)
