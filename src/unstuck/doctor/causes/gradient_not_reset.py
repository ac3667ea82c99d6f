"""Gradients pile up from step to step."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="gradient-not-reset",
    title="gradients pile up from step to step",
    group="gradient",
    what_it_does="""
        Gradient buffers are added to and never set back to zero, so each update contains the gradients of all
        earlier steps. In PyTorch: `zero_grad()` is missing.
    """,
    why_it_hurts="""
        The step at time t is `−η·(g₁ + g₂ + … + g_t)`. Its length grows about linearly while the gradients agree:
        it is momentum with coefficient 1, a ball without friction. The loss falls well at first, overshoots, and
        swings or diverges.
    """,
    test="""
        Run the backward pass twice at the same parameters and batch: the second gradient must equal the first. If
        it is twice as large, nothing resets it.
    """,
    example="""
        for x, y in batches:
            loss = loss_function(network(x), y)
            loss.backward()
            optimizer.step()
    """,
    use_instead="""
        for x, y in batches:
            optimizer.zero_grad()
            loss = loss_function(network(x), y)
            loss.backward()
            optimizer.step()
    """,
    fix="""
        Zero the buffers at the start of each step, or assign the gradient instead of adding it.
    """,
    false_alarm="""
        Gradient accumulation over several small batches adds on purpose, resets after each update, and divides by
        the number of batches.
    """,
    checked_in=("handwritten",),
)
