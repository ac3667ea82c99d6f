"""The optimiser's formula is wrong."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="optimizer-formula-wrong",
    title="the optimiser's formula is wrong",
    group="optimiser",
    what_it_does="""
        The gradient is right and the update rule is not: momentum with the sign of the gradient lost, no (1−β) in
        Adam's moments, no bias correction, ε inside instead of outside the root, squares accumulated without decay,
        a step counter set back.
    """,
    why_it_hurts="""
            m ← β₁ m + (1−β₁) g        v ← β₂ v + (1−β₂) g²
            θ ← θ − η · m/(1−β₁ᵗ) / (√(v/(1−β₂ᵗ)) + ε)

        Without the correction Adam's first step is (1−β₁)/√(1−β₂) = 3.2 times too long; with t reset at every epoch
        the steps jump at every epoch's start. `v = β v − η g` followed by `W −= v` climbs.
    """,
    test="""
        Replay the recorded gradients through the closed form: parameters must agree to rounding. Adam's first step
        has length η in every element, momentum's limit for a constant gradient is η/(1−β) times g.
    """,
    example="""
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        W -= lr * m / (np.sqrt(v) + eps)                # no bias correction
    """,
    use_instead="""
        t += 1
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        W -= lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
    """,
    fix="""
        Copy the formula line by line and test it on a quadratic against a known implementation.
    """,
    false_alarm="""
        There are several correct forms of momentum: with (1−β) or without (the rate differs by that factor), with η
        inside or outside the velocity.
    """,
    checked_in=("handwritten",),
    references=("Kingma and Ba, Adam: a method for stochastic optimization, 2015",),
)
