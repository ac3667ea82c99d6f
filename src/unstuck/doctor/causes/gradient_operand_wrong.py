"""A weight gradient is built from the wrong activation."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="gradient-operand-wrong",
    title="a weight gradient is built from the wrong activation",
    group="gradient",
    what_it_does="""
        The gradient of a weight matrix is the outer product of what went into the layer and the delta that comes
        out: `∂L/∂W_l = a_{l−1}ᵀ δ_l`. Here another array stands in for `a_{l−1}`: the raw input, the layer's own
        output, its pre-activation, or the value of another time or batch.
    """,
    why_it_hurts="""
        A weight changes in proportion to its input. With the wrong input each column of the gradient points
        somewhere else: for a_l instead of a_{l−1} a unit learns from its own output. Because sizes often agree (two
        hidden layers of 16), the shapes do not object; because the delta is right, the bias still learns, and the
        loss falls a little.
    """,
    test="""
        The bias gradient of the layer passes (its delta is right) and the weight gradient fails. The true gradient
        lies in the span of the rows of `a_{l−1}`; replacing the operand by every recorded array of fitting shape
        finds the right one when the relative error falls under 1e-6.
    """,
    example="""
        z1 = x @ W1 + b1
        a1 = sigmoid(z1)
        z2 = a1 @ W2 + b2
        ...
        dW2 = z1.T @ d2                 # the pre-activation went in nowhere
    """,
    use_instead="""
        z1 = x @ W1 + b1
        a1 = sigmoid(z1)
        z2 = a1 @ W2 + b2
        ...
        dW2 = a1.T @ d2
    """,
    fix="""
        Store the input of each layer when the forward pass makes it, and use that stored array.
    """,
    false_alarm="""
        With a column of ones joined to the activations the operand is wider by one, and the bias gradient is part
        of the product: right, not wrong.
    """,
    checked_in=("handwritten",),
)
