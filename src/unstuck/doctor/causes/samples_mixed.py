"""Samples influence each other inside the model."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="samples-mixed",
    title="samples influence each other inside the model",
    group="batching",
    what_it_does="""
        An operation crosses the batch axis: a reshape that moves values between rows, a softmax or mean over axis
        0, attention over the batch instead of over time.
    """,
    why_it_hurts="""
        The output for one example then depends on who else is in the batch. In training the network can even read
        the answer off its neighbours; with other batch mates, or alone, the prediction changes.
    """,
    test="""
        Change one row of the input and look which rows of the output move; or the derivative of output i with
        respect to input j, for i ≠ j. It must be 0.
    """,
    example="""
        h = (x @ W1 + b1).reshape(hidden, -1).T         # (N, hidden) re-read as columns
    """,
    use_instead="""
        h = x @ W1 + b1                                 # (N, hidden)
    """,
    fix="""
        Keep the batch on axis 0 throughout, and name the axis in every sum, mean and softmax.
    """,
    false_alarm="""
        Batch normalisation in training mode, and contrastive losses, mix samples by design.
    """,
)
