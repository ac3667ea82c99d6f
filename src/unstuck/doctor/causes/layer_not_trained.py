"""A layer never changes."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="layer-not-trained",
    title="a layer never changes",
    group="gradient",
    what_it_does="""
        One layer's parameters are the same after training as before, although their true gradient is not zero.
        Either the gradient is not computed or propagated (a loop over the layers that stops one short), or it is
        computed and the update leaves it out. In frameworks: frozen parameters, a gradient with respect to the
        wrong argument, results that are not assigned.
    """,
    why_it_hurts="""
        A network with a frozen hidden layer is a random-feature model: its last layer fits whatever those features
        allow and no more. For squared error that limit is the least-squares fit on the frozen features, and the
        loss stops there exactly. On easy data this passes for success.
    """,
    test="""
        Compare each parameter before and after some steps: `‖Δθ‖ = 0` while the numerical gradient is clearly above
        zero. A gradient that is truly zero (dead units, saturation) is another cause.
    """,
    example="""
        for i in range(len(weights) - 1, 0, -1):        # ends at 1: weights[0] is never touched
            weights[i] -= lr * gradients[i]
    """,
    use_instead="""
        for i in range(len(weights) - 1, -1, -1):
            weights[i] -= lr * gradients[i]
    """,
    fix="""
        Run the loop over every layer, and assert once after the first step that every parameter moved.
    """,
    false_alarm="""
        Fine-tuning with a frozen body, random-feature models and extreme learning machines keep layers fixed on
        purpose.
    """,
    checked_in=("handwritten",),
)
