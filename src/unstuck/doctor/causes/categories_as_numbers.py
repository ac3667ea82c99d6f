"""Categories are fed in as if they were quantities."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="categories-as-numbers",
    title="categories are fed in as if they were quantities",
    group="data",
    what_it_does="""
        A code for a category (postcode, colour 0, 1, 2, product number) enters as one number.
    """,
    why_it_hurts="""
        The network takes order and distance at their word: category 3 lies between 2 and 4 and is three times 1. To
        treat single codes differently it needs steep steps along that axis, which small networks do not learn; the
        loss stays on a plateau that a one-hot encoding leaves at once.
    """,
    test="""
        A column of few distinct whole numbers whose one-hot version gives a simple probe a clear gain.
    """,
    example="""
        x = np.column_stack([age, income, region_code])         # region 0 .. 15
    """,
    use_instead="""
        x = np.column_stack([age, income, np.eye(16)[region_code]])
    """,
    fix="""
        One-hot for up to some dozens of values, an embedding for more.
    """,
    false_alarm="""
        Ordered grades (small, medium, large) and counts are quantities; leave them as numbers.
    """,
)
