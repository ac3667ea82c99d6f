"""All initial weights are positive."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="init-all-positive",
    title="all initial weights are positive",
    group="initialisation",
    what_it_does="""
        Weights come from `rand()`, uniform between 0 and 1, instead of being centred at 0.
    """,
    why_it_hurts="""
        A sum of n positive inputs times positive weights does not average out: it is about `n·mean(x)/2` for every
        unit. With 784 pixels of mean 0.13 this is about 51: each sigmoid is 1.000…, φ′ is 0, all units say the same
        for every input, and layers below get no gradient. With ReLU the outputs are huge and nearly proportional to
        each other.
    """,
    test="""
        mean(W)/std(W) of each layer: 1.73 for `rand`, about 0 for centred weights. The same seed with `W − 0.5`,
        suitably scaled.
    """,
    example="""
        W1 = np.random.rand(784, 30)
    """,
    use_instead="""
        W1 = np.random.randn(784, 30) / np.sqrt(784)
    """,
    fix="""
        Draw around 0 with spread 1/√n; `rand() − 0.5` alone is still too wide for many inputs.
    """,
    false_alarm="""
        For two or three inputs of small size positive weights work. Non-negative networks are restricted on
        purpose.
    """,
    checked_in=("handwritten",),
)
