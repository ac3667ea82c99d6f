"""Several layers share one array by accident."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="weights-aliased",
    title="several layers share one array by accident",
    group="architecture",
    what_it_does="""
        `[W] * n`, `a = b = np.zeros(…)` or a default argument make several names for one and the same array.
    """,
    why_it_hurts="""
        An update through one name changes all of them. n layers are then one layer used n times, every layer adds
        its update to the same numbers, and weights and velocity, or weights and their backup, may be identical.
        Nothing is copied in Python unless you ask.
    """,
    test="""
        `np.shares_memory` between parameters, gradients, states and backups that should be separate.
    """,
    example="""
        gradients = [np.zeros((16, 16))] * 3            # one array, three names
        best = weights                                  # no backup
    """,
    use_instead="""
        gradients = [np.zeros((16, 16)) for _ in range(3)]
        best = [W.copy() for W in weights]
    """,
    fix="""
        A list comprehension for several arrays, `.copy()` for a backup.
    """,
    false_alarm="""
        Tied weights (autoencoders, input and output embedding, recurrent steps) are shared on purpose, and their
        gradients are then added.
    """,
    checked_in=("handwritten",),
)
