"""Training and test data come from different distributions."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="train-test-shift",
    title="training and test data come from different distributions",
    group="data",
    what_it_does="""
        The test rows differ in kind: another period, device, population or lighting, or a split along a sorted
        file.
    """,
    why_it_hurts="""
        A network is fitted where the training rows are. Where test rows lie elsewhere it extrapolates, and neither
        more training nor a smaller training loss helps. Both curves look healthy, one simply stands lower.
    """,
    test="""
        Train a classifier to tell training rows from test rows; an area under the curve above 0.6, with a
        permutation test, says that they differ, and its most useful feature says where.
    """,
    example="""
        x_train, x_test = x[:8000], x[8000:]            # the file is sorted by year
    """,
    use_instead="""
        order = np.random.default_rng(0).permutation(len(x))
        x_train, x_test = x[order[:8000]], x[order[8000:]]
    """,
    fix="""
        Split at random if the future use resembles the whole; otherwise collect data like those of the use, or
        reweight.
    """,
    false_alarm="""
        A split by time or by person is the honest one when the use lies in the future or with new persons. Then the
        gap is a fact, not a fault.
    """,
)
