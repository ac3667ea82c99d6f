"""The printed loss is not the one that is trained."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="printed-loss-not-trained-loss",
    title="the printed loss is not the one that is trained",
    group="loss",
    what_it_does="""
        The number on the screen is another function than the one whose gradient is taken: absolute instead of
        squared error, the mean signed error (which may be 0 for wrong answers), last batch only, before an update
        that goes elsewhere, or the loss of other outputs.
    """,
    why_it_hurts="""
        The curve contradicts the progress: it rises while the network improves, or falls while nothing is learnt.
        Decisions about the rate and about stopping are then made from a number that has no duty to fall.
    """,
    test="""
        Recompute both from the same outputs. The printed number is not the antiderivative of the delta: their
        directional derivatives differ.
    """,
    example="""
        error = y - output
        print("error", np.mean(error))                  # plus and minus cancel
        delta = -error * output * (1 - output)
    """,
    use_instead="""
        error = y - output
        print("error", np.mean(error**2))
        delta = -error * output * (1 - output)
    """,
    fix="""
        Print the loss whose gradient is used, over the same rows.
    """,
    false_alarm="""
        A metric (accuracy, absolute error) may be printed beside or instead of the loss; a constant factor (½, 1/B)
        changes the number and not its meaning.
    """,
    checked_in=("handwritten",),
)
