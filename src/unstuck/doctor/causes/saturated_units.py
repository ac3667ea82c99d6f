"""Sigmoid or tanh units are saturated."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="saturated-units",
    title="sigmoid or tanh units are saturated",
    group="activations",
    what_it_does="""
        Most activations sit at the ends of their range, so the derivative is nearly 0 everywhere.
    """,
    why_it_hurts="""
        At a = 0.99 a sigmoid's φ′ is 0.0099, at z = 10 it is 5·10⁻⁵. Errors do not pass such a unit, and its own
        weights move at that speed. The network is on a plateau that looks like convergence.
    """,
    test="""
        The share of units beyond 97 % of the range (healthy: under 5 %), at the start and later; the same seed with
        scaled inputs or weights.
    """,
    example="""
        a1 = sigmoid(images @ W1 + b1)                  # pixels 0 .. 255: a1 is 0 or 1
    """,
    use_instead="""
        a1 = sigmoid((images / 255.0) @ W1 + b1)
    """,
    fix="""
        Find what makes |z| large: inputs, initial weights or the rate, in this order. Scale it.
    """,
    false_alarm="""
        Output units should saturate on well-learnt classes. Gates of recurrent cells often sit at 0 or 1 rightly.
    """,
    checked_in=("handwritten",),
)
