"""A fault in a gradient explained with the program's own numbers: what the loss does, what the program says it "
"does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .compare import Comparison, ParameterVerdict
from .examine import Examination
from .nudge import Derivatives, Objective
from .records import Array
from .repair import Mended, climbs
from .understand import Parameter

_CHAIN = (
    "δ_l = (δ_{l+1} W_{l+1}ᵀ) ⊙ φ′(z_l): the error goes back through the weights that the forward pass "
    "used, then times the slope of the activation"
)
_PRODUCT = (
    "∂L/∂W_l = a_{l-1}ᵀ δ_l: the input of the layer times the error of the layer, summed over the rows of the batch"
)
_STEP = (
    "W ← W − η ∂L/∂W: one step goes down, with the gradients of one forward pass, all taken before any weight changes"
)
_AGREE = 1e-4  # relative difference up to which two slopes are shown as one
_RULES = {
    "output-delta-wrong": "δ_L = ∂L/∂z_L: with softmax and cross-entropy (or sigmoid and binary cross-entropy) "
        "it is p − t; with squared error it is (o − t) ⊙ φ′(z)",
    "softmax-jacobian-wrong": "∂p_i/∂z_j = p_i ([i = j] − p_j): every output depends on every logit, and with "
        "cross-entropy all of it shrinks to p − t",
    "activation-derivative-missing": _CHAIN,
    "activation-derivative-misplaced": _CHAIN,
    "activation-derivative-wrong": _CHAIN + " (sigmoid: a (1 − a); tanh: 1 − a²; ReLU: 1 where z > 0)",
    "backprop-weights-wrong": _CHAIN,
    "gradient-operand-wrong": _PRODUCT,
    "product-or-axis-wrong": _PRODUCT,
    "samples-dropped": _PRODUCT,
    "wrong-variable": _PRODUCT + "; " + _CHAIN,
    "bias-gradient-wrong": "∂L/∂b_l = Σ δ_l over the rows of the batch: a bias is a weight whose input is always 1",
    "updated-too-early": _STEP,
    "buffer-overwritten": _STEP,
    "gradient-overwritten": "∂L/∂W is the sum over every path and every row: each adds to it, none replaces it",
    "gradient-not-reset": "each step uses the gradient of its own batch: what the steps before have added up is "
        "set to zero first",
    "update-ascends": _STEP,
    "optimizer-formula-wrong": "momentum: v ← μ v − η g, W ← W + v; Adam: m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − "
        "β₂ᵗ), W ← W − η m̂ / (√v̂ + ε)",
    "layer-not-trained": _STEP,
    "update-not-applied": _STEP,
    "gradient-scale-wrong": _PRODUCT,
    "bptt-broken": "δ_t = (∂L_t/∂h_t + δ_{t+1} W_hhᵀ) ⊙ φ′(z_t): each moment gets the error of its own output "
        "and that of the next moment",
    "time-index-wrong": "∂L/∂W_hh = Σ_t h_{t−1}ᵀ δ_t: the state of the moment before, times the error of this one",
}  # fmt: skip


@dataclass(frozen=True)
class Slope:
    """The change of the loss per unit along one direction in one parameter, as measured and as the program has it.

    ``true`` is a central difference of the running program with the bound ``error`` of its rounding; ``before`` and ``after``
    are the update along the direction, over minus the rate of the right parameters (``after``: of the mended copy).
    """

    parameter: str
    objective: Objective
    true: float
    error: float
    before: float
    after: float | None

    @property
    def ratio(self) -> float:
        """The program's slope over the true one."""
        return self.before / self.true


def mathematics(current: Examination, mended: Mended, cause: str) -> str | None:
    """The rule that a gradient fault breaks, and the worst wrong slope before and after; None if neither can "
    "be told."""
    lines = []
    if cause in _RULES:
        lines.append(f"What holds: {_RULES[cause]}.")
    slope = worst_slope(current, mended)
    if slope is not None:
        lines += _told(slope)
    lines += _where(current)
    if slope is not None and slope.after is not None:
        lines.append(f"After the fix the program's gradient says {slope.after:.6g}, the loss {slope.true:.6g}.")
    elif slope is not None and (pair := _own_slope(mended.examination, slope.parameter)) is not None:
        said, true = pair  # (the fix acted on steps before this one, so the mended copy stands at other weights)
        lines.append(
            "After the fix, at the weights that the mended copy has in this step, the program's gradient along such a "
            f"direction says {said:.6g}, the loss {true:.6g}."
        )
    return "\n\n".join(lines) if lines else None


def worst_slope(current: Examination, mended: Mended) -> Slope | None:
    """The direction in which the program's gradient is farthest from the derivative of what it descends."""
    reference = _reference(current, mended.examination)
    if reference is None:
        return None
    best, derivatives = reference
    if not np.isfinite(best.factor) or best.factor == 0.0:
        return None
    after = {p.path: p for p in mended.examination.known.parameters}
    repaired = mended.examination.best
    found: list[tuple[float, Slope]] = []
    wrong = _wrong(current)
    sense = -1.0 if best.factor > 0 and not climbs(current) else 1.0  # a number that the program means to raise
    for i, parameter in enumerate(current.known.parameters):
        if wrong and parameter.path not in wrong:
            continue
        for j, direction in enumerate(derivatives.directions[i]):
            true, error = sense * float(best.objective.derivative[i, j]), float(best.objective.floor[i, j])
            if abs(true) <= 50 * error:
                continue
            before = float(parameter.update @ direction) / -abs(best.factor)
            later = _later(parameter, after.get(parameter.path), direction, repaired)
            slope = Slope(parameter.text, best.objective, true, error, before, later)
            apart = abs(before - true) / max(abs(before), abs(true))
            if apart > _AGREE:
                found.append((apart, slope))
    return max(found, key=lambda pair: pair[0], default=(0.0, None))[1]


def _own_slope(examination: Examination, parameter: str) -> tuple[float, float] | None:
    """What the program and the loss say along the first direction in a parameter, at the examination's own weights."""
    best = examination.best
    if best is None or not best.clean or not np.isfinite(best.factor) or best.factor == 0.0:
        return None
    sense = -1.0 if best.factor > 0 and not climbs(examination) else 1.0
    for i, known in enumerate(examination.known.parameters):
        if known.text == parameter:
            said = float(known.update @ examination.derivatives.directions[i][0]) / -abs(best.factor)
            return said, sense * float(best.objective.derivative[i, 0])
    return None


def _reference(current: Examination, mended: Examination) -> tuple[Comparison, Derivatives] | None:
    """What to measure by: the loss that the right parameters agree with; if none is right, that of the mended "
    "copy."""
    best = current.best
    if current.state in ("wrong", "right") and best is not None and np.isfinite(best.factor):
        return best, current.derivatives
    same = [p.path for p in current.known.parameters] == [p.path for p in mended.known.parameters] and all(
        np.array_equal(a.before, b.before)
        for a, b in zip(current.known.parameters, mended.known.parameters, strict=True)
    )
    return (mended.best, mended.derivatives) if same and mended.best is not None and mended.best.clean else None


def _later(parameter: Parameter, repaired: Parameter | None, direction: Array, best: Comparison | None) -> float | None:
    if repaired is None or best is None or not np.isfinite(best.factor) or best.factor == 0.0:
        return None
    if not np.array_equal(parameter.before, repaired.before):
        return None
    return float(repaired.update @ direction) / -abs(best.factor)


def _wrong(current: Examination) -> dict[str, ParameterVerdict]:
    if current.best is None or current.state not in ("wrong", "right"):
        return {}
    return {v.path: v for v in current.best.verdicts if v.status in ("wrong", "scaled")}


def _told(slope: Slope) -> list[str]:
    lines = [
        f"Along one direction v in {slope.parameter}, {_name(slope.objective)} changes by {slope.true:.6g} ± "
        f"{slope.error:.0e} per "
        "unit: half the difference of two forward passes of this program, a small step of v ahead and behind, "
        "over its length.",
        f"The program's gradient, read from what the step adds, says {slope.before:.6g}",
    ]
    if slope.before == 0.0:
        lines[-1] += ": this parameter does not move along v at all."
    else:
        lines[-1] += f", {slope.ratio:.4g} times as much." + (
            " The sign is wrong: the step climbs." if slope.ratio < 0 else ""
        )
    return lines


def _name(objective: Objective) -> str:
    if objective.kind == "own":
        return "the number that this program descends"
    if objective.kind == "loss":
        half = "half the squared error" if objective.name == "squared error" else f"the loss ({objective.name})"
        return half + " summed over the rows"
    return "the sum of what is descended"


def _where(current: Examination) -> list[str]:
    wrong = _wrong(current)
    if not wrong or current.best is None:
        return []
    right = [v.path.split(": ")[-1] for v in current.best.verdicts if v.status == "right"]
    names = ", ".join(path.split(": ")[-1] for path in wrong)
    if not right:
        return [f"No parameter is right ({names}): the error enters where the loss is differentiated."]
    return [
        f"The gradient of {', '.join(right)} is right, that of {names} is not: the error enters on the way to {names}."
    ]
