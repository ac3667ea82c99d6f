"""Training waits on a plateau."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="plateau",
    title="training waits on a plateau",
    group="stopping",
    what_it_does="""
        The loss is flat for a long time and would fall later: near a saddle, before symmetric units part, in the
        flat start of saturated units.
    """,
    why_it_hurts="""
        On a plateau the gradient is small and not zero; the time to leave it goes like 1/η, and with squared error
        on sigmoids, or XOR from small weights, it can be thousands of steps. A constant answer is a typical one:
        for K sigmoid outputs the binary cross-entropy summed over the units stands at −ln(1/K) − (K−1)·ln(1 − 1/K),
        3.2508 for ten.
    """,
    test="""
        Go on, and go on with a higher rate or momentum from the same point: a sudden drop confirms the plateau;
        none within ten times the steps speaks for another cause. A gradient that is exactly 0 is no plateau but
        dead or symmetric units.
    """,
    example="""
        train(xor_network, x, y, lr=0.1, epochs=500)            # loss 0.25 throughout
    """,
    use_instead="""
        train(xor_network, x, y, lr=1.0, epochs=5000)           # falls after 400 to 1,500 epochs
    """,
    fix="""
        A higher rate or momentum, another initial scale, cross-entropy instead of squared error, Adam.
    """,
    false_alarm="""
        A flat curve at the level that the data allow is convergence.
    """,
    checked_in=("handwritten",),
)
