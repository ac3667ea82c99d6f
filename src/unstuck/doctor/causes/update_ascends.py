"""The update climbs the loss instead of descending it."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="update-ascends",
    title="the update climbs the loss instead of descending it",
    group="gradient",
    what_it_does="""
        The gradient is right, but it is added to the parameters: `θ ← θ + η·g`. The same happens with a loss whose
        sign is turned, for example when a log-likelihood, which should be maximised, is fed to a step that
        minimises.
    """,
    why_it_hurts="""
        A small step along v changes the loss by `g·v`. With `v = −η·g` that is `−η·‖g‖²`, always a descent; with `v
        = +η·g` it is `+η·‖g‖²`, a climb of the same size. The outputs run into the wall that is farthest from the
        targets: sigmoid outputs all reach 1 (half squared error then stands at (K−1)/2 for K one-hot classes), a
        linear output runs to infinity and ends as NaN.
    """,
    test="""
        Take one plain step and look at `Δθ·g`, where g is the numerical gradient: it must be negative. A tiny step
        (η/100) that still raises the loss of the same batch confirms the sign and excludes a step that is merely
        too long.
    """,
    example="""
        for W, g in zip(weights, gradients):
            W += lr * g
    """,
    use_instead="""
        for W, g in zip(weights, gradients):
            W -= lr * g
    """,
    fix="""
        Subtract the gradient, or turn the sign where the gradient is made, not in both places.
    """,
    false_alarm="""
        `+=` is right when the backward pass already works with `y − p`, that is, with the negative gradient. It is
        also right for an objective that is to be maximised, such as a log-likelihood or an expected reward.
    """,
    checked_in=("handwritten",),
)
