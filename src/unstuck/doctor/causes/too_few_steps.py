"""Training stops while the loss is still falling."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="too-few-steps",
    title="training stops while the loss is still falling",
    group="stopping",
    what_it_does="""
        The number of epochs or iterations is too small for this network and rate.
    """,
    why_it_hurts="""
        The loss at the end still falls by more than a percent or so per epoch. What is judged as "the network's
        accuracy" is where the clock stopped.
    """,
    test="""
        The slope of the loss at the end; four times the epochs, same seed, reaches a clearly better metric.
    """,
    example="""
        train(network, x, y, lr=0.1, epochs=5)
    """,
    use_instead="""
        train(network, x, y, lr=0.1, epochs=100)
    """,
    fix="""
        Train until the held-out loss no longer improves. If that takes too long, a higher rate or a better scale of
        the inputs saves more than patience.
    """,
    false_alarm="""
        Some points from many more epochs are always to be had; only a clear gain is a fault.
    """,
    checked_in=("handwritten",),
)
