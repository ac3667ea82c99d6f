"""The update changes a copy, not the parameters."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="update-not-applied",
    title="the update changes a copy, not the parameters",
    group="optimiser",
    what_it_does="""
        The new value is bound to a local name, a loop variable or a copy, and the network keeps the old array.
    """,
    why_it_hurts="""
        In Python `W = W − ηg` makes a new array and moves the name W to it. If W was a loop variable, a function's
        argument or an element taken from a list, nobody else sees the change. The loss does not move at all.
    """,
    test="""
        The parameters' checksum after the step equals the one before, while an array with the new values did exist.
        Compare identities (`id`) on both sides.
    """,
    example="""
        for W, g in zip(weights, gradients):
            W = W - lr * g                              # rebinds the loop variable
    """,
    use_instead="""
        for W, g in zip(weights, gradients):
            W -= lr * g                                 # changes the array in place
    """,
    fix="""
        Change in place (`-=`, `W[...] = …`) or assign back: `weights[i] = weights[i] - lr * g`.
    """,
    false_alarm="""
        Functional code returns the new parameters and the caller keeps them: right, as long as the caller does.
    """,
    checked_in=("handwritten",),
)
