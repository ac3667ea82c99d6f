"""The likely cause of trouble in a training, read from the figures of the flight recorder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# From here on a share of dead or saturated units, or the change of a weight by one step, counts as the cause.
MOST_UNITS, LARGE_STEP = 0.8, 0.05
# Below these a step is too short to be seen, and a gradient has vanished on its way to the first layer.
SMALL_STEP, VANISHED = 1e-5, 1e-3


@dataclass(frozen=True)
class Likely:
    """A cause by its name for ``unstuck explain``, the figures that speak for it, and what to try.

    ``by_rate`` says that a lower rate from an earlier state is a way out.
    """

    cause: str
    why: str
    advice: str
    by_rate: bool = False


def blown_up(figures: Mapping[str, Any], rate: float, usual: Mapping[str, float], place: str = "") -> Likely:
    """Why a loss explodes or is not finite; ``place`` is the operation in which it is so first, where that is known.

    ``usual`` is the norm that each parameter has at a usual size, for those that begin at zero.
    """
    gradients = _norms(figures, "gradient")
    steepest = max(gradients, key=lambda name: gradients[name], default="")
    if steepest.endswith("recurrent") and gradients[steepest] > 10 * _norms(figures, "value").get(steepest, 0.0):
        return Likely(
            "exploding-gradient",
            f"the gradient grows from step to step of the sequence: that of {steepest} has the norm {gradients[steepest]:.3g}",
            "clip_norm=1.0",
            by_rate=True,
        )
    changes = _changes(figures, usual)
    largest = max(changes, key=lambda name: changes[name], default="")
    modest = not largest or changes[largest] < LARGE_STEP
    if modest and place.startswith("the log "):
        return Likely("log-of-zero", "a logarithm is taken of 0 or less", "a look at what goes into it")
    if modest and " in gradient of " in place:
        return Likely(
            "undefined-derivative", "a derivative is infinite at one of the values", "a look at what goes into it"
        )
    shown = f": one step changes {largest} by {_share(changes[largest])}" if largest else ""
    if modest and steepest:
        shown = f" (the gradient of {steepest} has the norm {gradients[steepest]:.3g})"
    return Likely(
        "lr-too-high",
        f"the learning rate {rate:g} is too high{shown}",
        f"{rate / 10:g}, scaled inputs, or clip_norm=1.0",
        by_rate=True,
    )


def stuck(figures: Mapping[str, Any], rate: float, usual: Mapping[str, float]) -> Likely:
    """Why a loss stands still; see :func:`blown_up`."""
    for word, cause, shown, advice in (
        ("dead", "dead-relu", "are zero for every row", f"a rate of {rate / 10:g}, or nn.LeakyReLU()"),
        (
            "saturated",
            "saturated-units",
            "lie where the activation is flat",
            f"scaled inputs, or a rate of {rate / 10:g}",
        ),
    ):
        shares = _norms(figures, word)
        worst = max(shares, key=lambda name: shares[name], default="")
        if worst and shares[worst] >= MOST_UNITS:
            return Likely(cause, f"{100 * shares[worst]:.0f} % of the units of {worst} {shown}", advice, by_rate=True)
    changes, gradients = _changes(figures, usual), _norms(figures, "gradient")
    weights = [name for name in changes if name in gradients]
    largest = max(weights, key=lambda name: changes[name], default="")
    if largest and changes[largest] >= LARGE_STEP:
        why = f"the learning rate {rate:g} is too high: one step changes {largest} by {_share(changes[largest])}"
        return Likely("lr-too-high", why, f"{rate / 10:g}", by_rate=True)
    if largest and changes[largest] < SMALL_STEP:
        why = f"the learning rate {rate:g} is too low: no step changes a weight by more than {_share(changes[largest])}"
        return Likely("lr-too-low", why, f"{rate * 10:g}")
    if len(weights) > 1 and gradients[weights[0]] < VANISHED * gradients[weights[-1]]:
        first, last = weights[0], weights[-1]
        why = f"the gradient fades on its way back: {gradients[last]:.3g} in {last}, {gradients[first]:.3g} in {first}"
        return Likely("vanishing-gradient", why, "ReLU, normalisation, or fewer layers")
    return Likely(
        "plateau",
        f"a rate of {rate:g} that is too low, or inputs that do not say the answer; inside the steps nothing looks wrong",
        f"{rate * 10:g}, and see whether rows and targets belong together",
    )


def _norms(figures: Mapping[str, Any], word: str) -> dict[str, float]:
    """The figures of one kind, by what they were measured on."""
    found = {name[len(word) + 1 :]: v for name, v in figures.items() if name.startswith(word + " ") and v is not None}
    return {name: float(value) for name, value in found.items() if not math.isnan(value)}


def _changes(figures: Mapping[str, Any], usual: Mapping[str, float]) -> dict[str, float]:
    """The length of one update of each weight beside the weight's own, or its usual one where it is still smaller."""
    values, updates = _norms(figures, "value"), _norms(figures, "update")
    return {
        name: updates[name] / max(values.get(name, 0.0), size)
        for name, size in usual.items()
        if updates.get(name, 0) > 0
    }


def _share(ratio: float) -> str:
    """A ratio as people read it: 3.1 times its size, 12 % of its size."""
    return f"{ratio:.3g} times its size" if ratio >= 1 else f"{100 * ratio:.2g} % of its size"
