"""The units of a layer start out equal."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="init-symmetric",
    title="the units of a layer start out equal",
    group="initialisation",
    what_it_does="""
        All weights of a layer start with the same value, usually 0, so that its units are copies of each other.
    """,
    why_it_hurts="""
        Units with equal incoming and outgoing weights compute the same, receive the same gradient and stay equal
        for ever: a layer of 100 is a layer of one. With all weights 0 and tanh or ReLU nothing moves at all: the
        hidden activations are 0, so the gradient of the next weights is 0, and those weights are 0, so no error
        comes back. Only the last bias learns: the loss stays at ln K.
    """,
    test="""
        Identical columns of W and of its gradient; the rank of the layer's weights before and after some steps.
    """,
    example="""
        W1 = np.zeros((784, 100))
        W2 = np.zeros((100, 10))
    """,
    use_instead="""
        W1 = rng.normal(0, 784**-0.5, (784, 100))
        W2 = rng.normal(0, 100**-0.5, (100, 10))
    """,
    fix="""
        Random weights, zero biases.
    """,
    false_alarm="""
        A single layer (softmax or logistic regression) may start at zero, the problem is convex. So may the last
        layer, or the last one of each residual branch, as long as the layers below are random.
    """,
    checked_in=("handwritten",),
)
