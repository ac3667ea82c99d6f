"""The loss takes the logarithm of zero."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="log-of-zero",
    title="the loss takes the logarithm of zero",
    group="loss",
    what_it_does="""
        A probability of exactly 0 or 1 reaches `np.log`, or the clip that should prevent it is too small for the
        type (1 − 1e-12 is 1 in float32).
    """,
    why_it_hurts="""
        ln 0 = −∞, and 0·(−∞) in the term of the other class is NaN; one such sample makes the mean, the gradient
        and then all weights NaN. It happens when training goes well: sigmoid(37) is 1 in float64, sigmoid(17) in
        float32.
    """,
    test="""
        The loss of logits ±1000: finite or not. The first non-finite value and the operation that made it.
    """,
    example="""
        loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    """,
    use_instead="""
        loss = np.mean(np.logaddexp(0, z) - y * z)      # from the logits: the same number, always finite
    """,
    fix="""
        Compute from logits (logsumexp, `logaddexp`). If only probabilities are at hand, clip with 1e-7 in float32,
        1e-12 in float64.
    """,
    false_alarm="""
        If only the printed loss is affected and the gradient is `p − y`, training goes on unharmed; the display
        should still be mended.
    """,
    checked_in=("handwritten",),
)
