"""The gradient has the wrong scale."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="gradient-scale-wrong",
    title="the gradient has the wrong scale",
    group="gradient",
    what_it_does="""
        The direction is right and the length is not: a sum over the batch where the loss is a mean, a division by
        the batch size done twice, a forgotten factor 2 of the squared error, or one layer scaled differently from
        the rest.
    """,
    why_it_hurts="""
        A constant factor c on all gradients is a learning rate of c·η. With a sum over 128 samples the step is 128
        times longer than the rate says, and it changes whenever the batch size does; divided twice, it is 128 times
        shorter and the curve looks flat. A factor on one layer only is worse: no single rate suits the network any
        more.
    """,
    test="""
        The quotient of numerical and own gradient is the same number for every element: B, 1/B, 2 or ½. Repeat with
        another batch size: if the number follows it, the batch is what was counted wrongly. Equal in all tensors it
        is the loss, in one tensor it is that layer.
    """,
    example="""
        d2 = (p - y) / len(x)           # the mean is taken here
        dW2 = a1.T @ d2 / len(x)        # and once more here
    """,
    use_instead="""
        d2 = (p - y) / len(x)
        dW2 = a1.T @ d2
    """,
    fix="""
        Divide exactly once, best where the output delta is made, so that every layer inherits it.
    """,
    false_alarm="""
        A gradient that is summed, with a rate chosen for the sum, trains perfectly well. So does `½·(a−y)²` without
        its factor. It is a fault only where the step that results is too long or too short, where layers disagree,
        or where the printed loss claims something else.
    """,
    checked_in=("handwritten",),
)
