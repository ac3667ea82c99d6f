"""A loss with a penalty of the weights: does the step of every parameter contain the penalty's gradient as the loss has it?

The gradient check finds the data's part right by itself wherever it was recorded. Here the first step is taken apart into a
multiple of the data's gradient and a multiple of the weights (or of their signs), and the program's own loss likewise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .examine import Examination
from .nudge import Objective
from .records import Array

EXACT = 1e-6  # relative error of a decomposition
FAR = 1e-3  # relative difference of two factors that are not the same
VISIBLE = 1e-5  # share of a step under which a difference of penalties is rounding
DECAY = 1e-5  # share of a step from which on it counts as shrinking or growing of the weights
MOST_OWN = 24  # numbers of the program that are taken for its loss


@dataclass(frozen=True)
class Parts:
    """What a parameter's step is made of, relative to the data's gradient in most steps: ``data`` should be 1.

    ``penalty``: of the weights; ``expected``: what the loss asks for.
    """

    data: float
    penalty: float
    expected: float

    @property
    def right(self) -> bool:
        """Both parts are those of the loss, under one rate."""
        return _same(self.penalty, self.expected * self.data)

    @property
    def scaled(self) -> bool:
        """The penalty's part is right and the data's part is not."""
        return abs(self.data - 1) > FAR and _same(self.penalty, self.expected)

    @property
    def unpenalised(self) -> bool:
        """The data's part is right and the penalty's part is not."""
        return abs(self.data - 1) <= FAR and not _same(self.penalty, self.expected)


@dataclass(frozen=True)
class Penalised:
    """Path -> parts, under the program's own loss ``objective``; ``rate``: what most steps take of the data's gradient.

    ``by_itself``: no penalty is in a loss that was seen; what is wrong is that steps make weights grow.
    """

    objective: Objective
    parts: dict[str, Parts]
    rate: float
    by_itself: bool = False

    @property
    def wrong(self) -> dict[str, Parts]:
        return {path: p for path, p in self.parts.items() if p.scaled or p.unpenalised}

    def mended(self, examination: Examination) -> bool:
        """Under the same rate every step is the gradient of the loss, and that is the same as before."""
        after = judge(examination)
        if after is None or after.parts.keys() != self.parts.keys() or not _same(after.rate, self.rate):
            return False
        wanted = {path: 1.0 if path in self.wrong else p.data for path, p in self.parts.items()}
        return all(
            p.right and abs(p.data / wanted[path] - 1) <= FAR and _same(p.expected, self.parts[path].expected)
            for path, p in after.parts.items()
        )

    def reference(self, examination: Examination) -> Examination:
        """The examination with those that are wrong told as wrong under the own loss, so that their lines are looked at first."""
        own = next((c for c in examination.ranking if c.objective is self.objective), examination.best)
        assert own is not None
        wrong = self.wrong
        verdicts = [replace(v, status="wrong" if v.path in wrong else "right") for v in own.verdicts]
        return replace(examination, state="wrong", best=replace(own, verdicts=verdicts))


def judge(examination: Examination) -> Penalised | None:
    """The parts of every step; None where no loss with a penalty is computed, or a step is not made of these two alone."""
    data = next((c.objective for c in examination.ranking if c.clean and c.objective.kind == "loss"), None)
    if data is None:
        return None
    own = [o for o in examination.derivatives.objectives if o.kind == "own"]
    found = [_under(examination, data, o, signs) for o in own[-MOST_OWN:] for signs in (False, True)]
    known = [p for p in found if p is not None]
    agreeing = next((p for p in known if all(part.right for part in p.parts.values())), None)
    # A loss is added up term by term: the number with most terms is the whole of it.
    most = max(known, key=lambda p: sum(part.expected != 0 for part in p.parts.values()), default=None)
    return agreeing or most or _decay(examination, data)


def _decay(examination: Examination, data: Objective) -> Penalised | None:
    """Where no penalty is in the loss and the steps shrink weights all the same: none of them should make its weights grow."""
    taken = _steps(examination, data, signs=False)
    if taken is None:
        return None
    usual = _mode([a for a, _ in taken.values()])
    known, directions = examination.known, examination.derivatives.directions
    parts = {}
    for i, (a, b) in taken.items():
        parameter = known.parameters[i]
        step = np.max(np.abs(directions[i] @ parameter.update.ravel()))
        much = np.max(np.abs(directions[i] @ parameter.before.ravel())) * abs(b) > DECAY * step
        share = b / usual if much else 0.0
        parts[parameter.path] = Parts(a / usual, share, abs(share))
    return Penalised(data, parts, usual, by_itself=True) if any(p.penalty for p in parts.values()) else None


def _under(examination: Examination, data: Objective, own: Objective, signs: bool) -> Penalised | None:
    known, directions = examination.known, examination.derivatives.directions
    shift: dict[int, Array] = {}
    for i, parameter in enumerate(known.parameters):
        weights = parameter.before.ravel()
        shift[i] = directions[i] @ (np.sign(weights) if signs else weights)
    asked = _decomposed(data.derivative, own.derivative, shift)
    if asked is None or not any(asked[1]):
        return None
    scale, penalties = asked
    taken = _steps(examination, data, signs)
    if taken is None:
        return None
    usual = _mode([a for a, _ in taken.values()])
    parts = {}
    for i, (a, b) in taken.items():
        parameter, expected = known.parameters[i], penalties[i] / scale
        step = np.max(np.abs(directions[i] @ parameter.update.ravel()))
        # Beside weights that are still tiny (biases after a step) the penalty's part is rounding, whatever it seems to be.
        seen = np.max(np.abs(shift[i])) * abs(b - expected * a) > VISIBLE * step
        parts[parameter.path] = Parts(a / usual, b / usual if seen else expected * a / usual, expected)
    return Penalised(own, parts, usual)


def _steps(examination: Examination, data: Objective, signs: bool) -> dict[int, tuple[float, float]] | None:
    """Step = a * gradient of the data + b * weights (or their signs): (a, b) for every parameter of more than one number; None
    where a step is made of something else."""
    known, directions = examination.known, examination.derivatives.directions
    taken: dict[int, tuple[float, float]] = {}
    for i, parameter in enumerate(known.parameters):
        if parameter.before.size == 1:
            continue
        if parameter.unmoved:
            return None
        weights = parameter.before.ravel()
        shift = directions[i] @ (np.sign(weights) if signs else weights)
        step = directions[i] @ parameter.update.ravel()
        columns = [data.derivative[i], shift]
        residual, factors = _fit(step, columns if np.any(shift) else columns[:1])
        if residual > EXACT or not factors[0]:
            return None
        taken[i] = float(factors[0]), float(factors[1]) if len(factors) > 1 else 0.0
    return taken if len(taken) > 1 else None


def _mode(values: list[float]) -> float:
    return max(values, key=lambda f: sum(abs(g / f - 1) < FAR for g in values))


def _decomposed(data: Array, own: Array, shift: dict[int, Array]) -> tuple[float, list[float]] | None:
    """own = scale * data + penalty[i] * weights[i] in every direction: (scale, penalties), penalties of rounding size as 0."""
    count, directions = data.shape
    table = np.zeros((count * directions, 1 + count))
    table[:, 0] = data.ravel()
    for i in range(count):
        table[i * directions : (i + 1) * directions, 1 + i] = shift[i]
    largest = float(np.max(np.abs(own)))
    if not (np.all(np.isfinite(table)) and np.isfinite(largest)):
        return None
    sizes = np.maximum(np.max(np.abs(table), axis=0), 1e-300)
    solution, *_ = np.linalg.lstsq(table / sizes, own.ravel(), rcond=None)
    if largest == 0.0 or np.max(np.abs(table / sizes @ solution - own.ravel())) > EXACT * largest:
        return None
    scale = float(solution[0] / sizes[0])
    if abs(scale) * float(np.max(np.abs(data))) < 1e-6 * largest:
        return None
    parts = [
        float(s / size) if np.max(np.abs(shift[i])) * abs(s / size) > 1e-6 * largest else 0.0
        for i, (s, size) in enumerate(zip(solution[1:], sizes[1:], strict=True))
    ]
    return scale, parts


def _fit(wanted: Array, columns: list[Array]) -> tuple[float, Array]:
    table = np.stack(columns, axis=1)
    if not (np.all(np.isfinite(table)) and np.all(np.isfinite(wanted))):
        return np.inf, np.zeros(table.shape[1])
    sizes = np.maximum(np.max(np.abs(table), axis=0), 1e-300)
    solution, *_ = np.linalg.lstsq(table / sizes, wanted, rcond=None)
    away = float(np.max(np.abs(table / sizes @ solution - wanted)))
    return away / max(float(np.max(np.abs(wanted))), 1e-300), solution / sizes


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= FAR * max(abs(one), abs(other), 1e-9)
