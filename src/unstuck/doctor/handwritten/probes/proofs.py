"""The figures that a program prints itself, before and after a change: what a proof shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unstuck.doctor.findings import Proof

from ..edits.base import Edit
from ..records import Outcome
from .quality import Quality, sound

if TYPE_CHECKING:
    from .base import Examination

GOOD_WORDS = (
    "acc",
    "r2",
    "r²",
    "right",
    "correct",
    "score",
    "hits",
    "genau",
    "treff",
    "precis",
    "exact",
    "acier",
    "correcto",
    "richtig",
    "acert",
    "giust",
    "juste",
    "bonnes",
)
BAD_WORDS = (
    "loss", "error", "cost", "mse", "rmse", "mae", "nll", "err", "fehler", "kosten", "verlust", "perte", "coste", "pérdida",
    "perdida", "perdita", "perda", "custo", "costo", "verlies", "förlust", "strata",
)  # fmt: skip


def proof_of(before: Quality, after: Quality, seeds: int = 1) -> Proof:
    """The two runs beside each other: the last figure that the program itself prints of the kind it was judged by."""
    for words, better in ((GOOD_WORDS, 1), (BAD_WORDS, -1)):
        own = printed(before.outcome, words), printed(after.outcome, words)
        for label in ("test", "valid", ""):
            a = [v for n, v in own[0] if label in n.lower()]
            b = [v for n, v in own[1] if label in n.lower()]
            if a and b and (not sound(a[-1]) or better * (b[-1] - a[-1]) > 0) and sound(b[-1]):
                name = next(n for n, v in reversed(own[1]) if label in n.lower())
                return Proof(metric=name[-40:].strip().lower(), before=a[-1], after=b[-1], seeds=seeds)
    name, old, new = computed(before, after)
    return Proof(metric=name, before=old, after=new, seeds=seeds)


def computed(before: Quality, after: Quality) -> tuple[str, float, float]:
    """The figure that two runs are judged by where they print none: its name (which says so), before and after."""
    if after.kind:
        return f"training {after.kind}, computed from its outputs", before.score, after.score
    return "loss, computed from its values", before.loss, after.loss


def printed(outcome: Outcome, words: tuple[str, ...]) -> list[tuple[str, float]]:
    """The printed numbers whose label holds one of the words."""
    return [(label, value) for label, value in outcome.numbers if any(w in label.lower() for w in words)]


def figure_that_rises(
    e: Examination, edit: Edit, least: float = 0.03, losses: bool = True
) -> tuple[str, float, float] | None:
    """The last printed figure that is much better in an edited copy (words before it, before, after); None if one is worse."""
    after = e.quality(e.edited(edit))
    if after is None or after.failed or e.start is None:
        return None
    found = None
    for (label, old), (same, new) in zip(e.start.outcome.numbers, after.outcome.numbers, strict=False):
        if label != same or old == new:
            continue
        low = label.lower()
        if any(w in low for w in BAD_WORDS) and not any(w in low for w in GOOD_WORDS):
            better, worse = losses and new < 0.6 * old, losses and new > 1.2 * old
        else:
            top = 100.0 if max(abs(old), abs(new)) > 1.5 else 1.0
            better = new - old > least * top and top - new <= 0.6 * (top - old)
            worse = new - old < -0.05 * top
        if worse:
            return None
        if better:
            found = low[-40:].strip(), old, new
    return found
