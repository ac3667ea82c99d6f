"""The network sees its target."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="target-leaks",
    title="the network sees its target",
    group="loss",
    what_it_does="""
        The value to be predicted is among the inputs: a sequence model whose target is not shifted, attention
        without a causal mask, a feature derived from the outcome.
    """,
    why_it_hurts="""
        Copying is easy: the loss falls to almost 0 within an epoch. In use the value is not there, and the output
        is nonsense.
    """,
    test="""
        The derivative of output t with respect to input s must be 0 for every s later than t. For tables: a single
        column that predicts the target nearly perfectly.
    """,
    example="""
        x, y = tokens[:, :-1], tokens[:, :-1]           # the same positions
    """,
    use_instead="""
        x, y = tokens[:, :-1], tokens[:, 1:]            # predict the next one
    """,
    fix="""
        Shift by one, mask the future, remove columns that are known only afterwards.
    """,
    false_alarm="""
        Autoencoders reproduce their input on purpose; encoders that read a whole sentence may look both ways.
    """,
)
