"""The mask or the weights of the loss are wrong."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="loss-mask-wrong",
    title="the mask or the weights of the loss are wrong",
    group="loss",
    what_it_does="""
        Rows to be ignored take part, rows that count are ignored, or class weights belong to other classes or to
        the inverse of what was meant.
    """,
    why_it_hurts="""
        The network optimises another mixture than the one you want. With inverted weights the rare class gets rarer
        still; dividing by all positions instead of the unmasked ones scales the loss with the amount of padding.
    """,
    test="""
        The share of each class, and of the padding, in the total loss at the start, beside the share you intend.
    """,
    example="""
        weight = np.bincount(y) / len(y)                # share: the frequent class counts more
        loss = np.mean(weight[y] * cross_entropy(z, y))
    """,
    use_instead="""
        weight = len(y) / (len(np.bincount(y)) * np.bincount(y))
        loss = np.mean(weight[y] * cross_entropy(z, y))
    """,
    fix="""
        Weights inversely proportional to the shares, a mean over what counts, and an assertion on the sum of
        weights.
    """,
    false_alarm="""
        Without weights each class counts by its share. That is a choice, not a fault.
    """,
)
