"""Too few steps, because the batch is too large."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="batch-too-large",
    title="too few steps, because the batch is too large",
    group="batching",
    what_it_does="""
        Each epoch makes only a handful of updates: batches of thousands, or the whole data set at once, with a rate
        meant for small batches.
    """,
    why_it_hurts="""
        Beyond the noise scale, a larger batch no longer improves the direction: twice the work buys the same step.
        With N rows and batch B there are N/B steps per epoch; a full batch at a rate of 0.01 needs as many epochs
        as a small one needs steps.
    """,
    test="""
        The number of steps times the rate; the counter-experiment with a smaller batch and the same number of
        epochs reaches a clearly lower loss.
    """,
    example="""
        for epoch in range(20):
            step(x, y, lr=0.01)                         # 20 updates in all
    """,
    use_instead="""
        for epoch in range(20):
            order = rng.permutation(len(x))
            for k in range(0, len(x), 64):
                step(x[order[k : k + 64]], y[order[k : k + 64]], lr=0.01)
    """,
    fix="""
        A smaller batch, or a rate raised along with the batch, or more epochs.
    """,
    false_alarm="""
        Full-batch training of a small problem with enough iterations is right and easiest to debug.
    """,
)
