"""The derivative of the activation is missing from the backward pass."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="activation-derivative-missing",
    title="the derivative of the activation is missing from the backward pass",
    group="gradient",
    what_it_does="""
        An error is carried back through a layer's weights, but not through its activation: the delta lacks the
        factor `φ′(z)`.
    """,
    why_it_hurts="""
        The chain rule for a hidden layer has two factors,

            δ_l = (δ_{l+1} W_{l+1}ᵀ) ⊙ φ′(z_l).

        Without the second one every unit is treated as if it were linear. The signs stay right, because φ′ is
        positive for sigmoid, tanh and ReLU, so the loss often still falls; but saturated units, for which φ′ is
        nearly 0, are moved as strongly as responsive ones, inactive ReLU units receive gradients they have no right
        to, and with sigmoids the step is at least four times too long per layer (φ′ ≤ ¼).
    """,
    test="""
        The last layer passes the gradient check and the layers below fail; multiplying the recorded delta by φ′(z)
        of that layer makes it equal to the numerical one to 1e-6. That it still learns says nothing: of networks
        with this fault, most do.
    """,
    example="""
        d2 = (a2 - y) * a2 * (1 - a2)
        d1 = d2 @ W2.T                  # through the weights, not through the sigmoid
        dW1 = x.T @ d1
    """,
    use_instead="""
        d2 = (a2 - y) * a2 * (1 - a2)
        d1 = (d2 @ W2.T) * a1 * (1 - a1)
        dW1 = x.T @ d1
    """,
    fix="""
        Multiply by the derivative at the same place where the forward pass applied the activation: `a·(1−a)` for a
        sigmoid, `1−a²` for tanh, `(z > 0)` for ReLU.
    """,
    false_alarm="""
        Linear layers need no factor, and an output layer whose loss cancels it (sigmoid or softmax with
        cross-entropy) must not have one.
    """,
    checked_in=("handwritten",),
)
