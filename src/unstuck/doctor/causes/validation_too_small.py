"""The validation set is too small to tell."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="validation-too-small",
    title="the validation set is too small to tell",
    group="evaluation",
    what_it_does="""
        Conclusions are drawn from differences that lie within the noise of the held-out set.
    """,
    why_it_hurts="""
        An accuracy p from n rows has a standard error of √(p(1−p)/n): with p = 0.9 and n = 100 that is 0.03, so
        jumps of 5 points between epochs mean nothing, and the best of 50 epochs is mostly the luckiest.
    """,
    test="""
        A bootstrap interval of the metric beside its jumps from epoch to epoch.
    """,
    example="""
        best = max(range(50), key=lambda epoch: accuracy_on(validation[:60], epoch))
    """,
    use_instead="""
        best = max(range(50), key=lambda epoch: accuracy_on(validation[:5000], epoch))
    """,
    fix="""
        More held-out rows, cross-validation, or several seeds with their spread reported.
    """,
    false_alarm="""
        Large differences need few rows: 0.1 against 0.9 is certain with 30.
    """,
)
