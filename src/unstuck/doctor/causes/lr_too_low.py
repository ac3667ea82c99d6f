"""The learning rate is too low."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="lr-too-low",
    title="the learning rate is too low",
    group="optimiser",
    what_it_does="""
        The steps are so short that nothing much happens in the time given.
    """,
    why_it_hurts="""
        After t steps at rate η, directions of curvature below about 1/(ηt) are still where they started. The loss
        falls smoothly, slowly and steadily: it looks like convergence to a bad value, or like a plateau.
    """,
    test="""
        The same seed with higher rates: the best is more than three times yours and clearly better. The update is
        less than about 10⁻⁵ of the weights per step.
    """,
    example="""
        train(network, x, y, lr=1e-5, epochs=50)
    """,
    use_instead="""
        train(network, x, y, lr=1e-1, epochs=50)
    """,
    fix="""
        Multiply by ten until the loss starts to swing, then step back by three.
    """,
    false_alarm="""
        Small rates are right for fine-tuning and at the end of a schedule. That another rate would be a little
        better is no fault.
    """,
    checked_in=("handwritten",),
)
