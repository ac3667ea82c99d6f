"""Why a network does not learn: findings, causes, and the diagnosis of hand-written programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unstuck.doctor.findings import Report


def diagnose(
    subject: str | Path | Callable[..., Any], *, budget_seconds: float = 45.0, answers: Iterable[str] = ()
) -> Report:
    """Say why a hand-written network does not learn; see `unstuck.doctor.handwritten.diagnose.diagnose`."""
    from unstuck.doctor.handwritten.diagnose import diagnose as by_hand  # loaded when it is used: it takes a while

    return by_hand(subject, budget_seconds=budget_seconds, answers=answers)
