"""How well a run ended, by the score of its last training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..records import Outcome

BLOWN_UP = 1e30  # size of a figure from which on a run counts as one that overflowed
ENOUGH_ROWS = 100  # over which the quality is taken at least, however short the run is


@dataclass(frozen=True)
class Quality:
    """How well a run ended: ``score`` is accuracy or R² on the last training rows, ``loss`` the mean of the descended number.

    ``kind``: "accuracy" or "R²" or "" where no targets are known. ``outcome`` is the whole run; ``passes`` its training steps.
    """

    kind: str
    score: float
    loss: float
    passes: int
    outcome: Outcome

    @property
    def failed(self) -> bool:
        """The run broke off or blew up."""
        return self.outcome.error is not None or not (sound(self.score) or sound(self.loss))


def sound(value: float) -> bool:
    """A figure that a run may have ended with: neither NaN nor infinite, nor on the way there."""
    return bool(np.isfinite(value)) and abs(value) < BLOWN_UP


def last_passes(passes: int, rows: Sequence[int]) -> int:
    """How many passes at the end tell how a run of ``passes`` ends: its last tenth, and enough rows.

    ``rows``: how many rows each of the last passes has. The whole of them where a short run has few rows.
    """
    count = 0
    while count < len(rows) and (count < 0.1 * passes or sum(rows[len(rows) - count :]) < ENOUGH_ROWS):
        count += 1
    return max(1, count)


def shown(quality: Quality) -> float:
    """Score or loss with four digits."""
    return float(f"{quality.score if quality.kind else quality.loss:.4g}")
