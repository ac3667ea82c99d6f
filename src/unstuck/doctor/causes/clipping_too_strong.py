"""The gradient is clipped at almost every step."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="clipping-too-strong",
    title="the gradient is clipped at almost every step",
    group="optimiser",
    what_it_does="""
        The threshold lies below the usual norm of the gradient, so that nearly every step is shortened.
    """,
    why_it_hurts="""
        Each step then has the same length η·c, whatever the gradient: near the minimum it does not slow down, far
        away it does not hurry. Value clipping also turns the direction towards the corners, because large elements
        are cut and small ones are not.
    """,
    test="""
        The share of clipped steps (above one half) and the median norm beside the threshold; the same seed without
        clipping.
    """,
    example="""
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.01)
    """,
    use_instead="""
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    """,
    fix="""
        A threshold near the 90 % quantile of the norms.
    """,
    false_alarm="""
        Training with normalised gradients is a method of its own. Private training (DP-SGD) clips every sample on
        purpose.
    """,
    checked_in=("handwritten",),
)
