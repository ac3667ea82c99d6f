"""Do the printed figures say how well the network does: is it run on what it is asked about, and judged rightly?"""

from __future__ import annotations

from . import judged, metric, parity, stale, training_number
from .base import Examination, Verdicts
from .figures import Figures

CAUSES = (stale.CAUSE, metric.CAUSE, parity.CAUSE, training_number.CAUSE)


def examine(e: Examination) -> Verdicts:
    """Look at the stretches in which the program prints numbers, and mend what they are computed with."""
    out = Verdicts()
    if not e.stretches:
        return out.skip("the program prints no numbers, or could not be followed to its end", *CAUSES)
    figures = Figures(e)
    stale.examine(e, figures, out)
    metric.examine(e, figures, out)
    judged.examine(e, figures, out)
    parity.examine(e, figures, out)
    training_number.examine(e, figures, out)
    return out
