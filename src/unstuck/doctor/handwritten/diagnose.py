"""From a program to a report: watch it, check its gradients, mend it, prove it, look again, probe the rest."""

from __future__ import annotations

import contextlib
import inspect
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from unstuck.doctor.findings import Report
from unstuck.errors import InputError

from . import beyond, closing, gradient, step_rule
from .case import Case
from .examine import examine
from .program import Program, from_text, load
from .session import Session
from .step import OutOfTime, WatchError

LAST_WORDS = 2.0  # seconds beyond the budget for what only words the report
ROUNDS = 3  # faults in the gradient that are mended one after the other


def diagnose(
    subject: str | Path | Callable[..., Any], *, budget_seconds: float = 45.0, answers: Iterable[str] = ()
) -> Report:
    """Say why a hand-written network does not learn, or that it is healthy.

    Parameters
    ----------
    subject
        A ``.py`` file or an ``.ipynb`` notebook that trains a network when it is run; or a function or class of such a file
        (a function is called without arguments after the file was run). It runs in processes of its own, with the user's
        rights; nothing is imported here and nothing is written beside it.
    budget_seconds
        How long to look at most, in seconds of wall time. What was not reached by then is listed in ``report.not_checked``,
        and a program in which nothing was found is then "undecided", not "healthy".
    answers
        What to answer when the program asks for input, one after the other; afterwards every answer is "1".

    Raises
    ------
    InputError
        There is no such file, or it is not Python.
    """
    started = time.monotonic()
    program = _program(subject)
    try:
        with Session(program, answers=answers, deadline=started + budget_seconds) as session:
            report = _diagnosed(session, program, started, budget_seconds)
    except (WatchError, OutOfTime) as error:
        report = Report(program.main, "undecided", notes=(str(error),))
    return replace(report, seconds=round(time.monotonic() - started, 2), sources=dict(program.sources))


def _program(subject: str | Path | Callable[..., Any]) -> Program:
    if isinstance(subject, (str, Path)):
        return load(subject)
    try:
        file = inspect.getsourcefile(subject)
    except TypeError:
        raise InputError(f"{subject!r} cannot be diagnosed; give a file, a function or a class.") from None
    if file is None or not Path(file).is_file():
        raise InputError(f"the source of {subject!r} is in no file; save it to a .py file and give that.")
    program = load(file)
    if inspect.isfunction(subject):
        return from_text(f"{program.text}\n\n{subject.__name__}()\n", program.folder, program.main)
    return program


def _diagnosed(session: Session, program: Program, started: float, budget: float) -> Report:
    beside = ThreadPoolExecutor(1)
    whole_run = beside.submit(session.finish, seconds=max(5.0, 0.4 * budget))
    case = Case(session, program, started, budget, whole_run)
    try:
        _look(case)
    except OutOfTime:
        case.open_questions.append(f"the time ({budget:.0f} s) was over before everything was checked; {beyond.MORE}")
    finally:
        beside.shutdown(wait=False)
    session.deadline = max(session.deadline, time.monotonic() + LAST_WORDS)
    return closing.report(case) if case.examination is not None else closing.nothing_found(case)


@contextlib.contextmanager
def _beside_others(case: Case) -> Iterator[None]:
    """A check that breaks on an unusual program must not take the other checks with it, nor what was found before."""
    try:
        yield
    except (OutOfTime, WatchError):
        raise
    except Exception as error:
        case.open_questions.append(f"a check broke off ({type(error).__name__}: {error})")


def _look(case: Case) -> None:
    found = None
    with _beside_others(case):
        found = examine(case.session, case.program, case.session.scout(seconds=15.0))
    if found is not None:
        case.examination, case.loop, _ = found
    if found is None or found[0].state != "right":
        unsure = found is None or found[0].known.guessed
        if not (unsure and gradient.lost(case)):
            gradient.lost(case, ("wrong-variable",), "calls")
    if case.examination is None:
        return
    with _beside_others(case):
        for _ in range(ROUNDS):
            mended = gradient.check(case, case.examination)
            if mended is None or (mended.complete and case.examination.state == "right"):
                break
    if case.examination.state == "right":
        with _beside_others(case):
            step_rule.check(case, case.examination)
        with _beside_others(case):
            gradient.later(case, case.examination)
    for further in (beyond.probe, beyond.look_again, beyond.more_seeds):
        with _beside_others(case):
            further(case)
