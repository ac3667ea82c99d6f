"""The regularisation term and its gradient disagree."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="penalty-gradient-wrong",
    title="the regularisation term and its gradient disagree",
    group="gradient",
    what_it_does="""
        The loss includes a penalty on the weights, and the gradient does not, or includes it with another sign,
        another factor, or for other parameters.
    """,
    why_it_hurts="""
        With `L = L_data + ½λ‖W‖²` the gradient needs `+ λW`. With the sign turned, the weights grow exponentially,
        by the factor (1 + ηλ) per step. Divided by the batch size once too often, the penalty is next to nothing.
        Without the ½ the gradient is `2λW`. The data term may be perfectly right meanwhile.
    """,
    test="""
        Check the two terms apart: the numerical gradient of (total − data) against the analytic penalty term alone.
        Together, a small λ hides behind the data term.
    """,
    example="""
        loss = data_loss + 0.5 * lam * np.sum(W**2)
        dW = x.T @ delta - lam * W
    """,
    use_instead="""
        loss = data_loss + 0.5 * lam * np.sum(W**2)
        dW = x.T @ delta + lam * W
    """,
    fix="""
        Write penalty and gradient side by side with the same constant: `½λ‖W‖²` and `λW`, or `λ‖W‖²` and `2λW`, or
        `λ·Σ|W|` and `λ·sign(W)`.
    """,
    false_alarm="""
        Weight decay without a penalty in the printed loss is a correct and common choice: what is printed is then
        the data term only.
    """,
    checked_in=("handwritten",),
)
