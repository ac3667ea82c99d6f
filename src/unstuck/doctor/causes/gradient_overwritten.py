"""One use of a shared value overwrites the gradient of another."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="gradient-overwritten",
    title="one use of a shared value overwrites the gradient of another",
    group="gradient",
    what_it_does="""
        A value that is used several times receives a gradient from each use, and these must be added. Here a plain
        assignment keeps only the last one. The hidden form is NumPy's `dE[index] += g`, which adds only once where
        an index occurs twice.
    """,
    why_it_hurts="""
        If v goes into f and g, then `∂L/∂v = ∂L/∂f·∂f/∂v + ∂L/∂g·∂g/∂v`. Keeping one term drops a part of the loss
        from the gradient: a skip connection without its short way, tied weights trained by one of their places, a
        frequent word that learns as if it occurred once per batch.
    """,
    test="""
        Take a value that is used k times and separate its uses: the gradient must be the sum of all k. For an index
        update, compare a batch with repeated indices with the same rows one by one.
    """,
    example="""
        dE = np.zeros_like(E)
        dE[tokens] += d                         # repeated tokens are added once only
    """,
    use_instead="""
        dE = np.zeros_like(E)
        np.add.at(dE, tokens, d)                # every occurrence counts
    """,
    fix="""
        Start at zero and use `+=` for every use; `np.add.at` or `np.bincount` for repeated indices.
    """,
    false_alarm="""
        A value that is used once needs no sum; plain assignment is right there.
    """,
    checked_in=("handwritten",),
)
