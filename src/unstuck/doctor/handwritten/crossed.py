"""A gradient that is right and goes to the wrong place: the step of one parameter is made of the gradient of another one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .examine import Examination
from .records import Array

EXACT = 1e-6  # worst relative error under which two arrays are one, but for a factor


@dataclass(frozen=True)
class Crossed:
    """``taken``: path of a parameter -> path of the one by whose gradient it is moved."""

    taken: dict[str, str]

    def mended(self, examination: Examination) -> bool:
        """All of these are moved by a gradient of their own."""
        best = examination.best
        own = {v.path for v in best.of("right") if v.through is not None and v.through.key is None} if best else set()
        return examination.state == "right" and own >= self.taken.keys()

    def reference(self, examination: Examination) -> Examination:
        """The examination with these parameters told as wrong."""
        best = examination.best
        assert best is not None
        told = [
            replace(v, status="wrong", residual=1.0, through=None) if v.path in self.taken else v for v in best.verdicts
        ]
        return replace(examination, state="wrong", best=replace(best, verdicts=told))


def judge(examination: Examination) -> Crossed | None:
    """Whether some parameters have a recorded gradient that is right, and move along that of another parameter of their size.

    Parameters that share their steps on purpose (one matrix used twice) move by the sum of both gradients: that is neither.
    """
    best = examination.best
    if best is None or not best.clean:
        return None
    updates = {p.path: p.update for p in examination.known.parameters}
    right = [v for v in best.of("right") if not v.small and v.through is not None]
    taken: dict[str, str] = {}
    for one in right:
        if one.through is None or one.through.key is None:
            continue
        for other in right:
            if other is not one and other.through is not None and _parallel(updates[one.path], other.through.flat):
                taken[one.path] = other.path
    return Crossed(taken) if taken else None


def _parallel(one: Array, other: Array) -> bool:
    a, b = one.ravel(), other.ravel()
    if a.size != b.size or not np.any(a) or not np.any(b):
        return False
    factor = float(a @ b) / float(b @ b)
    return bool(np.max(np.abs(a - factor * b)) <= EXACT * np.max(np.abs(a)))
