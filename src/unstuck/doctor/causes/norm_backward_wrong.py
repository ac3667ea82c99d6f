"""The backward pass of a normalisation treats mean and variance as constants."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="norm-backward-wrong",
    title="the backward pass of a normalisation treats mean and variance as constants",
    group="gradient",
    what_it_does="""
        Batch or layer normalisation is differentiated as if it were a fixed scaling: `dx = dy·γ/σ`. But mean and
        variance are made from the same x, and the gradient must flow through them too.
    """,
    why_it_hurts="""
        With x̂ = (x − μ)/σ over m values

            ∂L/∂x = (1/σ) · ( g − mean(g) − x̂ · mean(g ⊙ x̂) ),    g = γ ⊙ ∂L/∂y.

        The two missing terms remove exactly those directions to which the normalised output is blind: a common
        shift and a common stretch. Without them the weights before the layer drift along these directions and grow,
        and training becomes unstable at rates that should be harmless.
    """,
    test="""
        γ and β pass the gradient check, everything below the layer fails. The right dx sums to 0 over the
        normalised axis and is orthogonal to x̂; the wrong one does neither.
    """,
    example="""
        x_hat = (x - mean) / std
        ...
        dx = gamma * dy / std
    """,
    use_instead="""
        x_hat = (x - mean) / std
        ...
        g = gamma * dy
        dx = (g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0)) / std
    """,
    fix="""
        Use the full formula, with means over the same axis that the forward pass normalises.
    """,
    false_alarm="""
        In evaluation mode, or with frozen statistics, mean and variance are constants and `γ/σ` is the whole
        derivative.
    """,
    checked_in=("handwritten",),
    references=("Ioffe and Szegedy, Batch Normalization, 2015, section 3",),
)
