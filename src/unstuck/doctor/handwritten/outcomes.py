"""Two whole runs beside each other, by the figures that the program prints itself."""

from __future__ import annotations

import numpy as np

from .probes.proofs import BAD_WORDS, GOOD_WORDS, printed
from .probes.quality import sound
from .records import Outcome

CLEAR = 0.03  # of the larger figure: a difference that is clear
MUCH = 0.3  # of it: what a right mend does not cost
ALL = 0.9  # of it: what not even a mend may cost of which the gradient check leaves no doubt (wrong steps may be lucky)


def compared(before: Outcome, after: Outcome) -> tuple[str, float, float] | None:
    """The last figure that both runs print, best one first: of a test, of anything right, of a loss."""
    for words in (GOOD_WORDS, BAD_WORDS):
        a, b = printed(before, words), printed(after, words)
        for wanted in ("test", "valid", ""):
            x = [(n, v) for n, v in a if wanted in n.lower()]
            y = [v for n, v in b if wanted in n.lower()]
            if x and y and sound(y[-1]):
                return x[-1][0][-40:].strip().lower(), x[-1][1], y[-1]
    return None


def learns(outcome: Outcome) -> bool:
    """A figure that the program prints is clearly better at the end than at the beginning."""
    for words, sign in ((GOOD_WORDS, 1.0), (BAD_WORDS, -1.0)):
        series: dict[str, list[float]] = {}
        for label, value in printed(outcome, words):
            series.setdefault(label.rstrip("0123456789 "), []).append(value)
        for values in series.values():
            if (
                len(values) > 1
                and np.all(np.isfinite(values))
                and sign * (values[-1] - values[0]) > 0.3 * abs(values[0])
            ):
                return True
    return False


def _votes(before: Outcome, after: Outcome) -> list[float]:
    """How much better the last figure of each kind is: of those that should grow, then of those that should fall."""
    votes = []
    for words, sign in ((GOOD_WORDS, 1.0), (BAD_WORDS, -1.0)):
        a, b = printed(before, words), printed(after, words)
        if a and b:
            x, y = a[-1][1], b[-1][1]
            if sound(x) and sound(y):
                votes.append(sign * (y - x) / max(abs(x), abs(y), 1e-12))
            elif sound(x) != sound(y):
                votes.append(1.0 if sound(y) else -1.0)
    return votes


def improved(before: Outcome, after: Outcome) -> bool:
    """The program's own last figure is clearly better in the mended copy."""
    if after.error is not None:
        return False
    if before.error is not None:
        return True
    votes = _votes(before, after)
    return any(v > CLEAR for v in votes) and not any(v < -CLEAR for v in votes[:1])


def worsened(before: Outcome, after: Outcome, by: float = CLEAR) -> bool:
    """The program's own last figure is worse in the edited copy by this share of it, or only that copy breaks off."""
    if after.error is not None or before.error is not None:
        return before.error is None
    votes = _votes(before, after)
    return bool(votes) and votes[0] < -by


def gained(figure: str, before: float, after: float) -> bool:
    """A figure is clearly better after; its name tells whether it should grow or fall."""
    sign = 1.0 if any(word in figure.lower() for word in GOOD_WORDS) else -1.0
    if not sound(before) or not sound(after):
        return sound(after)
    return sign * (after - before) > CLEAR * max(abs(before), abs(after))
