"""A product or a sum runs over the wrong axis."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="product-or-axis-wrong",
    title="a product or a sum runs over the wrong axis",
    group="gradient",
    what_it_does="""
        A matrix product stands where an elementwise one belongs or the reverse, an array is transposed once too
        often, or a sum or mean is taken over samples where units were meant. Broadcasting or equal sizes hide it.
    """,
    why_it_hurts="""
        Shapes are the only type check NumPy makes, and two equal sizes switch it off: with 16 hidden units in two
        layers, `W`, `W.T` and an elementwise product all "work". The result is a well-formed array of wrong
        numbers. With a batch as large as a layer even samples and units can change places.
    """,
    test="""
        Run once with sizes that are all different (batch 7, layers 5, 4, 3): wrong products then fail or broadcast
        visibly. For a running program, try every transpose and axis on the recorded operands and keep the one that
        gives the numerical gradient to 1e-6.
    """,
    example="""
        d1 = (d2 @ W2) * a1 * (1 - a1)          # W2 is (16, 16): the missing .T goes unnoticed
        db1 = d1.sum(axis=1)                    # over units; the batch happens to be 16 as well
    """,
    use_instead="""
        d1 = (d2 @ W2.T) * a1 * (1 - a1)
        db1 = d1.sum(axis=0)
    """,
    fix="""
        Write the shape behind every product, `# (N, 16) @ (16, 10) -> (N, 10)`, and keep one convention: samples in
        rows, weights (in, out).
    """,
    false_alarm="""
        Samples in columns is as good a convention; then `W @ a` and sums over axis 1 are right.
    """,
    checked_in=("handwritten",),
)
