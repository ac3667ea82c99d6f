"""The step of one case apart from its gradient: is it applied to all, once, equally, downwards, by a known rule?"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import numpy as np

from unstuck.doctor.findings import Evidence, RuledOut

from . import applied, crossed, optimizer, penalised, update
from .case import Case
from .edits.families.rate import Twice, rates_twice
from .edits.model import Facts
from .edits.reading import Reading
from .examine import Examination
from .program import Program
from .repair import Mended, climbs
from .step import WatchError

_LEFT_OUT = ("layer-not-trained", "update-not-applied")
_PILING = ("optimizer-formula-wrong", "gradient-not-reset")


def check(case: Case, current: Examination) -> None:
    with contextlib.suppress(WatchError):
        beside = update.frozen(case.session, case.program, case.loop, current)
        if beside is not None:
            names = ", ".join(p.split(": ")[-1] for p in beside.paths)
            although = "its gradient is computed" if beside.computed else "the error that it would move by is sent back"

            def moved(found: Examination, _variant: Program) -> bool:
                through = {v.path: v.through for v in found.best.verdicts} if found.best is not None else {}
                changed = {p.path for p in found.known.parameters if np.any(p.update)}
                return found.state == "right" and all(p in changed and through.get(p) is not None for p in beside.paths)

            row = Evidence(f"change of {names} in a step, although {although}", "not zero", 0.0)
            what = f"{names} never changes"
            for only in (_LEFT_OUT, ()):
                if case.take(beside.reference, what, accept=moved, evidence=(row,), only=only) is not None:
                    return
            case.open_questions.append(f"why {names} never changes, although {although}: no edit changed that")
    with contextlib.suppress(WatchError):
        checks = (penalty, unequal, shared, twice, exchanged)
        if any(one(case, current) for one in checks):
            return
        piled = None
        if update.direct(current.best):
            piled = update.accumulation(case.session, case.program, case.loop, current)
            if piled is None:
                why = "the second step does not contain the first one again"
                case.ruled_out.append(RuledOut("gradient-not-reset", why))
        if piled is not None:
            piled_up(case, current, piled)
        else:
            formula(case, current)


def penalty(case: Case, current: Examination) -> bool:
    """The loss contains a penalty of the weights, and the step of some of them contains another one, or none."""
    found = penalised.judge(current)
    if found is None or not found.wrong:
        return False
    scaled = any(parts.scaled for parts in found.wrong.values())
    rows = tuple(
        Evidence(f"{path.split(': ')[-1]}: the gradient of the loss in its step, for 1 in the others", 1.0, parts.data)
        if parts.scaled
        else Evidence(f"{path.split(': ')[-1]}: times the weights in its gradient", parts.expected, parts.penalty)
        for path, parts in found.wrong.items()
    )

    accept = lambda checked, _: found.mended(checked)  # noqa: E731
    names = ", ".join(path.split(": ")[-1] for path in found.wrong)
    what = f"the step of {names} is not the gradient of the loss with its penalty"
    only = ("gradient-scale-wrong",) if scaled else ("penalty-gradient-wrong",)
    told = found.reference(current)
    if case.take(told, what, accept=accept, evidence=rows, only=only) is not None:
        return True
    if found.by_itself:
        case.open_questions.append(f"why the step of {names} makes its weights grow: no edit changed that")
    return False


def unequal(case: Case, current: Examination) -> Mended | None:
    """One rate stands before gradients that are not equally scaled."""
    found = applied.unequal(current)
    turned = applied.opposed(current) if found is None else None
    found = found or turned
    if found is None:
        return None
    rows = tuple(
        Evidence(f"{path.split(': ')[-1]}: change per true gradient", f"{found.usual:.4g}", float(f"{factor:.4g}"))
        for path, factor in found.others.items()
    )
    names = ", ".join(path.split(": ")[-1] for path in found.others)
    what = f"the gradient of {names} is multiplied by another constant than the others, under the same rate"
    only: tuple[str, ...] = ("gradient-scale-wrong", "dropout-mask-wrong")
    few = found.exact or 3 * len(found.others) <= len(current.known.parameters)
    if turned is not None:
        what = f"{names} climbs what the other parameters descend"
        only, few = ("bias-gradient-wrong",), False
    accept = lambda checked, _: found.mended(checked)  # noqa: E731
    told = found.reference(current)
    return case.take(told, what, accept=accept, evidence=rows, only=only, must_help=not few)


def shared(case: Case, current: Examination, dearest: float = np.inf) -> Mended | None:
    """Two parameters are one array (mended by an edit that costs at most ``dearest``)."""
    for mended in applied.unshared(case.session, case.program, case.loop, current, 0.3 * case.left(), dearest):
        proof, outcome = case.proof(current, mended)
        before, after = (sum(map(applied.own_numbers, e.known.parameters)) for e in (current, mended.examination))
        row = Evidence("numbers that are trained", after, before)
        one = (
            "two parameters are"
            if len(mended.examination.known.parameters) > len(current.known.parameters)
            else "rows are"
        )
        case.add(current, mended, f"{one} one array", proof, outcome, (row,))
        case.loop = mended.examination.known.loop
        case.program, case.known_outcome, case.examination = mended.program, outcome, mended.examination
        return mended
    return None


def twice(case: Case, current: Examination) -> bool:
    """The rate is a factor of what is applied, and again where it is applied."""
    after = current.known.window.leaves
    numbers = {  # that a step leaves as they are
        path.split(": ")[-1].rsplit(".", 1)[-1] for path, v in current.known.leaves.items()
        if v.size == 1 and v.item() != 1 and path in after and np.array_equal(v, after[path])
    }  # fmt: skip

    def found(program: Program) -> list[Twice]:
        every = [one for text in program.sources.values() for one in rates_twice(Reading(text, Facts()))]
        return [one for one in every if one.rate.rsplit(".", 1)[-1] in numbers]

    first = next(iter(found(case.program)), None)
    if first is None:
        return False
    row = Evidence(f"times that `{first.rate}` is a factor of the step", 1, 2)
    what = f"`{first.applied}` has the factor `{first.rate}` already, and is multiplied by it again"
    accept = lambda checked, variant: checked.state == "right" and not climbs(checked) and not found(variant)  # noqa: E731
    only = ("optimizer-formula-wrong",)
    return case.take(current, what, accept=accept, evidence=(row,), only=only, everywhere=True) is not None


def exchanged(case: Case, current: Examination) -> bool:
    """A parameter has a gradient of its own, and its step is made of another one's."""
    found = crossed.judge(current)
    if found is None:
        return False
    pairs = [(one.split(": ")[-1], other.split(": ")[-1]) for one, other in found.taken.items()]
    what = " and ".join(f"{one} is moved by the gradient of {other}" for one, other in pairs)
    rows = tuple(Evidence(f"{one}: share of the gradient of {other} in its step", 0.0, 1.0) for one, other in pairs)
    accept = lambda checked, _: found.mended(checked)  # noqa: E731
    told = found.reference(current)
    if case.take(told, what, accept=accept, evidence=rows, only=("wrong-variable",)) is None:
        case.open_questions.append(f"{what}, and no edit was found that changes that")
    return True


def piled_up(case: Case, current: Examination, piled: update.Accumulation) -> None:
    """Each step contains the steps before: a gradient is added to and never cleared, or a momentum forgets nothing."""
    rate = current.best.factor if current.best is not None else 0.0

    def mended(found: Examination, variant: Program) -> bool:
        alone = update.direct(found.best) and found.best is not None and abs(found.best.factor / rate - 1) < 1e-3
        return alone or follows_a_rule(case, found, variant)

    row = Evidence("share of the first step that the second step contains", 0.0, piled.memory)
    what = "each step contains all steps before"
    if case.take(piled.reference, what, accept=mended, evidence=(row,), only=_PILING, everywhere=True) is None:
        case.open_questions.append(f"{what}, and no edit was found that changes that")


def formula(case: Case, current: Examination) -> None:
    """Where the steps follow from the gradients by the closed form of no known rule, mend the formula."""
    rules = optimizer.judge(case.session, case.program, current)
    wrong = [rule for rule in rules if rule.fault]
    if not wrong:
        names = sorted({rule.name for rule in rules} - {"not judged"})
        if names:
            case.closed_form = names[0] if len(names) == 1 else None
            why = f"the steps follow the closed form of {' and '.join(names)}, to {optimizer.EXACT:g}"
            case.ruled_out.append(RuledOut("optimizer-formula-wrong", why))
        return
    rows = tuple(
        Evidence(f"{rule.parameter}: {rule.fault}", rule.expected, float(f"{rule.measured:.6g}")) for rule in wrong[:3]
    )
    # Without the corrections of Adam a program may be tuned to its larger first steps: then there is nothing to mend.
    must_help = all(rule.by_choice for rule in wrong)
    kinds = {rule.parameter: rule.name for rule in wrong}

    def follows(found: Examination, variant: Program) -> bool:
        return follows_a_rule(case, found, variant, kinds)

    what = wrong[0].fault or ""
    other = next((rule for rule in wrong if rule.exchanged), None)
    if other is not None:
        what = f"in the step of {other.parameter}, {other.fault}"
        if case.take(current, what, accept=follows, evidence=rows, only=("wrong-variable",), everywhere=True) is None:
            case.open_questions.append(f"{what}, and no edit was found that changes that")
        return
    only = _PILING[:1]
    case.take(current, what, accept=follows, evidence=rows, only=only, must_help=must_help, first_cause=True)


def descends(case: Case, found: Examination, variant: Program, *, uphill: bool) -> bool:
    """The check passes, the step goes down, and no moving average was turned round for that.

    ``uphill``: the recorded gradients pointed uphill, as they should, and still have to.
    """
    if found.state != "right" or climbs(found) or (uphill and not applied.points_uphill(found)):
        return False
    if applied.both_ways(found):
        return False  # some were turned round, and others climb on
    return not any(rule.fault and not rule.by_choice for rule in optimizer.judge(case.session, variant, found))


def follows_a_rule(case: Case, found: Examination, variant: Program, kinds: Mapping[str, str] | None = None) -> bool:
    """Every step has a known closed form, and an Adam was not made a plain momentum (``kinds``: rules as they were)."""
    if found.state != "right" or climbs(found):
        return False
    rules = optimizer.judge(case.session, variant, found)
    changed = [r for r in rules if (kinds or {}).get(r.parameter, r.name) not in (r.name, *optimizer.OPEN)]
    return bool(rules) and not changed and not any(rule.fault or rule.name == "not judged" for rule in rules)
