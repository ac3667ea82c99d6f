"""The optimiser's memory is lost again and again."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="optimizer-state-lost",
    title="the optimiser's memory is lost again and again",
    group="optimiser",
    what_it_does="""
        A new optimiser is made in every epoch or batch, or velocities are set to zero inside the loop.
    """,
    why_it_hurts="""
        Momentum never builds up: with β = 0.9 and a fresh start each step, the effective rate is a tenth. A fresh
        Adam takes its first step with length η in every element, whatever the gradient, so one per batch is sign
        descent and never settles.
    """,
    test="""
        The norms of the optimiser's state before and after the boundary of an epoch; its step count.
    """,
    example="""
        for x, y in batches:
            optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
            train_step(network, optimizer, x, y)
    """,
    use_instead="""
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
        for x, y in batches:
            train_step(network, optimizer, x, y)
    """,
    fix="""
        Make it once, before the loops; save its state with a checkpoint.
    """,
    false_alarm="""
        Restarting at the boundary between two phases (frozen and unfrozen) is intended.
    """,
)
