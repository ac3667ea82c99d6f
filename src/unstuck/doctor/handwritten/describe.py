"""The network that was understood, as one sentence: "64 → 40 tanh → 10 softmax, cross-entropy, SGD 0.2, batch 50"."""

from __future__ import annotations

import ast
import math

import numpy as np

from .compare import Comparison
from .convolution import find_convolutions
from .examine import Examination
from .layers import Layer, find_layers
from .nudge import Objective
from .program import Program
from .recurrence import find_recurrence
from .repair import climbs
from .session import Session
from .understand import Understanding
from .windows import series_before

_SAME = 1e-4  # relative difference of two rates or derivatives that count as equal


def network_sentence(
    session: Session, program: Program, examination: Examination, closed_form: str | None = None
) -> str | None:
    """Layers with their activations, loss, update rule and batch size, as far as recorded values tell them.

    ``closed_form``: the name of the known rule that the steps follow, where that was found out.
    """
    known, best = examination.known, examination.best
    loss = _loss(examination)
    words, outputs = _network(examination)
    if words is None:
        count, variables = sum(p.before.size for p in known.parameters), len(known.parameters)
        words = f"{variables} trained variable{'s' if variables > 1 else ''} with {count} numbers"
        words += " (how they form layers was not understood)"
    parts = [words]
    rows = _rows(examination, loss, outputs)
    if loss is not None:
        parts.append(_PLAIN.get(loss.name, loss.name))
    if best is not None and best.clean:
        rule = closed_form or _rule(program, examination, best, loss, rows, outputs)
        if rule:
            parts.append(rule)
    if rows:
        parts.append(f"batch {rows}")
    return ", ".join(parts)


def _network(examination: Examination) -> tuple[str | None, int | None]:
    """The layers in words, None where not all of them were understood; and how many outputs a row has, where that is known."""
    known = examination.known
    forward = series_before(known.window, known.update_moment)
    judged = [forward[o.value] for o in _losses(examination) if o.value in forward]
    recurrence = find_recurrence(known)
    if recurrence is not None:
        after = find_layers(known, judged, recurrence.parameters)
        if _complete(known, recurrence.parameters, after) and (not after or after[0].inputs == recurrence.units):
            first = f"{recurrence.steps} steps of {recurrence.inputs} → {recurrence.units} {recurrence.activation} (recurrent)"
            return " → ".join([first, *_widths(after)]), None
    convolutions = find_convolutions(known)
    if convolutions:
        used = frozenset().union(*(c.parameters for c in convolutions))
        after = find_layers(known, judged, used)
        if _complete(known, used, after) and (not after or after[0].inputs == convolutions[-1].size):
            return " → ".join([*(c.words for c in convolutions), *_widths(after)]), after[-1].outputs if after else None
    dense = find_layers(known, judged)
    if dense:
        return " → ".join([str(dense[0].inputs), *_widths(dense)]), dense[-1].outputs
    return None, None


def _widths(layers: list[Layer]) -> list[str]:
    return [f"{x.outputs} {x.activation}" if x.activation else str(x.outputs) for x in layers]


def _complete(known: Understanding, used: frozenset[str], layers: list[Layer]) -> bool:
    """No matrix is left over beside these layers."""
    matrices = [p for p in known.parameters if p.path not in used and len([n for n in p.shape if n > 1]) > 1]
    return len(matrices) <= len(layers)


# Loss, update, batch ----------------------------------------------------------------------------------------------------
_PLAIN = {
    "cross-entropy of logits": "cross-entropy",
    "binary cross-entropy of logits": "binary cross-entropy",
    "squared error of sigmoid": "squared error",
    "Huber": "Huber loss",
    "Poisson": "Poisson loss",
    "logistic margin": "logistic loss",
}


def _loss(examination: Examination) -> Objective | None:
    """The textbook loss whose true derivatives are those of what is descended."""
    return min(_losses(examination), key=lambda o: (o.name not in _PLAIN.values(), len(o.name)), default=None)


def _losses(examination: Examination) -> list[Objective]:
    best = examination.best
    if best is None or examination.state not in ("right", "wrong"):
        return []
    if best.objective.kind == "loss" and not best.clean and len(best.of("right")) < 2:
        return []
    return [o for o in examination.derivatives.objectives if o.kind == "loss" and _ratio(best.objective, o) is not None]


def _ratio(a: Objective, b: Objective) -> float | None:
    """a = ratio * b in every direction, or None."""
    x, y = a.derivative.ravel(), b.derivative.ravel()
    with np.errstate(all="ignore"):
        size = float(y @ y)
        ratio = float(x @ y) / size if size else 0.0
    if not np.isfinite(size) or not np.isfinite(ratio) or not ratio:
        return None
    close = float(np.max(np.abs(x - ratio * y))) <= 1e-5 * float(np.max(np.abs(x)))
    return ratio if close else None


def _rows(examination: Examination, loss: Objective | None, outputs: int | None) -> int | None:
    if loss is None or not outputs:
        return None
    known = examination.known
    series = series_before(known.window, known.update_moment).get(loss.value)
    if series is None:
        return None
    size = math.prod(series.shapes[-1]) if len(set(series.shapes)) > 1 else series.flat.size
    return size // outputs if size % outputs == 0 else None


def _rule(
    program: Program, examination: Examination, best: Comparison, loss: Objective | None, rows: int | None, outputs: int | None
) -> str | None:  # fmt: skip
    by_update = all(v.through is not None and v.through.key is None for v in best.of("right"))
    common = (
        all(abs(v.factor / best.factor - 1) < _SAME for v in best.of("right")) if np.isfinite(best.factor) else False
    )
    if not by_update or not common:
        return "own update rule"
    if climbs(examination):
        return None  # a finding says so
    if _may_have_memory(examination):
        return None
    known_rates = _numbers(program, examination)
    ratio = _ratio(best.objective, loss) if loss is not None else None
    if loss is not None and ratio is not None and rows and outputs:
        step = abs(best.factor * ratio)  # per unit of the gradient of the loss summed over the rows
        half = loss.name == "squared error"
        scales = [rows, 1.0, rows * outputs] + ([rows / 2, 0.5, rows * outputs / 2] if half else [])
        fitting = [s for s in scales if any(abs(step * s / n - 1) < _SAME for n in known_rates)]
        fitting.sort(key=lambda s: float(step * s).is_integer())  # (a whole number may well be that of the units)
        if fitting:
            summed = fitting[0] in (1.0, 0.5) and rows > 1
            return f"SGD {_short(step * fitting[0])}" + (" on the summed gradient" if summed else "")
        if not half:
            return f"SGD {_short(step * rows)}"
    return f"step {_short(abs(best.factor))} × gradient"


def _short(rate: float) -> str:
    return f"{float(f'{rate:.4g}'):g}"


def _may_have_memory(examination: Examination) -> bool:
    """Every parameter has a companion of its shape that was zero: a velocity in its first step looks like none."""
    known = examination.known
    zero = [known.leaves[p].shape for p in known.states if p in known.leaves and not np.any(known.leaves[p])]
    return all(p.shape in zero for p in known.parameters if p.before.size > 1)


def _numbers(program: Program, examination: Examination) -> set[float]:
    """Positive single numbers that the program has: as variables or as written in it."""
    found = {float(v.ravel()[0]) for v in examination.known.leaves.values() if v.size == 1}
    for text in program.sources.values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and node.value is not True:
                found.add(float(node.value))
    return {n for n in found if np.isfinite(n) and n > 0}
