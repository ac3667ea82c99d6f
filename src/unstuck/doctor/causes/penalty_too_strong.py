"""The weight penalty is too strong."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="penalty-too-strong",
    title="the weight penalty is too strong",
    group="regularisation",
    what_it_does="""
        The regularisation outweighs the data: λ is so large that small weights are worth more than right answers.
    """,
    why_it_hurts="""
        Weight decay pulls each weight towards 0 by ηλθ per step; in directions where the data's curvature is below
        λ the data lose. The weights shrink, outputs become uniform, training loss stops high, for both training and
        test rows.
    """,
    test="""
        The penalty's share of the loss (above 90 %); the same seed with λ = 0 must reach a much lower training
        loss.
    """,
    example="""
        loss = cross_entropy(p, y) + 10.0 * sum(np.sum(W**2) for W in weights)
    """,
    use_instead="""
        loss = cross_entropy(p, y) + 1e-4 * sum(np.sum(W**2) for W in weights)
    """,
    fix="""
        Start with 0, then 1e-5 to 1e-3; look at held-out rows.
    """,
    false_alarm="""
        Strong penalties are right for few noisy rows. Note whether the penalty is divided by the number of rows:
        that changes λ by this factor.
    """,
    checked_in=("handwritten",),
)
