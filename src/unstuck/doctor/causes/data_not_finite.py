"""The data hold NaN or infinity."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="data-not-finite",
    title="the data hold NaN or infinity",
    group="data",
    what_it_does="""
        At least one value of the inputs or targets is not a number: missing cells, a division by a zero spread, the
        logarithm of 0.
    """,
    why_it_hurts="""
        One NaN in a row makes the row's output NaN, the batch's loss NaN, every gradient NaN and, with the next
        update, every weight. From then on nothing recovers. It appears at the step where the batch with that row
        came up, which looks like chance.
    """,
    test="""
        `np.isfinite` over inputs and targets, by row and column: it names the cells.
    """,
    example="""
        x = (x - x.mean(axis=0)) / x.std(axis=0)        # a constant column: 0 / 0
    """,
    use_instead="""
        std = x.std(axis=0)
        x = (x - x.mean(axis=0)) / np.where(std > 0, std, 1.0)
        assert np.isfinite(x).all()
    """,
    fix="""
        Fill in, mark or drop missing values before training; guard divisions; assert once that all is finite.
    """,
    false_alarm="""
        Models that treat NaN as "missing" (boosted trees) accept it; a network does not.
    """,
)
