"""The metric does not measure what it says."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="metric-wrong",
    title="the metric does not measure what it says",
    group="evaluation",
    what_it_does="""
        The number reported is computed wrongly: argmax over the wrong axis, classes shifted by one, a threshold of
        0.5 applied to logits, accuracy of a regression, a mean of batch means, values of the previous epoch.
    """,
    why_it_hurts="""
        The network may be fine and look broken, or the reverse. `argmax(axis=0)` compares K numbers with N labels;
        logits need the threshold 0 because σ(0) = 0.5; a mean over batches of unequal size is not the mean over
        rows; exact equality of real numbers is never true.
    """,
    test="""
        Recompute the metric from raw outputs under every convention (axis, threshold, shift by one). A confusion
        matrix whose best permutation of classes scores far above the diagonal shows a shift or a mapping.
    """,
    example="""
        correct = np.argmax(p, axis=0) == np.argmax(y, axis=0)      # over samples
        accuracy = np.mean(logits > 0.5)
    """,
    use_instead="""
        correct = np.argmax(p, axis=1) == np.argmax(y, axis=1)      # over classes
        accuracy = np.mean((logits > 0) == (labels == 1))
    """,
    fix="""
        Compute it from all outputs at once with a known-good function and compare once.
    """,
    false_alarm="""
        A metric that disagrees with the loss is not wrong for that: see loss-not-metric.
    """,
    checked_in=("handwritten",),
)
