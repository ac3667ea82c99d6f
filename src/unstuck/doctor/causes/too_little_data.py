"""There are too few examples for this network."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="too-little-data",
    title="there are too few examples for this network",
    group="data",
    what_it_does="""
        The number of parameters exceeds by far what the examples can determine, and held-out error stays high while
        training error vanishes.
    """,
    why_it_hurts="""
        Many functions pass through few points, and the one that training finds is decided by the initial weights.
        The gap shrinks with n, roughly like 1/√n. More epochs or a wider network do not help.
    """,
    test="""
        The learning curve: train on a quarter, half and all rows. If the held-out error still falls steadily with
        n, more data help; if it is flat, they will not.
    """,
    example="""
        network = make_network(sizes=[64, 512, 512, 10])
        network.fit(x[:100], y[:100])
    """,
    use_instead="""
        network = make_network(sizes=[64, 16, 10])
        network.fit(x[:100], y[:100], weight_decay=1e-2)
    """,
    fix="""
        More data, augmentation that keeps the label, a smaller network, weight decay, early stopping, or a model
        with fewer assumptions to fill (a linear one, boosted trees).
    """,
    false_alarm="""
        More parameters than examples is normal for networks and not by itself a fault: only the held-out gap
        counts.
    """,
)
