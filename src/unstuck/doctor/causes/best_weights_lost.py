"""The best weights are not kept."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="best-weights-lost",
    title="the best weights are not kept",
    group="stopping",
    what_it_does="""
        The run ends after the best epoch and returns the last weights; or "best" was stored by reference and
        changed along.
    """,
    why_it_hurts="""
        After the minimum of the held-out loss the network gets worse, by as much as patience allows; and `best =
        weights` is no copy but a second name for arrays that go on changing, so that "restoring the best" restores
        the last.
    """,
    test="""
        The final held-out metric beside the best of the run; a checksum of what is returned.
    """,
    example="""
        if loss < best_loss:
            best_loss, best = loss, weights             # the same arrays, which train on
    """,
    use_instead="""
        if loss < best_loss:
            best_loss, best = loss, [W.copy() for W in weights]
    """,
    fix="""
        Copy at each improvement and restore at the end.
    """,
    false_alarm="""
        With a rate that decays to 0 the last epoch is usually the best.
    """,
)
