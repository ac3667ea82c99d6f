"""The loss does not fit the task."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="loss-task-mismatch",
    title="the loss does not fit the task",
    group="loss",
    what_it_does="""
        Squared error for choosing a class, or a cross-entropy for predicting a quantity.
    """,
    why_it_hurts="""
        Squared error on a sigmoid or softmax has the factor φ′ in its gradient: a confident and wrong answer (a =
        0.001, y = 1) receives a push of 0.002 where cross-entropy gives 1. A cross-entropy with targets of 17.3 has
        no minimum that means anything.
    """,
    test="""
        The kind of target (few distinct whole numbers or a continuum) beside the loss; the counter-experiment with
        the fitting loss, same seed.
    """,
    example="""
        p = softmax(z)
        loss = np.mean((p - y) ** 2)                    # classes
    """,
    use_instead="""
        p = softmax(z)
        loss = -np.mean(np.sum(y * np.log(p + 1e-12), axis=1))
    """,
    fix="""
        Classes: cross-entropy. Quantities: squared or absolute error. Counts: Poisson. Order: ranking losses.
    """,
    false_alarm="""
        Squared error on sigmoid outputs trains digits well, only more slowly; it is what many courses teach first.
        Without a clear gain from the other loss it is no fault.
    """,
)
