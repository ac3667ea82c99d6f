"""The network is too deep for how it is built."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="too-deep",
    title="the network is too deep for how it is built",
    group="architecture",
    what_it_does="""
        Many plain layers in a row, without residual connections or normalisation.
    """,
    why_it_hurts="""
        Forward and backward signal are products of as many matrices as there are layers; their spread grows with
        the depth, and the gradient of early layers loses its relation to the loss. A shallower network then has a
        lower training error, which capacity cannot explain.
    """,
    test="""
        The same network with a third of the layers, same seeds: it trains better on the training rows.
    """,
    example="""
        for W, b in layers:                             # 30 of them
            h = relu(h @ W + b)
    """,
    use_instead="""
        for W, b in layers:
            h = h + relu(h @ W + b)                     # residual: the identity stays open
    """,
    fix="""
        Fewer layers, residual connections, normalisation.
    """,
    false_alarm="""
        With these, a hundred layers train well.
    """,
    references=("He and others, Deep residual learning for image recognition, 2016",),
)
