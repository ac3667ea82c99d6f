"""Search for the smallest edit of the source that makes the numbers right; the judge is the gradient check."""

from __future__ import annotations

import heapq
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

import numpy as np

from .compare import ParameterVerdict, first_output
from .edits.base import candidates
from .edits.model import Edit, Facts
from .examine import Examination, Trial, examine_step, reexamine, trial
from .program import Program
from .session import Session
from .step import OutOfTime
from .suspects import facts

T = TypeVar("T")
SMALL_DEVIATION = 1e-2  # relative error under which a longer gradient could hide what is wrong with it
AT_ONCE = 2  # variants that run at the same time
_LOOP_WORD = re.compile(r"\b(?:for|while)\b")


@dataclass(frozen=True)
class Mended:
    """An edit under which the check passes (or passes for more parameters): the program, and the examination that says so."""

    edit: Edit
    program: Program
    examination: Examination
    complete: bool
    tried: int


SHARED = ("buffer-overwritten", "weights-aliased")  # causes whose repair stands where memory is made
NORMALISED = ("softmax-axis-wrong",)  # and causes by which what is trained may not reach the output at all
SHARED_AFTER = 24  # edits of the suspect lines that are tried before them
SHARED_MOST = 12
LATER = 24  # edits of the forward pass that are looked at when half of the time is over
WAIT = 24  # edits that are tried before one that acts on other steps, too, is looked at
OTHER_LOSS = 12  # edits that are tried after one that makes the steps descend another loss than the program computes
PARTIAL = 60  # edits that are tried after one that mends some of the parameters


def search(
    session: Session, program: Program, loop: int, reference: Examination, *, seconds: float, most: int = 400,
    accept: Callable[[Examination, Program], bool] | None = None, only: Collection[str] = (), everywhere: bool = False,
) -> Iterator[Mended]:  # fmt: skip
    """Edits under which the gradient check passes, in the order in which they were found (cheapest edits first).

    ``accept`` replaces the usual demand (the check passes, or passes for more parameters than before); ``only`` names the causes
    whose edits are tried (empty: all). ``everywhere``: no line is more suspect than another.

    An edit that leaves the forward pass as it is is judged by the known derivatives; one that changes it is examined anew.
    Every edit that is given out has passed an examination of its own.
    """
    start = time.monotonic()
    end = start + seconds
    before = _right(reference)
    told = facts(session, program, reference)
    lost = reference.best is not None and any(v.status == "uncovered" for v in reference.best.verdicts)
    early = (*NORMALISED, *SHARED) if lost else SHARED
    if everywhere:
        told = {file: replace(known, suspect_lines=()) for file, known in told.items()}
    later: list[tuple[Edit, Program]] = []
    elsewhere: list[tuple[Edit, Program]] = []
    partial: list[Mended] = []  # kept back for a while: an edit that mends everything is the better explanation
    other_loss: list[
        Mended
    ] = []  # for a while, too, where what is descended is open and the program computes a loss of its own
    own_loss = accept is None and reference.state == "delta" and _computes_a_loss(reference)
    half_time = start + 0.5 * seconds
    tried = waiting = 0

    def improves(found: Examination | None, variant: Program) -> bool:
        if found is None or found.best is None:
            return False
        if accept is not None:
            return accept(found, variant)
        if _drowned(found, reference) or _cut_off(found, reference):
            return False
        if found.state == "right":
            return not climbs(found) and _unchecked(found) <= _unchecked(reference) | _without_effect(reference)
        same = reference.best is not None and found.best.objective.name == reference.best.objective.name
        return same and found.state == "wrong" and _right(found) > before and len(_right(found)) >= len(before) + 2

    def looked_at(unsure: list[tuple[Edit, Program]]) -> Iterator[Mended]:
        for pair in _groups(unsure, AT_ONCE):
            if time.monotonic() > end:
                return
            found = pool.map(lambda run: _examined(session, program, run[1], loop, reference, short=True), pair)
            for (edit, variant), checked in zip(pair, found, strict=True):
                if checked is not None and improves(checked, variant):
                    yield from given_out(Mended(edit, variant, checked, checked.state == "right", tried))

    def given_out(found: Mended) -> Iterator[Mended]:
        best = found.examination.best
        if found.complete and own_loss and best is not None and best.objective.kind != "own":
            other_loss.append(found)
        elif found.complete or accept is not None:
            yield found
        else:
            partial.append(found)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for group in _groups(_in_stages(program, told, most, only, early), 2 * AT_ONCE):
            if time.monotonic() > end:
                break
            runs = [(edit, program.with_source(edit.file, edit.source)) for edit in group]
            answers = pool.map(lambda run: _try(session, program, run[1], loop, reference), runs)
            for (edit, variant), answer in zip(runs, answers, strict=True):
                tried += 1
                if answer is None:
                    continue
                if not answer.forward_same and not improves(answer.examination, variant):
                    soon = edit.cause in early or reference.state == "delta" or _elsewhere(answer, reference)
                    (elsewhere if soon else later).append((edit, variant))
                elif improves(answer.examination, variant):
                    checked = _examined(session, program, variant, loop, reference)
                    if checked is not None and improves(checked, variant):
                        yield from given_out(Mended(edit, variant, checked, checked.state == "right", tried))
            waiting = waiting + len(group) if elsewhere else 0
            if (
                len(elsewhere) >= 8 or waiting > WAIT
            ):  # the likeliest come first: they are not to wait for all the others
                yield from looked_at(elsewhere)
                elsewhere.clear()
            if time.monotonic() > half_time and later:
                yield from looked_at(later[:LATER])
                del later[:LATER]
                half_time = end
            for held, most_waiting in ((other_loss, OTHER_LOSS), (partial, PARTIAL)):
                if held and tried > held[0].tried + most_waiting:
                    yield from held
                    held.clear()
        yield from looked_at(elsewhere + later)
        yield from (*other_loss, *partial)


def _computes_a_loss(examination: Examination) -> bool:
    """One recorded number depends on every parameter: what is descended should be that."""
    series = examination.known.window.series
    count = len(examination.known.parameters)
    return any(
        o.kind == "own" and o.acting == count and o.value in series and series[o.value].count == 1
        for o in examination.derivatives.objectives
    )


def _elsewhere(answer: Trial, reference: Examination) -> bool:
    """The variant stands at other weights, because the edit acted on steps before this one."""
    pairs = zip(answer.known.parameters, reference.known.parameters, strict=True)
    return not all(np.array_equal(a.before, b.before) for a, b in pairs)


def climbs(examination: Examination) -> bool:
    """Every textbook loss that fits all parameters goes up by the step (false where none fits).

    Whole numbers that come up behind the output are counters, and no labels.
    """
    series = examination.known.window.series
    output = first_output(examination.derivatives, examination.known.window)
    signs = []
    for c in examination.ranking:
        if c.clean and c.objective.kind == "loss" and np.isfinite(c.factor):
            target = series.get(c.objective.target) if c.objective.target is not None else None
            if target is None or target.is_float or float(target.order[0]) <= output:
                signs.append(c.factor > 0)
    return bool(signs) and all(signs)


def _drowned(found: Examination, reference: Examination) -> bool:
    """A small deviation is as large as before, only beside a gradient that was made longer."""
    if found.best is None or reference.best is None or reference.worst > SMALL_DEVIATION:
        return False
    before = reference.worst * abs(reference.best.factor)
    return found.worst * abs(found.best.factor) > 0.3 * before


def _cut_off(found: Examination, reference: Examination) -> bool:
    """Steps that were made of their gradients are made of something else: then gradients that are computed count for nothing."""
    before = {v.path for v in reference.best.verdicts if _stepped(v)} if reference.best is not None else set()
    after = {v.path for v in found.best.verdicts if _stepped(v)} if found.best is not None else set()
    return bool(before) and not before & after


def _stepped(verdict: ParameterVerdict) -> bool:
    return verdict.status in ("right", "scaled") and verdict.through is not None and verdict.through.key is None


def _right(examination: Examination) -> set[str]:
    """The parameters that agree with the best loss."""
    return set() if examination.best is None else {v.path for v in examination.best.of("right")}


def _unchecked(examination: Examination) -> set[str]:
    """The parameters about which the best loss says nothing: a network that was blown up says little of any."""
    return set() if examination.best is None else {v.path for v in examination.best.of("unchecked")}


def _without_effect(examination: Examination) -> set[str]:
    """Parameters that are moved, and on which the best loss depends by rounding alone (a bias before a normalisation)."""
    best = examination.best
    if best is None:
        return set()
    objective = best.objective
    small = np.max(np.abs(objective.derivative), axis=1) <= 50 * np.max(objective.floor, axis=1)
    return {v.path for v, none in zip(best.verdicts, small, strict=True) if none and v.status == "wrong"}


def _in_stages(
    program: Program, told: dict[str, Facts], most: int, only: Collection[str], early: Collection[str] = SHARED
) -> Iterator[Edit]:
    """The edits of the suspect lines, then those of all other lines.

    Shared memory shows far from where it is made (an array allocated once acts in every line that uses it), so its few
    repairs come ``early`` wherever they stand.
    """
    everywhere = {file: replace(known, suspect_lines=()) for file, known in told.items()}
    seen = set()
    for number, edit in enumerate(_merged(program, told, most, only)):
        if number == SHARED_AFTER:
            every = _merged(program, everywhere, 3 * most, only or early)
            few = sorted(
                (e for e in every if e.cause in early and e.source not in seen), key=lambda e: e.cause in SHARED
            )
            for other in few[:SHARED_MOST]:
                seen.add(other.source)
                yield other
        if edit.source not in seen:
            seen.add(edit.source)
            yield edit
    yield from (edit for edit in _merged(program, everywhere, 3 * most, only) if edit.source not in seen)


def _merged(program: Program, told: dict[str, Facts], most: int, only: Collection[str] = ()) -> Iterator[Edit]:
    """The cheapest edits of all files. In the order of their cost, those of ``only`` where it is given."""
    proposed = [candidates(text, file, told[file], only) for file, text in program.sources.items()]
    return islice(heapq.merge(*proposed, key=lambda e: e.cost), most)


def _groups(edits: Iterable[T], size: int) -> Iterator[list[T]]:
    group: list[T] = []
    for edit in edits:
        group.append(edit)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _loop_words(text: str) -> int:
    """How often a word stands there that begins a loop (in strings and comments, too: an edit leaves these as they are)."""
    return len(_LOOP_WORD.findall(text))


def mapped_loop(session: Session, program: Program, variant: Program, loop: int) -> int | None:
    """The number of the same loop in a variant (an edit may add or take away loops)."""

    files = [f for f, text in program.sources.items() if variant.sources[f] is not text and variant.sources[f] != text]
    if all(_loop_words(program.sources[f]) == _loop_words(variant.sources[f]) for f in files):
        return loop
    old = session.table(program).loops[loop]
    near = [
        n
        for n in session.table(variant).loops
        if n.function == old.function and n.depth == old.depth and n.file == old.file
    ]
    return min(near, key=lambda n: abs(n.line - old.line)).number if near else None


def _try(session: Session, program: Program, variant: Program, loop: int, reference: Examination) -> Trial | None:
    try:
        number = mapped_loop(session, program, variant, loop)
        return None if number is None else trial(session, variant, number, reference)
    except OutOfTime:
        raise
    except Exception:  # an edited copy may do anything: one that cannot be judged is no repair
        return None


def _examined(
    session: Session, program: Program, variant: Program, loop: int, reference: Examination, *, short: bool = False
) -> Examination | None:
    """A new examination of the variant's same step; ``short``: only the known parameters, two directions, no chains."""
    try:
        number = mapped_loop(session, program, variant, loop)
        step = None if number is None else session.stop(number, reference.known.hit, variant)
        if step is None or number is None:
            return None
        with step:
            found = reexamine(step, number, reference) if short else examine_step(step, number, seed=2)
    except OutOfTime:
        raise
    except Exception:  # an edited copy may do anything: one that cannot be judged is no repair
        return None
    if found is None:
        return None
    paths = {p.path for p in found.known.parameters}
    return found if {p.path for p in reference.known.parameters} <= paths else None
