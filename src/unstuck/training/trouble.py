"""Trouble in a training, noticed from its losses: one that explodes, is not finite, or stands still where guessing stands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from unstuck.nn.losses import BinaryCrossEntropy, CrossEntropy, CrossEntropyProbabilities, Loss, NamedLoss, SquaredError
from unstuck.training.likely import Likely

Array = np.ndarray[Any, Any]

ANSWERS = ("warn", "stop", "lower_rate")

# A loss explodes when so many steps in a row (or all of an epoch) lie at so many times what guessing or the start costs.
EXPLODED, IN_A_ROW = 10.0, 5
# Without a guess to compare with, the first step alone is no good measure: a trained network may begin at almost nothing.
EXPLODED_FROM_START = 1000.0
# A loss stands still when so many epochs, of so many steps together, are nowhere better than guessing, and all alike.
STILL_EPOCHS, STILL_STEPS = 3, 100
NO_BETTER, ALIKE = 0.99, 1.1
# Within an epoch a loss is asked whether it stands still after so many steps and rows, then after twice as many, and so on; it
# does not while it falls by as much as its own scatter lets a straight line be uncertain, and by a ten-thousandth of itself. Deep
# sigmoid networks that learn in the end were seen to need 700 steps to begin, with four layers 2,000: where nothing inside the
# steps looks wrong, it takes four times as many to be certain.
FIRST_CHECK_STEPS, FIRST_CHECK_ROWS, UNEXPLAINED = 1000, 20_000, 4
FALLING, LEAST_FALL = 1.0, 1e-4


@dataclass(frozen=True)
class Trouble:
    """What went wrong in a training, when, why, and what was done about it.

    ``kind`` is "explodes", "not finite" or "stands still"; ``epoch`` and ``step`` count from 1; ``likely`` holds the cause, by
    its name for ``unstuck explain``, with the figures of the flight recorder.
    """

    kind: str
    epoch: int
    step: int
    what: str
    likely: Likely
    done: str = ""

    def __str__(self) -> str:
        told = f"{self.what}; likely {self.likely.why} ({self.likely.cause})."
        advice = "" if self.done.startswith("Back") else f" Try {self.likely.advice}."
        return told + (f" {self.done}." if self.done else "") + advice


@dataclass(frozen=True)
class Still:
    """Epochs in a row that were no better than guessing, and all alike."""

    epochs: int = 0
    steps: int = 0
    lowest: float = math.inf
    highest: float = -math.inf

    def then(self, loss: float, steps: int) -> Still:
        """With one more; it alone, where it is not like those before."""
        lowest, highest = min(self.lowest, loss), max(self.highest, loss)
        if highest > ALIKE * lowest:
            return Still(1, steps, loss, loss)
        return Still(self.epochs + 1, self.steps + steps, lowest, highest)

    @property
    def is_long(self) -> bool:
        return self.epochs >= STILL_EPOCHS and self.steps >= STILL_STEPS


class Watch:
    """Follows the data losses of a training, one value a row, and says what is wrong with them.

    ``batch`` is the number of rows of a step; None where rows come in an order of their own, so that part of an epoch says
    nothing of the whole.
    """

    def __init__(
        self, loss: Loss, targets: Array, weights: Array | None, width: int, *, batch: int | None = None
    ) -> None:
        self.guess = guessing(loss, targets, weights, width)
        self.classes = _classes_of(loss, targets, width)
        self.first: float | None = None
        self.first_check = None if batch is None else max(FIRST_CHECK_STEPS, -(-FIRST_CHECK_ROWS // batch))
        self._still = Still()
        self._told: set[str] = set()

    @property
    def limit(self) -> float:
        """Above this a loss has exploded."""
        first = abs(self.first or 0.0)
        if self.guess is None:
            return EXPLODED_FROM_START * first or math.inf
        return EXPLODED * max(first, self.guess) or math.inf

    def exploded(self, losses: Array, in_epoch: int) -> int | None:
        """The step, from 0, up to which the losses of an epoch's steps so far have exploded, if they have."""
        if self.first is None and len(losses):
            self.first = float(losses[0])
        if "explodes" in self._told or not (losses > self.limit).any():
            return None
        row = 0
        for step, above in enumerate(losses > self.limit):
            row = row + 1 if above else 0
            if row == min(IN_A_ROW, in_epoch):
                return step
        # A few steps may be bad enough to spoil a whole epoch.
        return int(losses.argmax()) if len(losses) == in_epoch and losses.mean() > self.limit else None

    def stands_still(self, loss: float, steps: int) -> str:
        """What to say of a finished epoch with this loss, if it and those before it stand still; else nothing."""
        self._still = self._still.then(loss, steps) if self._like_guessing(loss) else Still()
        if self.guess and loss < NO_BETTER * self.guess:
            self._told.discard("stands still")
        if not self._still.is_long or "stands still" in self._told:
            return ""
        return f"the loss sits at {loss:.4g} for {self._still.epochs} epochs now: {self._costs(loss)}"

    def next_check(self, done: int) -> int | None:
        """The step of an epoch, counted from 1, after which the losses so far are next to be given to :meth:`sits`."""
        check = self.first_check
        while check is not None and check <= done:
            check *= 2
        return check

    def is_certain(self, done: int) -> bool:
        """Whether so many steps of an epoch are enough where there is no cause to be seen."""
        return self.first_check is not None and done >= UNEXPLAINED * self.first_check

    def sits(self, losses: Array) -> str:
        """What to say of the losses of an epoch's steps so far, if they stand still; else nothing.

        They do where the later half of them is no better than guessing from beginning to end, and does not fall.
        """
        if not self.guess or "stands still" in self._told:
            return ""
        late = losses[len(losses) // 2 :]
        level, worst = float(late.mean()), min(part.mean() for part in np.array_split(late, 2))
        if worst < NO_BETTER * self.guess or level > self.limit or _falls(late):
            return ""
        return f"the loss sits at {level:.4g} for {len(late):,} steps now: {self._costs(level)}"

    def _costs(self, loss: float) -> str:
        even = self.classes and abs(loss - math.log(self.classes)) <= 0.01 * loss
        return f"about ln {self.classes}, what guessing costs" if even else f"guessing costs {self.guess:.4g}"

    def would_tell(self, losses: Array) -> bool:
        """Whether the losses (epochs, steps) of several epochs hold anything to be said; if not, they are taken in."""
        if "explodes" not in self._told and bool((losses > self.limit).any()):
            return True
        before, steps, means = (self._still, self._told.copy()), losses.shape[1], losses.mean(axis=1)
        asked = self.first_check is not None and self.first_check <= steps  # within an epoch, too
        if not asked and not (self.guess and (means >= NO_BETTER * self.guess).any()):
            means = means[-1:]  # nothing stands still anywhere: the last epoch says so for all
        for epoch, loss in zip(losses[-len(means) :], means.tolist(), strict=True):
            if (asked and self._would_sit(epoch)) or self.stands_still(loss, steps):
                self._still, self._told = before
                return True
        return False

    def _would_sit(self, epoch: Array) -> bool:
        """Whether any check within an epoch of these losses would have something to say."""
        check = self.next_check(0)
        while check is not None and check <= len(epoch):
            if self.sits(epoch[:check]):
                return True
            check = self.next_check(check)
        return False

    def tell(self, kind: str) -> None:
        """A warning was given; it is not repeated while it lasts."""
        self._told.add(kind)

    def forget(self) -> None:
        """Training went back: what was told may be told again."""
        self._told.clear()
        self._still = Still()

    def _like_guessing(self, loss: float) -> bool:
        """Whether an epoch with this loss is no better than an answer that does not depend on the inputs."""
        if not self.guess:
            return False
        worst = max(self.guess, math.log(self.classes) if self.classes else 0.0)
        return NO_BETTER * self.guess <= loss <= ALIKE * worst


def guessing(loss: Loss, targets: Array, weights: Array | None, width: int) -> float | None:
    """The loss of the best answer that does not depend on the inputs, a row; None where there is no formula for it.

    Cross-entropies: the entropy of the classes' shares, ln K where they are equal. Squared error: the variance of the targets.
    Named outputs: the sum of all.
    """
    if isinstance(loss, NamedLoss):
        parts = {
            name: guessing(loss.parts[name].loss, part, weights, loss.parts[name].shape[-1])
            for name, part in loss.targets_of(targets).items()
        }
        return None if None in parts.values() else float(loss.total(parts))
    if targets.dtype.kind in "iu":
        if targets.ndim == 2:  # labels of steps
            weights = None if weights is None else np.broadcast_to(weights[:, None], targets.shape)[targets >= 0]
            targets = targets[targets >= 0]
        counts = np.bincount(targets, weights, minlength=max(width, 2)).astype(np.float64)
        mean = counts / counts.sum()
        mean = mean[1:2] if width == 1 else mean
        variance = mean * (1 - mean)
    else:
        mean = np.average(targets.astype(np.float64), axis=0, weights=weights)
        variance = np.average(np.square(targets - mean), axis=0, weights=weights)
    if isinstance(loss, SquaredError):
        total = float(variance.sum()) * (0.5 if loss.half else 1.0)
        return total / len(variance) if loss.outputs == "mean" else total
    if isinstance(loss, CrossEntropy | CrossEntropyProbabilities):
        return _entropy(mean)
    if isinstance(loss, BinaryCrossEntropy):
        return _entropy(mean) + _entropy(1 - mean)
    return None


def _classes_of(loss: Loss, targets: Array, width: int) -> int:
    """The number K of classes whose even chances cost ln K; 0 for other losses."""
    if isinstance(loss, BinaryCrossEntropy) and width == 1:
        return 2
    return width if isinstance(loss, CrossEntropy | CrossEntropyProbabilities) else 0


def _falls(losses: Array) -> bool:
    """Whether the straight line through the losses falls by more than the standard error of its slope, and not just by a hair."""
    steps = np.arange(len(losses)) - (len(losses) - 1) / 2
    spread = float(np.sum(np.square(steps)))
    slope = float(steps @ losses) / spread
    scatter = losses - losses.mean() - slope * steps
    error = math.sqrt(float(np.sum(np.square(scatter))) / (len(losses) - 2) / spread)
    return -slope >= FALLING * error and -slope * len(losses) >= LEAST_FALL * float(losses.mean())


def _entropy(shares: Array) -> float:
    return float(-np.sum(shares * np.log(np.where(shares > 0, shares, 1.0))))
