"""Units are dead from the start."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="dead-at-start",
    title="units are dead from the start",
    group="initialisation",
    what_it_does="""
        ReLU layers begin with negative biases or with weights that make z negative for every row.
    """,
    why_it_hurts="""
        A ReLU with z < 0 for all data outputs 0 and has gradient 0: no step will ever move its weights. What is
        dead at the start stays so.
    """,
    test="""
        The share of units with no positive z over the whole training set, before the first step. With centred
        weights and zero bias it should be about 0.
    """,
    example="""
        b1 = np.full(100, -10.0)
        h = np.maximum(x @ W1 + b1, 0)                  # z is about N(0, 1) - 10
    """,
    use_instead="""
        b1 = np.zeros(100)
        h = np.maximum(x @ W1 + b1, 0)
    """,
    fix="""
        Biases 0 (or slightly positive), centred weights, standardised inputs.
    """,
    false_alarm="""
        Sparse codes use negative biases on purpose, small enough that every unit still fires for some rows.
    """,
)
