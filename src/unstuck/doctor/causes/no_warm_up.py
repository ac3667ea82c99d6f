"""The first steps are too long for a fresh network."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="no-warm-up",
    title="the first steps are too long for a fresh network",
    group="optimiser",
    what_it_does="""
        Training starts at full rate where the beginning is fragile: Adam with large batches, deep networks,
        attention.
    """,
    why_it_hurts="""
        At the start the curvature is highest and Adam's estimates of the second moment rest on a few gradients, so
        its steps all have length η whatever the noise. Some hundred such steps can push the network into a region
        from which it recovers slowly or never.
    """,
    test="""
        A spike of the loss in the first hundreds of steps that a linear warm-up removes, at the same final rate.
    """,
    example="""
        for t, (x, y) in enumerate(batches):
            step(x, y, lr=3e-3)
    """,
    use_instead="""
        for t, (x, y) in enumerate(batches):
            step(x, y, lr=3e-3 * min(1.0, (t + 1) / 500))
    """,
    fix="""
        Raise the rate linearly over the first 1 to 5 % of the steps.
    """,
    false_alarm="""
        Small and medium networks do not need it.
    """,
    references=("Goyal and others, Accurate, large minibatch SGD: training ImageNet in 1 hour, 2017",),
)
