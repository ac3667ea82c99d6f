"""The number of outputs does not match the number of classes."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="output-size-wrong",
    title="the number of outputs does not match the number of classes",
    group="architecture",
    what_it_does="""
        The last layer has more or fewer units than there are classes.
    """,
    why_it_hurts="""
        Too few: an index error, or classes that can never be answered. Too many: the surplus units only have to be
        pushed down, which is quickly learnt; but the labels may start at 1 and leave unit 0 unused, and the first
        loss is ln of the wrong number.
    """,
    test="""
        Units against the number of distinct labels and the largest label.
    """,
    example="""
        W_out = rng.normal(0, 0.1, (64, 9))             # digits 0 .. 9
    """,
    use_instead="""
        W_out = rng.normal(0, 0.1, (64, 10))
    """,
    fix="""
        Derive it from the data: `labels.max() + 1`, with labels from 0.
    """,
    false_alarm="""
        Room for classes to come, or a vocabulary rounded up to a multiple of 64 for speed.
    """,
)
