"""What lies outside the gradient of one case: the probes, a second look behind what they mended, other seeds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace

from unstuck.doctor.findings import NotChecked

from . import gradient, probes, seeds, step_rule
from .case import Case
from .examine import examine
from .outcomes import compared, improved, learns
from .probes.base import Examination as Subject
from .probes.base import Verdicts
from .probes.proofs import BAD_WORDS, GOOD_WORDS
from .step import OutOfTime, WatchError

_BY_LEARNING = ("initial", "activity", "step_length")  # groups of probes that judge by how well the program learns
MORE = "give more with --seconds"
# Under these the true gradient is so small, or so far from what it will be, that a fault in it does not show.
_HIDING = (
    "inputs-unscaled",
    "init-too-large",
    "init-all-positive",
    "saturated-units",
    "init-too-small",
    "init-symmetric",
)


def _unexplained(case: Case) -> str:
    """The parameters whose steps fit no loss, and no edit mended them (two players of a game descend different losses)."""
    examination = case.examination
    if examination is None or examination.best is None:
        return ""
    if examination.state == "delta" and not learns(case.outcome):
        return ", ".join(p.text for p in examination.known.parameters)
    if examination.state != "wrong":
        return ""
    off = [*examination.best.of("wrong"), *examination.best.of("scaled")]
    return ", ".join(v.path.split(": ")[-1] for v in off)


def probe(case: Case) -> None:
    """Ask every group of probes about the program as it stands, and report what they find."""
    seconds = case.left() - 1.0
    assert case.examination is not None
    if not case.examination.ranking:
        return
    known = replace(case.examination.known, loop=case.loop)
    subject = Subject(case.session, case.program, known, case.examination.ranking, seconds=seconds)
    found_here: set[str] = set()
    for group, examine_group, group_causes in probes.all_probes():
        if subject.time_left < 1.0:
            no_time_for(case, group_causes)
            continue
        if group in _BY_LEARNING and any(f.is_fault for f in case.findings if f.cause in found_here):
            continue  # the first weights and the step look wrong under a fault of the data; they are judged without it
        if group in _BY_LEARNING and (names := _unexplained(case)):
            why = f"it could not be explained what the steps of {names} descend: how well they do it says nothing"
            case.not_checked += [NotChecked(cause, why) for cause in group_causes]
            continue
        try:
            verdicts: Verdicts = examine_group(subject)
        except OutOfTime:
            no_time_for(case, group_causes)
            continue
        except WatchError as error:
            case.notes.append(str(error))
            continue
        except Exception as error:  # a probe that breaks on an unusual program must not take the other results with it
            case.notes.append(f"a check broke off ({type(error).__name__}: {error}); its causes were not looked at")
            continue
        case.findings += verdicts.findings
        case.before.update((f.cause, case.program) for f in verdicts.findings)
        found_here |= {f.cause for f in verdicts.findings}
        subject.causes_found |= {f.cause for f in verdicts.findings if f.is_fault}
        case.ruled_out += verdicts.ruled_out
        case.not_checked += verdicts.not_checked


def no_time_for(case: Case, group_causes: Iterable[str]) -> None:
    """List causes as not checked; a program in which nothing was found is then undecided."""
    case.not_checked += [NotChecked(cause, f"no time was left; {MORE}") for cause in group_causes]
    question = f"some causes were not reached in {case.budget:.0f} s (they are listed); {MORE}"
    if question not in case.open_questions:
        case.open_questions.append(question)


def look_again(case: Case) -> None:
    """A fault outside the gradient (inputs that saturate every unit) may hide one inside: mend it, and check again."""
    fixes = [f for f in case.findings if f.is_fault and f.confidence == "proved" and f.fix is not None and f.fix.source]
    outside = [f for f in fixes if f.cause in _HIDING]
    if not outside or case.left() < 8.0:
        return
    fix = outside[0].fix
    assert fix is not None and fix.source is not None
    case.program = case.program.with_source(outside[0].file, fix.source)
    with contextlib.suppress(WatchError):
        found = examine(case.session, case.program, case.session.scout(case.program, seconds=10.0))
        if found is None:
            return
        again, case.loop, _ = found
        case.known_outcome = case.session.finish(case.program, seconds=max(3.0, case.left() - 4.0))
        if again.state == "right":
            step_rule.check(case, again)
        elif again.state == "wrong":
            gradient.check(case, again)


def more_seeds(case: Case) -> None:
    """Run what was mended with other seeds, where that takes little time."""
    shortest = 2 * (case.outcome.seconds + 0.3)
    for number, finding in enumerate(case.findings):
        if not finding.is_fault or finding.fix is None or finding.fix.source is None or finding.proof is None:
            continue
        if not any(word in (finding.proof.metric or "") for word in (*GOOD_WORDS, *BAD_WORDS)):
            continue  # what was counted is no figure of how well it learns
        left = case.left() - 2.0
        if left < 2 * shortest:
            return
        before = case.before.get(finding.cause, case.program)
        after = before.with_source(finding.file, finding.fix.source)
        with contextlib.suppress(WatchError):
            case.findings[number] = seeds.repeated(case.session, finding, before, after, improved, left / 3, compared)
