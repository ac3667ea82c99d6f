"""Many labels are wrong."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="labels-noisy",
    title="many labels are wrong",
    group="data",
    what_it_does="""
        A part of the training labels is simply not true: annotation mistakes, automatic labels, ambiguous classes.
    """,
    why_it_hurts="""
        With a share ε of wrong labels, spread evenly over the other classes, even a perfect classifier is marked
        wrong ε of the time, and the lowest honest cross-entropy is `−(1−ε)·ln(1−ε) − ε·ln(ε/(K−1))` instead of 0.
        Going lower means memorising mistakes, which a large network does late in training, and held-out accuracy
        then falls.
    """,
    test="""
        Cross-validated predictions that confidently contradict the label; a loss distribution with a separate high
        tail. Look at twenty of them by hand: there is no substitute.
    """,
    example="""
        network.fit(x, labels_from_three_hurried_students, epochs=500)
    """,
    use_instead="""
        doubtful = cross_validated_probability(x, labels) < 0.05    # of the given label
        network.fit(x[~doubtful], labels[~doubtful], epochs=60)
    """,
    fix="""
        Correct the doubtful labels, stop early, smooth the targets (0.9 instead of 1), or use a loss that is
        robust.
    """,
    false_alarm="""
        Hard but rightly labelled examples have high loss too. Removing them makes the network worse.
    """,
)
