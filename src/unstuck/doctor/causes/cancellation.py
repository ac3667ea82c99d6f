"""Digits cancel in a difference of large numbers."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="cancellation",
    title="digits cancel in a difference of large numbers",
    group="numerics",
    what_it_does="""
        Two nearly equal numbers are subtracted: a variance as mean(x²) − mean(x)², log(1+x) for tiny x, 1 −
        sigmoid.
    """,
    why_it_hurts="""
        For values around 10⁴ with spread 0.1, x² is 10⁸ and float32 keeps 7 digits: the difference 0.01 is lost in
        a rounding error of about 10. The variance may even be negative, its root NaN.
    """,
    test="""
        The same expression in float64: a relative difference far above 10⁻⁷.
    """,
    example="""
        variance = np.mean(x**2) - np.mean(x) ** 2
    """,
    use_instead="""
        variance = np.mean((x - np.mean(x)) ** 2)
    """,
    fix="""
        Subtract first, square afterwards; `np.log1p`, `np.expm1`, `logaddexp`; accumulate in float64.
    """,
    false_alarm="""
        With centred data both forms agree.
    """,
)
