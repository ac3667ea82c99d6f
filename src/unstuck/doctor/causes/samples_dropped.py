"""Part of the batch does not reach the gradient."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="samples-dropped",
    title="part of the batch does not reach the gradient",
    group="gradient",
    what_it_does="""
        The gradient should add up all samples of the batch, but some are left out: a loop that overwrites instead
        of adding keeps only the last one, a slice loses the final row, an index picks row 0.
    """,
    why_it_hurts="""
        The step then follows a batch of one, with all its noise, although the cost of B samples was paid, and
        samples at the dropped positions may never teach anything. Divided by B all the same, the step is also about
        B times too short. Nothing looks wrong in the curve except that it is rough and slow.
    """,
    test="""
        Leave one sample out at a time: the gradient must change for each of them. Permuting the rows of the batch
        must not change it at all.
    """,
    example="""
        for i in range(len(x) - 1):             # the last row is never visited
            d = (p[i] - y[i])[None, :]
            dW = a[i][:, None] @ d              # and each pass replaces the one before
    """,
    use_instead="""
        for i in range(len(x)):
            d = (p[i] - y[i])[None, :]
            dW += a[i][:, None] @ d
    """,
    fix="""
        Start from zeros and add, over the whole range; or replace the loop by the product `a.T @ d`, which cannot
        forget a row.
    """,
    false_alarm="""
        Leaving out samples on purpose (hard-example mining, masking of padding, a last incomplete batch of shuffled
        data) is a choice; it should be visible as one.
    """,
    checked_in=("handwritten",),
)
