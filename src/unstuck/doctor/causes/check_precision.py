"""The gradient check fails for lack of precision."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="check-precision",
    title="the gradient check fails for lack of precision",
    group="numerics",
    what_it_does="""
        The gradient is right, and the check says otherwise, because it runs in float32, with an unlucky h, across a
        kink, or at a place where the gradient is 0.
    """,
    why_it_hurts="""
        A central difference has the error `h²·|f‴|/6 + ε·|f|/h`. In float64 (ε = 10⁻¹⁶) the best h is about 10⁻⁵
        and leaves 10⁻¹⁰; in float32 (ε = 10⁻⁷) the best is near 10⁻², and leaves 10⁻⁴ or worse. Where both
        derivatives are almost 0 their relative error is noise. A step across the kink of a ReLU differs rightly.
    """,
    test="""
        Repeat in float64 with h = 10⁻⁴ and compare activation masks at both ends: it passes.
    """,
    example="""
        numeric = (loss(W + 1e-7) - loss(W - 1e-7)) / 2e-7          # float32
    """,
    use_instead="""
        W = W.astype(np.float64)
        numeric = (loss(W + 1e-5 * v) - loss(W - 1e-5 * v)) / 2e-5  # one direction v, float64
    """,
    fix="""
        Check on a float64 copy, random directions, relative error, with a floor for derivatives that are truly 0.
    """,
    false_alarm="""
        An error that stays at 10⁻² in float64, and for several h, is real.
    """,
)
