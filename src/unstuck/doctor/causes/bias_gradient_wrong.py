"""The gradient of a bias is wrong."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="bias-gradient-wrong",
    title="the gradient of a bias is wrong",
    group="gradient",
    what_it_does="""
        The bias of a layer does not receive the sum of its delta over the batch: the gradient is missing, taken
        from the first sample only, averaged while the weights are summed, summed over the wrong axis into one
        number, or never used.
    """,
    why_it_hurts="""
        A bias is a weight whose input is always 1, hence `∂L/∂b = Σ_n δ_n`, with exactly the scaling of `∂L/∂W`. If
        it is wrong, the thresholds of the units drift or stand still. The weights compensate most of it, which is
        why networks with this fault often reach full training accuracy: no curve shows it, only a check per
        parameter does.
    """,
    test="""
        The check per parameter: every W passes, b fails. Compare b's own gradient with `δ.sum(axis=0)`, with its
        mean, with its first row and with 0.
    """,
    example="""
        dW1 = x.T @ d1 / len(x)
        db1 = d1.mean()                 # one number for all units
        b1 -= lr * db1
    """,
    use_instead="""
        dW1 = x.T @ d1 / len(x)
        db1 = d1.mean(axis=0)           # one number per unit
        b1 -= lr * db1
    """,
    fix="""
        Sum the delta over the samples, one value per unit, with the same division as the weights.
    """,
    false_alarm="""
        A layer directly before a batch normalisation needs no bias: its true gradient is 0. A bias folded into the
        weight matrix as an extra row has no array of its own.
    """,
    checked_in=("handwritten",),
)
