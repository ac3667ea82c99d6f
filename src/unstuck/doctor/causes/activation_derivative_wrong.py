"""The derivative belongs to another activation."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="activation-derivative-wrong",
    title="the derivative belongs to another activation",
    group="gradient",
    what_it_does="""
        Forward and backward disagree about the function: sigmoid's `a(1−a)` behind a tanh, `1 − a` for tanh's `1 −
        a²`, a ReLU mask taken from the gradient instead of from z, a leaky slope of 0.01 forward and 0 (or 0.1)
        backward.
    """,
    why_it_hurts="""
        The factor is wrong unit by unit, in a way that depends on the state of each unit. Behind tanh, `a(1−a)` is
        negative for every a < 0: half of the units are pushed the wrong way. A ReLU mask made from the incoming
        gradient lets error through dead units and blocks it in live ones at random. A wrong leaky slope is the
        quiet form: the network reaches full training accuracy and is merely slower than it could be.

            sigmoid  a(1−a)      tanh  1−a²      ReLU  [z>0]      leaky ReLU  1 or α
            softplus  σ(z)       ELU  1 or a+α   GELU  Φ(z)+z·ϕ(z)
    """,
    test="""
        Divide the true delta (by central differences) by the error arriving from above: this is φ′ as the forward
        pass has it. Compare it with the factor the program used against the derivative of each known activation,
        away from kinks.
    """,
    example="""
        h = np.tanh(x @ W1 + b1)
        ...
        dh = (d @ W2.T) * h * (1 - h)           # that is the sigmoid's derivative
    """,
    use_instead="""
        h = np.tanh(x @ W1 + b1)
        ...
        dh = (d @ W2.T) * (1 - h**2)
    """,
    fix="""
        Put each activation and its derivative next to each other, as one pair, and check the pair once against
        `(φ(z+h) − φ(z−h)) / 2h`.
    """,
    false_alarm="""
        At z = 0 exactly a ReLU may use 0, ½ or 1: any of them is a subgradient. Hard or piecewise approximations
        used on purpose (straight-through estimators) are not this fault, but then the gradient check cannot pass
        and should be skipped there.
    """,
    checked_in=("handwritten",),
)
