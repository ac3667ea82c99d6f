"""The batch is too small for this learning rate."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="batch-too-small",
    title="the batch is too small for this learning rate",
    group="batching",
    what_it_does="""
        Gradients of single samples, or of very few, point in directions so different that the mean direction
        drowns.
    """,
    why_it_hurts="""
        The variance of a batch gradient is tr(Σ)/B. When the noise scale `tr(Σ)/‖g‖²` is far above B, most of each
        step is noise; at a fixed rate the parameters then wander around the minimum at a distance that grows with
        η/B, and the loss does not go below it.
    """,
    test="""
        Estimate the noise scale from several batch gradients; the counter-experiment with four times the batch, or
        a quarter of the rate, must lower the final loss.
    """,
    example="""
        for i in rng.permutation(len(x)):
            step(x[i : i + 1], y[i : i + 1], lr=0.5)
    """,
    use_instead="""
        for k in range(0, len(x), 32):
            rows = order[k : k + 32]
            step(x[rows], y[rows], lr=0.5)
    """,
    fix="""
        A larger batch, a smaller rate, or a rate that decays.
    """,
    false_alarm="""
        Single-sample training with a small rate works well and often generalises better.
    """,
    references=("McCandlish, Kaplan, Amodei and others, An empirical model of large-batch training, 2018",),
)
