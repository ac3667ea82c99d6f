"""The derivative of the softmax is missing or wrong."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="softmax-jacobian-wrong",
    title="the derivative of the softmax is missing or wrong",
    group="gradient",
    what_it_does="""
        A loss other than cross-entropy sits on a softmax, and the delta `p − y` (or an elementwise `p(1−p)`) is
        used all the same. Softmax outputs depend on all logits of their row, so its derivative is a matrix, not a
        factor per unit.
    """,
    why_it_hurts="""
        For p = softmax(z)

            ∂p_i/∂z_j = p_i (δ_ij − p_j),   so   δ_z = p ⊙ (g − Σ_j g_j p_j),   g = ∂L/∂p.

        Only for cross-entropy does this collapse to `p − y`. The elementwise `p(1−p)` keeps the diagonal of the
        Jacobian and drops the competition between classes: raising one probability no longer lowers the others.
        What is descended is then no loss at all.
    """,
    test="""
        Compare the output delta with the central difference with respect to the logits. Each row of the right one
        sums to 0, because adding a constant to all logits changes nothing: rows that do not sum to 0 betray the
        missing terms.
    """,
    example="""
        p = softmax(z)
        g = 2 * (p - y) / len(x)        # squared error on probabilities
        dz = g * p * (1 - p)            # the diagonal of the Jacobian only
    """,
    use_instead="""
        p = softmax(z)
        g = 2 * (p - y) / len(x)
        dz = p * (g - (g * p).sum(axis=1, keepdims=True))
    """,
    fix="""
        Use cross-entropy with softmax and `p - y`; or, if the squared error is wanted, the full product above.
    """,
    false_alarm="""
        `p − y` is exactly right under cross-entropy, and `p(1−p)` is right for independent sigmoids.
    """,
    checked_in=("handwritten",),
)
