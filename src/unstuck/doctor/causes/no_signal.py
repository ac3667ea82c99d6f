"""The inputs say nothing about the targets."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="no-signal",
    title="the inputs say nothing about the targets",
    group="data",
    what_it_does="""
        The targets cannot be predicted from these inputs: random numbers as data, the wrong columns, a quantity
        that depends on something not measured.
    """,
    why_it_hurts="""
        For squared error the best prediction is then the mean, for classes the class shares; no network, rate or
        number of epochs gets below var(y) or the entropy of the labels on new data. Training loss may still fall,
        because many weights can memorise noise. It is a popular trap: random data is the first thing one writes to
        try out one's own backpropagation.
    """,
    test="""
        Cross-validated score of a known-good model (boosted trees, nearest neighbours) against the same model on
        permuted targets. No better than the 95 % quantile of the permuted scores: no signal that can be shown with
        this many rows.
    """,
    example="""
        x = rng.random((20, 7))
        y = rng.random((20, 2))                         # drawn apart from x
        train(network, x, y)
    """,
    use_instead="""
        x = rng.random((20, 7))
        y = np.stack([x.sum(axis=1), x[:, 0] * x[:, 1]], axis=1)    # something to find
        train(network, x, y)
    """,
    fix="""
        Test an implementation on data with a known relation. In a real problem, look for the features that matter,
        or for a join that went wrong.
    """,
    false_alarm="""
        Few rows with a weak relation look the same; more rows may show it. Overfitting random targets on purpose is
        a fair test of capacity and gradient.
    """,
    checked_in=("handwritten",),
)
