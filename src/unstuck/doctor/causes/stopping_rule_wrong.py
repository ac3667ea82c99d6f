"""The rule that ends training does not do what it should."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="stopping-rule-wrong",
    title="the rule that ends training does not do what it should",
    group="stopping",
    what_it_does="""
        A threshold that is met at once or never, a comparison in the wrong direction, a criterion on a single noisy
        batch, a difference of losses that is small because the rate is.
    """,
    why_it_hurts="""
        `while error > 0.01` may run for ever where the noise of the data allows 0.02 at best, and `abs(loss −
        previous) < 1e-4` ends the run on the first plateau or in the first flat step. On a batch of 8 the threshold
        is met by luck.
    """,
    test="""
        Replay the rule on a recorded curve that runs on: where does it stop, and what is lost there?
    """,
    example="""
        while abs(loss - previous) > 1e-4:              # a slow start looks like the end
            previous, loss = loss, step(x, y)
    """,
    use_instead="""
        best, waited = np.inf, 0
        for epoch in range(10_000):
            loss = step(x, y)
            best, waited = (loss, 0) if loss < 0.999 * best else (best, waited + 1)
            if waited == 50:
                break
    """,
    fix="""
        A relative improvement over a window of epochs, on held-out or whole-set values, with an upper limit on the
        number of epochs.
    """,
    false_alarm="""
        A fixed number of epochs is a perfectly good rule.
    """,
    checked_in=("handwritten",),
)
