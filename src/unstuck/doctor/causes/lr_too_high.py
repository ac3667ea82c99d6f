"""The learning rate is too high."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="lr-too-high",
    title="the learning rate is too high",
    group="optimiser",
    what_it_does="""
        The steps are longer than the region in which the gradient is a good guide.
    """,
    why_it_hurts="""
        Along a direction with curvature λ plain gradient descent multiplies the distance from the minimum by (1 −
        ηλ) at each step: above η = 2/λ it grows. The loss swings, rises, or becomes NaN within a few steps;
        sigmoids are driven into saturation and ReLU units die, after which the curve is flat and looks harmless.
    """,
    test="""
        The same seed with rates from a hundredth to a hundred times yours: the best is less than a third of yours
        and clearly better. A single step at η/100 descends, one at η does not.
    """,
    example="""
        lr = 5.0
        for epoch in range(100):
            W -= lr * gradient(W)
    """,
    use_instead="""
        lr = 0.1
        for epoch in range(100):
            W -= lr * gradient(W)
    """,
    fix="""
        Divide by ten until the loss falls smoothly, then by three; warm-up or clipping if only the start is wild.
    """,
    false_alarm="""
        A high rate with a large final accuracy is right, however rough the curve. With a summed gradient the useful
        rate is B times smaller: that is gradient-scale-wrong.
    """,
    checked_in=("handwritten",),
)
