"""A stored activation is overwritten before it is used."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="buffer-overwritten",
    title="a stored activation is overwritten before it is used",
    group="gradient",
    what_it_does="""
        The forward pass keeps an array for the backward pass and then changes that same array in place (`a *= …`,
        `np.maximum(z, 0, out=z)`, a buffer that every layer or batch shares). The backward pass reads the changed
        values.
    """,
    why_it_hurts="""
        Arrays are passed by reference: keeping `z` and then writing into it keeps the new content. The derivative
        is then evaluated at a value that never took part in the forward pass. Often only some elements differ, so
        the loss still falls; with a shared buffer all layers see the values of the last one.
    """,
    test="""
        Take a checksum of every cached array when it is stored and again when it is read. Different: somebody wrote
        into it. The gradient check then depends on the order in which things are called.
    """,
    example="""
        a1 = np.tanh(x @ W1 + b1)
        cache = a1                              # the same array, not a copy
        a1 -= a1.mean(axis=0)                   # changes the cached values too
        ...
        d = d - d.mean(axis=0)
        dz1 = d * (1 - cache**2)                # tanh' wants the values before the shift
    """,
    use_instead="""
        a1 = np.tanh(x @ W1 + b1)
        cache = a1
        a1 = a1 - a1.mean(axis=0)               # a new array; the cached one stays
        ...
        d = d - d.mean(axis=0)
        dz1 = d * (1 - cache**2)
    """,
    fix="""
        Make a new array instead of writing into the old (`z = z - m`), or store a copy.
    """,
    false_alarm="""
        In-place work on arrays that nobody reads again saves memory and is right.
    """,
    checked_in=("handwritten",),
)
