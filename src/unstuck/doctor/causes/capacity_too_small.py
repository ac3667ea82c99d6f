"""The network is too small for the task."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="capacity-too-small",
    title="the network is too small for the task",
    group="architecture",
    what_it_does="""
        There are too few units for the function that is wanted: XOR with one hidden unit, ten digits through a
        layer of two.
    """,
    why_it_hurts="""
        A hidden layer of h units cuts the input space with h soft planes. XOR needs two, a disc inside a ring at
        least three. A narrow layer is a bottleneck: whatever the layers after it do, they see h numbers. Then
        gradient, rate and data are right, and the training loss still stops high.
    """,
    test="""
        One small batch cannot be overfitted although gradient and rate are right; twice and eight times the width,
        same seeds, ends clearly lower. Widening one layer only finds the bottleneck.
    """,
    example="""
        network = Network(sizes=[2, 1, 1])              # XOR
    """,
    use_instead="""
        network = Network(sizes=[2, 4, 1])
    """,
    fix="""
        Widen first, deepen second, regularise last.
    """,
    false_alarm="""
        Held-out error is not the question here: too small means that the training rows cannot be fitted.
        Autoencoders have a bottleneck on purpose.
    """,
    checked_in=("handwritten",),
)
