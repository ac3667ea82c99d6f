"""Softmax normalises over the wrong axis."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="softmax-axis-wrong",
    title="softmax normalises over the wrong axis",
    group="activations",
    what_it_does="""
        The exponentials are divided by their sum over the batch instead of over the classes.
    """,
    why_it_hurts="""
        With samples in rows, the classes are axis 1. Summed over axis 0, each class is shared out among the
        samples: with 64 samples and 10 classes a row sums to about 10/64 = 0.16 instead of 1, the first
        cross-entropy is about ln 64 = 4.16 instead of ln 10 = 2.30, and `p − y` is not the gradient any more. Every
        sample competes with its batch mates. At prediction time with one sample all outputs are 1.
    """,
    test="""
        Each sample's outputs must sum to 1; here each class's do. The loss at the start is ln N instead of ln K.
    """,
    example="""
        def softmax(z):                                 # z is (N, K)
            e = np.exp(z - z.max(axis=0))
            return e / e.sum(axis=0)
    """,
    use_instead="""
        def softmax(z):
            e = np.exp(z - z.max(axis=1, keepdims=True))
            return e / e.sum(axis=1, keepdims=True)
    """,
    fix="""
        Sum over the axis of the classes and keep it (`axis=-1, keepdims=True`), so that the division works row by
        row. The same axis for the maximum.
    """,
    false_alarm="""
        With samples in columns, (K, N), axis 0 is the right one. A 1-D input has only axis 0. A maximum over
        another axis than the sum only costs numerical safety.
    """,
    checked_in=("handwritten",),
)
