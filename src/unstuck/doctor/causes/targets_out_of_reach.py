"""The output cannot reach the targets."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="targets-out-of-reach",
    title="the output cannot reach the targets",
    group="data",
    what_it_does="""
        The last activation has a limited range and the targets lie outside it: a sigmoid (0 to 1) for a quantity up
        to 50, tanh for one-sided prices, ReLU for targets that are also negative.
    """,
    why_it_hurts="""
        The best an output can do is to sit at its limit. The loss then has a floor: the mean squared distance from
        the targets to the range. Getting there saturates the unit, so its gradient dies as well, and targets inside
        the range are fitted worse than they could be.

            floor = mean( max(y − hi, 0)² + max(lo − y, 0)² )
    """,
    test="""
        Minimum and maximum of y against the range of the last activation; the loss stands at the floor above; the
        share of outputs at the limit.
    """,
    example="""
        output = sigmoid(h @ W2 + b2)                   # 0 .. 1
        loss = np.mean((output - temperature) ** 2)     # -10 .. 35
    """,
    use_instead="""
        output = h @ W2 + b2                            # linear
        loss = np.mean((output - temperature) ** 2)
    """,
    fix="""
        A linear output for regression, or targets scaled into the range (and predictions scaled back).
    """,
    false_alarm="""
        Targets of exactly 0 and 1 for a sigmoid are reached in the limit only and that is fine for classification.
    """,
    checked_in=("handwritten",),
)
