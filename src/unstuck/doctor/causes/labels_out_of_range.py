"""Labels lie outside the range the loss expects."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="labels-out-of-range",
    title="labels lie outside the range the loss expects",
    group="data",
    what_it_does="""
        Class numbers run from 1 to K where 0 to K−1 is meant, binary targets are −1 and +1 under a cross-entropy
        for 0 and 1, a "missing" label −1 is taken as a class.
    """,
    why_it_hurts="""
        Binary cross-entropy with y = −1 reads `−[−1·ln p + 2·ln(1−p)]`: it has no lower bound, and the loss runs to
        −∞ while the accuracy stays poor. With numbers from 1, the one-hot row of class K is an index error or,
        through a negative index or an extra unit, silently another class.
    """,
    test="""
        Minimum, maximum and distinct values of y beside the number of outputs and the loss. A cross-entropy below 0
        is proof.
    """,
    example="""
        y = np.where(species == "setosa", 1, -1)
        loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    """,
    use_instead="""
        y = np.where(species == "setosa", 1, 0)
        loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    """,
    fix="""
        Map the labels to 0 … K−1 once, right after loading, and assert it.
    """,
    false_alarm="""
        Hinge losses and tanh outputs want −1 and +1. Probabilities between 0 and 1 as soft targets are allowed.
    """,
)
