"""Batch normalisation works with wrong statistics."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="batch-norm-statistics",
    title="batch normalisation works with wrong statistics",
    group="regularisation",
    what_it_does="""
        Batches are so small that their mean and variance are noise, the running averages have not caught up, or
        their momentum means the opposite of what was intended (0.99 in one library is 0.01 in another).
    """,
    why_it_hurts="""
        Training normalises by the batch, evaluation by running averages. With two rows per batch a unit's
        normalised values are always +1 and −1; evaluation then sees values that never occurred. With momentum too
        slow the averages still contain their starting values 0 and 1.
    """,
    test="""
        Running statistics beside those of the whole training set; outputs in training and in evaluation mode on the
        same large batch.
    """,
    example="""
        layer = nn.BatchNorm1d(64, momentum=0.99)       # in PyTorch: weight of the newest batch
        loader = DataLoader(data, batch_size=2)
    """,
    use_instead="""
        layer = nn.BatchNorm1d(64, momentum=0.1)
        loader = DataLoader(data, batch_size=64)
    """,
    fix="""
        Batches of 16 or more, or layer or group normalisation; recompute the statistics with one pass over the
        training rows.
    """,
    false_alarm="""
        A difference that shrinks over the first epochs is the averages catching up.
    """,
)
