"""From a finished case to its report: the verdict, what was ruled out, what stayed open."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal

from unstuck.doctor.findings import Evidence, ProgramError, Report, RuledOut

from .case import Case
from .describe import network_sentence
from .step import OutOfTime, WatchError

GRADIENT = (
    "output-delta-wrong", "activation-derivative-missing", "activation-derivative-wrong", "activation-derivative-misplaced",
    "backprop-weights-wrong", "gradient-operand-wrong", "bias-gradient-wrong", "softmax-jacobian-wrong", "updated-too-early",
    "buffer-overwritten", "gradient-overwritten", "product-or-axis-wrong", "samples-dropped",
)  # fmt: skip


def report(case: Case) -> Report:
    assert case.examination is not None
    if case.examination.state == "right":
        found = {f.cause for f in case.findings}
        why = f"gradient check of every parameter passes: worst relative error {case.examination.worst:.1e}"
        case.ruled_out += [RuledOut(cause, why) for cause in GRADIENT if cause not in found]
        case.checked.append(
            Evidence("worst relative error of the gradient check", "at most 1e-5", case.examination.worst)
        )
    faults = any(f.is_fault for f in case.findings)
    open_questions = case.open_questions if not faults else []
    if faults:
        verdict: Literal["faulty", "healthy", "undecided"] = "faulty"
    else:
        verdict = "undecided" if open_questions or program_error(case) is not None else "healthy"
    network = None
    with contextlib.suppress(OutOfTime, WatchError):
        network = network_sentence(case.session, case.program, case.examination, case.closed_form)
    return Report(
        case.original.main, verdict, tuple(case.findings), tuple(consistent(case)), tuple(case.not_checked),
        network=network, not_understood=tuple(open_questions), checked=tuple(case.checked), notes=tuple(case.notes),
        program_error=program_error(case),
    )  # fmt: skip


def nothing_found(case: Case) -> Report:
    error = program_error(case)
    if case.open_questions:
        note = case.open_questions[0]
    elif error is not None:
        note = f"the program stopped with {error.kind} before a network was trained"
    else:
        note = "no variable was found that is changed step by step and acts on an output: no network is trained here"
    return Report(case.original.main, "undecided", notes=(*case.notes, note), program_error=error)


def consistent(case: Case) -> Iterator[RuledOut]:
    """Each cause once, and none that was found."""
    seen = {f.cause for f in case.findings}
    for row in case.ruled_out:
        if row.cause not in seen:
            seen.add(row.cause)
            yield row


def program_error(case: Case) -> ProgramError | None:
    try:
        error = case.outcome.error
    except (OutOfTime, WatchError):
        return None
    if error is None:
        return None
    return ProgramError(error.type, error.text, error.file, error.line, None, tuple(error.values.items()))
