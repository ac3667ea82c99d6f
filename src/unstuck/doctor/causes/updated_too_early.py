"""Weights are updated while the backward pass still needs them."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="updated-too-early",
    title="weights are updated while the backward pass still needs them",
    group="gradient",
    what_it_does="""
        A layer's weights are changed as soon as their gradient is known, and the delta of the layer below is then
        computed with the new weights instead of those of the forward pass.
    """,
    why_it_hurts="""
        The chain rule evaluates every factor at the same point. With `W₂ − η·g₂` in place of W₂, the delta below is
        off by `η·δ g₂ᵀ`: a small error that grows with the learning rate. It vanishes as η → 0, so a check with a
        tiny rate passes, and training with the rate you want is a little worse than it should be, or unstable.
    """,
    test="""
        Compute the gradient at the same parameters with the rate set to 0 and with the usual rate: the gradient of
        the lower layers must not depend on the rate. The relative error of the check is proportional to η.
    """,
    example="""
        W2 -= lr * a1.T @ d2
        d1 = (d2 @ W2.T) * a1 * (1 - a1)        # W2 is no longer what the forward pass used
        W1 -= lr * x.T @ d1
    """,
    use_instead="""
        d1 = (d2 @ W2.T) * a1 * (1 - a1)
        W2 -= lr * a1.T @ d2
        W1 -= lr * x.T @ d1
    """,
    fix="""
        Two passes: first all gradients, then all updates.
    """,
    false_alarm="""
        Updating layer by layer is fine when the delta below was computed before the update. Block-coordinate
        methods (train one layer, run forward again, train the next) also do it on purpose.
    """,
    checked_in=("handwritten",),
)
