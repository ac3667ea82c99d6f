"""A value is computed and another one is used."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="wrong-variable",
    title="a value is computed and another one is used",
    group="gradient",
    what_it_does="""
        A line computes what is needed, and the next reads something else: a stale variable of an earlier iteration,
        a global of the same name, a misspelt neighbour, the unnormalised array beside the normalised one.
    """,
    why_it_hurts="""
        Python accepts it without a word as long as the other name exists, and in a notebook nearly every name
        exists. What happens then depends on what was picked up: scaling that never takes effect, the gradient of
        the previous batch, the loss of the training data printed as validation.
    """,
    test="""
        Follow the data: a value that is computed and never read, beside a read of a similar name or shape. Using
        the computed value must make the gradient check pass or the metric rise.
    """,
    example="""
        x_scaled = (x - x.mean(axis=0)) / x.std(axis=0)
        for epoch in range(100):
            h = np.tanh(x @ W1 + b1)            # x_scaled is never read
    """,
    use_instead="""
        x_scaled = (x - x.mean(axis=0)) / x.std(axis=0)
        for epoch in range(100):
            h = np.tanh(x_scaled @ W1 + b1)
    """,
    fix="""
        Use the computed value; give the old one the new content (`x = …`) where it is not needed any more.
    """,
    false_alarm="""
        Values that are kept for a plot or for later, and unused results of a tuple, are not read either and
        harmless.
    """,
    checked_in=("handwritten",),
)
