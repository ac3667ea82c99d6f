"""The small constant is too large or too small."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="epsilon-wrong",
    title="the small constant is too large or too small",
    group="numerics",
    what_it_does="""
        The ε that guards a division or a root is of the wrong size for the numbers it meets.
    """,
    why_it_hurts="""
        Too large, it takes part: 10⁻³ beside a variance of 10⁻⁶ turns a normalisation into multiplication by a
        constant, and in Adam an ε above √v makes it plain gradient descent with rate η/ε. Too small, it is lost: 1
        + 10⁻⁸ is 1 in float32.
    """,
    test="""
        ε beside the typical size of what it is added to, on real data.
    """,
    example="""
        x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-3)    # x of size 1e-3
    """,
    use_instead="""
        x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-8)
    """,
    fix="""
        About 10⁻⁵ to 10⁻³ of the usual value, and representable in the type.
    """,
    false_alarm="""
        A large ε in Adam (10⁻³ … 1) is a known remedy in some noisy problems.
    """,
)
