"""An exponential overflows."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="overflow",
    title="an exponential overflows",
    group="numerics",
    what_it_does="""
        `np.exp` of a large number becomes infinite, in a softmax, a sigmoid or a loss.
    """,
    why_it_hurts="""
        exp overflows above 709 in float64 and above 88 in float32. In a softmax the quotient ∞/∞ is NaN; in
        `1/(1+exp(−z))` the result for z = −1000 is 1/∞ = 0, right but with a warning; the form `exp(z)/(1+exp(z))`
        gives NaN at z = 1000. From NaN nothing recovers.
    """,
    test="""
        Logits of ±1000 must give finite probabilities. Find the first non-finite value and its line.
    """,
    example="""
        def softmax(z):
            e = np.exp(z)
            return e / e.sum(axis=1, keepdims=True)
    """,
    use_instead="""
        def softmax(z):
            e = np.exp(z - z.max(axis=1, keepdims=True))    # the same quotient, largest exponent 0
            return e / e.sum(axis=1, keepdims=True)
    """,
    fix="""
        Subtract the maximum in softmax; use a sigmoid that is split by sign; then ask why logits grew so large.
    """,
    false_alarm="""
        A sigmoid of the form `1/(1+exp(−z))` is right in value even when it warns.
    """,
    checked_in=("handwritten",),
)
