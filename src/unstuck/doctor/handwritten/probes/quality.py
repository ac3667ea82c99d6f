"""How well a run ended, by the score of its last training rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..session import Outcome


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
        """The run broke off or ended in NaN."""
        return self.outcome.error is not None or not (np.isfinite(self.score) or np.isfinite(self.loss))


def shown(quality: Quality) -> float:
    """Score or loss with four digits."""
    return float(f"{quality.score if quality.kind else quality.loss:.4g}")
