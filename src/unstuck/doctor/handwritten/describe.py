"""The network that was understood, as one sentence: "64 → 40 → 10, squared error, step 2, 8 rows a step"."""

from __future__ import annotations

import itertools

import numpy as np

from .examine import Examination
from .program import Program
from .session import Session


def network_sentence(session: Session, program: Program, examination: Examination) -> str | None:
    """Sizes of the layers from the weight matrices, the loss, the rate of plain steps, and the rows of a step."""
    known, best = examination.known, examination.best
    matrices = [p.shape for p in known.parameters if len([s for s in p.shape if s != 1]) == 2]
    parts = []
    sizes = _chain(matrices)
    if sizes:
        parts.append(" → ".join(str(s) for s in sizes))
    else:
        count = sum(p.before.size for p in known.parameters)
        parts.append(f"{len(known.parameters)} trained variables with {count} numbers")
    named = next((c.objective.name for c in examination.ranking if c.clean and c.objective.kind == "loss"), None)
    if named:
        parts.append(named)
    if best is not None and best.clean and np.isfinite(best.factor):
        series = known.window.series.get(best.objective.value)
        if series is not None and best.objective.kind == "own":
            parts.append(
                f"step {abs(best.factor):.4g} × gradient of `{session.table(program).sites[series.key[0]].text}`"
            )
    return ", ".join(parts)


def _chain(shapes: list[tuple[int, ...]]) -> list[int]:
    """Sizes of a stack of matrices where each one's output is the next one's input (rows or columns), else []."""
    for flipped in (False, True):
        rows = [s[::-1] if flipped else s for s in shapes]
        if rows and all(a[-1] in (b[0], b[0] - 1) for a, b in itertools.pairwise(rows)):
            return [rows[0][0], *(r[-1] for r in rows)]
    return []
