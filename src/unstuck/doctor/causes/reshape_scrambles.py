"""A reshape scrambles the data where a transpose was meant."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="reshape-scrambles",
    title="a reshape scrambles the data where a transpose was meant",
    group="data",
    what_it_does="""
        `reshape` (in PyTorch `view`) only re-reads the same run of numbers with other dimensions; it never moves an
        axis. Used to turn (N, C, H, W) into (N, H, W, C) or to swap rows and columns, it mixes pixels, channels or
        even samples.
    """,
    why_it_hurts="""
        Every value ends up in some place, so shapes fit and statistics stay the same. But neighbours are no longer
        neighbours: a convolution sees confetti. If samples mix, one row holds parts of several examples with one
        label. A dense network can still learn scrambled pixels, as long as they are scrambled alike; then the fault
        is silent.
    """,
    test="""
        Look at an image after the step. Number the input with `np.arange` and follow one value. Change one sample
        and see that only its row of the output changes.
    """,
    example="""
        x = images.reshape(n, 28, 28, 3)                # images are (n, 3, 28, 28)
        features = data.reshape(samples, 64)            # data are (64, samples)
    """,
    use_instead="""
        x = images.transpose(0, 2, 3, 1)                # (n, 28, 28, 3)
        features = data.T                               # (samples, 64)
    """,
    fix="""
        `transpose`, `np.moveaxis` or `permute` to reorder axes; `reshape` only to split or join neighbouring axes.
    """,
    false_alarm="""
        Flattening an image to a row, and back in the same order, is what reshape is for.
    """,
)
