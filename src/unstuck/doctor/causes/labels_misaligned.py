"""The labels do not belong to their rows."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="labels-misaligned",
    title="the labels do not belong to their rows",
    group="data",
    what_it_does="""
        Inputs and targets were brought into different orders: shuffled separately, sorted on one side, filtered on
        one side, read from files that are listed in another order, shifted by one row.
    """,
    why_it_hurts="""
        The relation between input and target is gone while everything else looks healthy: shapes, class shares, the
        gradient. A large network memorises the training rows, slowly, and is at chance on every other. A small one
        sits at the base rate: loss ln K for K equally frequent classes.
    """,
    test="""
        Fit a simple probe (nearest neighbours, a linear model) to held-out rows and compare with the same probe on
        permuted targets: no better than permuted means that the rows carry no information about these labels. If
        another order or a shift by one row makes the probe succeed, it is misalignment and not lack of signal.
    """,
    example="""
        rng.shuffle(x)
        rng.shuffle(y)                                  # another permutation
    """,
    use_instead="""
        order = rng.permutation(len(x))
        x, y = x[order], y[order]
    """,
    fix="""
        Keep x and y together: one permutation for both, one filter for both, sort files by name.
    """,
    false_alarm="""
        Some problems have no learnable relation in the first place; that is no-signal.
    """,
    checked_in=("handwritten",),
)
