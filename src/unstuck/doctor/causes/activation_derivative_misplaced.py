"""The activation's derivative is taken at the wrong value."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="activation-derivative-misplaced",
    title="the activation's derivative is taken at the wrong value",
    group="gradient",
    what_it_does="""
        The derivative function expects the pre-activation z and is given the activation a (or the other way round),
        so that the factor is φ′(φ(z)) instead of φ′(z). Often two conventions meet: one helper computes
        `σ(v)·(1−σ(v))`, another `v·(1−v)`.
    """,
    why_it_hurts="""
        For a sigmoid, φ′ depends on z between 0 and ¼. Evaluated at a, which lies between 0 and 1, `σ(a)(1−σ(a))`
        stays between 0.197 and 0.25: nearly constant. A saturated unit, whose true factor is close to 0, is driven
        almost at full strength. The other mix-up, `z·(1−z)` with a pre-activation, even becomes negative as soon as
        z < 0 or z > 1 and then turns the sign of the gradient.
    """,
    test="""
        Divide the recorded delta by the error that arrives from above; the quotient must be φ′(z), unit by unit. If
        it equals φ′(a), or `z·(1−z)`, to 1e-6, the value is the wrong one.
    """,
    example="""
        def sigmoid_prime(z):
            s = sigmoid(z)
            return s * (1 - s)


        delta = (delta @ W2.T) * sigmoid_prime(a1)      # a1 is already sigmoid(z1)
    """,
    use_instead="""
        def sigmoid_prime(z):
            s = sigmoid(z)
            return s * (1 - s)


        delta = (delta @ W2.T) * sigmoid_prime(z1)      # or a1 * (1 - a1)
    """,
    fix="""
        Keep z of every layer from the forward pass, or write the derivative in terms of a, and name the helper for
        what it expects (`sigmoid_prime_from_output`).
    """,
    false_alarm="""
        `x * (1 - x)` is right when x is the activated value. It looks like the fault and is the most common correct
        form: judge the value that goes in.
    """,
    checked_in=("handwritten",),
)
