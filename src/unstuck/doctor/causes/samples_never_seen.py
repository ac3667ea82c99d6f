"""Most samples are never used."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="samples-never-seen",
    title="most samples are never used",
    group="batching",
    what_it_does="""
        The loop over the data touches only a few of the rows: slices that advance by 1 instead of by the batch
        size, an iterator that starts again at each step, a forgotten epoch loop, an index that never moves.
    """,
    why_it_hurts="""
        `data[k:k+size] for k in range(len(data)//size)` looks right and cuts overlapping windows: with 60,000 rows
        and size 125 they cover rows 0 to 603. The network sees 1 % of the data, hundreds of times each. Training
        loss falls nicely on those rows; on all others the network guesses.
    """,
    test="""
        Mark which rows take part in an epoch: distinct rows seen against rows there are.
    """,
    example="""
        batches = [data[k : k + size] for k in range(len(data) // size)]
    """,
    use_instead="""
        batches = [data[k : k + size] for k in range(0, len(data), size)]
    """,
    fix="""
        Step the range by the batch size, `range(0, len(data), size)`, and print the number of distinct rows once.
    """,
    false_alarm="""
        Drawing rows with replacement leaves out about 37 % of them in one pass (1/e) and others in the next: fine.
        Holding rows out for validation is intended.
    """,
    checked_in=("handwritten",),
)
