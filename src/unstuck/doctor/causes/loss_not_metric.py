"""The loss goes down and the metric does not follow."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="loss-not-metric",
    title="the loss goes down and the metric does not follow",
    group="loss",
    what_it_does="""
        What is minimised is only loosely related to what is reported.
    """,
    why_it_hurts="""
        Cross-entropy can fall by making right answers more certain while no further answer becomes right; it can
        rise through a few confident mistakes while accuracy still improves. Squared error of logarithms is not the
        error in euros.
    """,
    test="""
        The correlation of loss and metric over the epochs (below ½ they have parted), both on the same rows.
    """,
    example="""
        best = min(history, key=lambda epoch: epoch.validation_loss)         # reported: F1
    """,
    use_instead="""
        best = max(history, key=lambda epoch: epoch.validation_f1)
    """,
    fix="""
        Choose epochs by the metric that counts, move the threshold, or train on a loss closer to it.
    """,
    false_alarm="""
        Moderate disagreement is normal, above all late in training.
    """,
)
