"""The network has no bias where it needs one."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="bias-missing",
    title="the network has no bias where it needs one",
    group="architecture",
    what_it_does="""
        Layers compute `x W` only, so that an input of 0 always gives 0 (or ½ after a sigmoid).
    """,
    why_it_hurts="""
        Without biases every plane of decision passes through the origin. "Are they equal?" on {0, 1} wants 1 for
        (0, 0), and tanh units without bias answer 0 there whatever the weights; a regression of data with mean 20
        has no way to say 20.
    """,
    test="""
        The mean residual is not 0 after training; the output for an input of zeros; the same seed with biases.
    """,
    example="""
        h = np.tanh(x @ W1)
        output = h @ W2
    """,
    use_instead="""
        h = np.tanh(x @ W1 + b1)
        output = h @ W2 + b2
    """,
    fix="""
        Add them, starting at 0; or a constant column of ones to the inputs of each layer.
    """,
    false_alarm="""
        Before a normalisation a bias is useless. Centred inputs and targets need little of it, and in wide layers
        other units can stand in.
    """,
)
