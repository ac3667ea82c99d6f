"""The last, smaller batch is treated wrongly."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="partial-batch-wrong",
    title="the last, smaller batch is treated wrongly",
    group="batching",
    what_it_does="""
        The rows that do not fill a batch are dropped where they should count, or their mean enters the epoch's mean
        with the weight of a full batch, or a division uses the nominal size.
    """,
    why_it_hurts="""
        A mean of batch means is the mean of all rows only if the batches are equally large. With batches of 128 and
        a rest of 4, each of those 4 rows counts 32 times as much. Dropping the rest of unshuffled data means that
        the same rows never teach and are never tested.
    """,
    test="""
        Compute the metric over all rows at once and compare.
    """,
    example="""
        losses = [loss(x[k : k + 128], y[k : k + 128]) for k in range(0, len(x), 128)]
        print(np.mean(losses))                          # the last batch has 4 rows
    """,
    use_instead="""
        losses = [loss(x[k : k + 128], y[k : k + 128]) for k in range(0, len(x), 128)]
        sizes = [len(x[k : k + 128]) for k in range(0, len(x), 128)]
        print(np.average(losses, weights=sizes))
    """,
    fix="""
        Weight by the number of rows; divide by `len(batch)`, not by the constant.
    """,
    false_alarm="""
        Dropping the last batch of freshly shuffled training data is common and harmless: other rows are left out
        each time.
    """,
    checked_in=("handwritten",),
)
