"""The history keeps every step's graph alive."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="graph-kept",
    title="the history keeps every step's graph alive",
    group="framework",
    what_it_does="""
        Losses are collected as tensors, so each one keeps the graph of its step in memory.
    """,
    why_it_hurts="""
        Memory grows by one step's activations per step until it is used up; a running total `total += loss` even
        chains all graphs together and a backward pass through it takes longer and longer.
    """,
    test="""
        Memory per step; `grad_fn` of what is stored is not None.
    """,
    example="""
        history.append(loss)
        total += loss
    """,
    use_instead="""
        history.append(loss.item())
        total += loss.item()
    """,
    fix="""
        `.item()` for numbers, `.detach()` for tensors that are kept.
    """,
    false_alarm="""
        Adding losses of several batches before one backward pass needs their graphs.
    """,
)
