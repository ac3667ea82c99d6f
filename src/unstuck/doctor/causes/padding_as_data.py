"""Padding is treated as data."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="padding-as-data",
    title="padding is treated as data",
    group="data",
    what_it_does="""
        Sequences are filled up to a common length and the fill takes part: in the mean over time, in attention, in
        the loss, as the last state of a recurrent network.
    """,
    why_it_hurts="""
        An average over 100 steps of which 90 are padding is mostly padding; short sequences all look alike. In the
        loss, predicting the padding token is easy and dominates: the loss looks splendid and the text is poor. A
        recurrent state after 90 empty steps has forgotten the content.
    """,
    test="""
        Change the values in padded places, or add more padding: output and loss must stay as they are.
    """,
    example="""
        pooled = states.mean(axis=1)                    # (N, T, F), padded to T
    """,
    use_instead="""
        keep = (tokens != PAD)[:, :, None]
        pooled = (states * keep).sum(axis=1) / np.maximum(keep.sum(axis=1), 1)
    """,
    fix="""
        Mask padding in pooling, attention and loss, divide by the number of real steps, and take the state at each
        sequence's true end.
    """,
    false_alarm="""
        Zero padding at the borders of a convolution is part of the operation.
    """,
)
