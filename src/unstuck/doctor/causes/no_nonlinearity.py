"""There is no non-linearity between the layers."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="no-nonlinearity",
    title="there is no non-linearity between the layers",
    group="activations",
    what_it_does="""
        Linear layers follow each other without an activation, or the activation is computed and its result not
        used.
    """,
    why_it_hurts="""
        `(x W₁ + b₁) W₂ + b₂ = x (W₁W₂) + (b₁W₂ + b₂)`: any number of linear layers is one linear layer. XOR stays
        at loss ln 2, curves stay lines.
    """,
    test="""
        The output is affine: f(x) + f(y) − f(x+y) − f(0) = 0 for any inputs, to rounding. With batch normalisation,
        test in evaluation mode.
    """,
    example="""
        network = nn.Sequential(nn.Linear(2, 64), nn.Linear(64, 64), nn.Linear(64, 1))
    """,
    use_instead="""
        network = nn.Sequential(
            nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)
        )
    """,
    fix="""
        An activation after every hidden layer.
    """,
    false_alarm="""
        Linear networks are an object of study; a low-rank factorisation of one layer is deliberate.
    """,
)
