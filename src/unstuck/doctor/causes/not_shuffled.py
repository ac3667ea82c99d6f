"""Ordered data are never shuffled."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="not-shuffled",
    title="ordered data are never shuffled",
    group="batching",
    what_it_does="""
        The rows are sorted by class, time or source, and the batches are cut in that order, the same in every
        epoch. Also: `validation_split` takes the last rows of a sorted file.
    """,
    why_it_hurts="""
        A batch of one class has one message: answer this class. The output bias follows, then the next class undoes
        it; the loss is a saw-tooth with the period of an epoch, and what is evaluated at its end knows the last
        class best. A mean gradient over mixed rows would have cancelled most of this motion.
    """,
    test="""
        The number of classes per batch against what chance gives; then the counter-experiment: shuffled, same seed.
        Without a clear gain it is no fault.
    """,
    example="""
        for epoch in range(20):
            for k in range(0, len(x), 32):              # x is sorted by class
                step(x[k : k + 32], y[k : k + 32])
    """,
    use_instead="""
        for epoch in range(20):
            order = rng.permutation(len(x))
            for k in range(0, len(x), 32):
                rows = order[k : k + 32]
                step(x[rows], y[rows])
    """,
    fix="""
        A new permutation of the row numbers in every epoch, for x and y together.
    """,
    false_alarm="""
        Data that lie in random order already need no shuffling, and full-batch training none at all. Sequences for
        a recurrent network with carried state must stay in order.
    """,
    checked_in=("handwritten",),
)
