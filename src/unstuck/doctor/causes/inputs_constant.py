"""The inputs are constant or repeated."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="inputs-constant",
    title="the inputs are constant or repeated",
    group="data",
    what_it_does="""
        Every row, or almost every row, is the same: a loader that reads the first file again and again, an array of
        zeros that was never filled, a feature column without variation.
    """,
    why_it_hurts="""
        What does not vary cannot explain anything. The best the network can do is to answer the mean of the targets
        or the share of each class, and that is where the loss settles.
    """,
    test="""
        Count distinct rows against all rows; look for features of variance 0. A share of distinct rows near 0 in
        continuous data is a loader's fault.
    """,
    example="""
        data = np.zeros((len(paths), 784))
        for path in paths:
            image = load(path)                          # read, and never stored
    """,
    use_instead="""
        data = np.zeros((len(paths), 784))
        for row, path in enumerate(paths):
            data[row] = load(path)
    """,
    fix="""
        Print the first rows with their labels, and look at pictures of a few, before training anything.
    """,
    false_alarm="""
        Border pixels that are always 0, and genuine repeats in data with few possible values, are harmless.
    """,
)
