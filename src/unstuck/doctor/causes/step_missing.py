"""The parameters are never updated, or at the wrong moment."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="step-missing",
    title="the parameters are never updated, or at the wrong moment",
    group="optimiser",
    what_it_does="""
        The call that applies the update is missing, comes before the backward pass, or sits outside the loop.
    """,
    why_it_hurts="""
        Without it the loss stays what it was at the start, up to batch noise. Before the backward pass, each update
        uses the gradient of the batch before: a lag of one step, which only costs some stability, and an empty
        first step. Once per epoch, it applies the last batch's gradient only.
    """,
    test="""
        A checksum of the parameters before and after a step; the order of the calls.
    """,
    example="""
        for x, y in batches:
            optimizer.zero_grad()
            loss = loss_function(network(x), y)
            loss.backward()
        optimizer.step()                                # once per epoch
    """,
    use_instead="""
        for x, y in batches:
            optimizer.zero_grad()
            loss = loss_function(network(x), y)
            loss.backward()
            optimizer.step()
    """,
    fix="""
        Zero, forward, backward, step, in this order, inside the loop.
    """,
    false_alarm="""
        Accumulation over several batches steps less often on purpose.
    """,
    checked_in=("handwritten",),
)
