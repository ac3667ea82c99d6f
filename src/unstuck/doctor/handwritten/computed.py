"""How well a run ends, computed from its recorded outputs and targets: for programs that print no figure of their own."""

from __future__ import annotations

import contextlib

from .examine import Examination
from .probes.base import Examination as Subject
from .probes.proofs import computed
from .program import Program
from .session import Session
from .step import WatchError


def figure(
    session: Session, before: Program, after: Program, examination: Examination, seconds: float
) -> tuple[str, float, float] | None:
    """Name, value before and value after of a figure over the last rows of training, the same for both programs.

    ``examination`` belongs to ``after``. Accuracy or R² where there are targets, else the mean of what is descended; None where
    nothing was recorded to compute it from, or it took longer than ``seconds``.
    """
    if not examination.ranking or seconds < 1.0:
        return None
    with contextlib.suppress(WatchError):
        subject = Subject(
            session, after, examination.known, examination.ranking, seconds=seconds, run_seconds=seconds / 2
        )
        last, first = subject.start, subject.quality(before)
        if last is None or first is None or last.failed or last.kind != first.kind:
            return None
        return computed(first, last)
    return None
