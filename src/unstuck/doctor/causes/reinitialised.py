"""Weights are drawn anew, or every layer from the same seed."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="reinitialised",
    title="weights are drawn anew, or every layer from the same seed",
    group="initialisation",
    what_it_does="""
        The initialisation sits inside the epoch loop and throws away what was learnt; or each layer restarts the
        generator with the same seed, so that layers of equal shape are copies of each other.
    """,
    why_it_hurts="""
        In the first case the loss jumps back to its first value at every epoch, and only the last one counts. In
        the second, equal random numbers in different layers make units and layers correlated: symmetric features,
        less variety than the size promises.
    """,
    test="""
        A checksum of the parameters at the end of one epoch and the start of the next; correlations between the
        weights of layers, which should be about 0.
    """,
    example="""
        for epoch in range(50):
            W1, W2 = make_weights()                     # every epoch from scratch
            for x, y in batches:
                step(W1, W2, x, y)
    """,
    use_instead="""
        W1, W2 = make_weights()
        for epoch in range(50):
            for x, y in batches:
                step(W1, W2, x, y)
    """,
    fix="""
        One generator for all layers, made once: `rng = np.random.default_rng(0)`.
    """,
    false_alarm="""
        New weights per fold of a cross-validation, or per restart, are intended.
    """,
)
