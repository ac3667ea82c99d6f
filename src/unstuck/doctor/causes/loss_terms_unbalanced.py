"""One term of the loss drowns the others."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="loss-terms-unbalanced",
    title="one term of the loss drowns the others",
    group="loss",
    what_it_does="""
        The loss adds terms of very different size: a pixel error in thousands and a class term of 1.
    """,
    why_it_hurts="""
        The gradient is the sum of the terms' gradients. If one is a hundred times longer, the others steer nothing,
        and they improve only by accident.
    """,
    test="""
        The gradient norm of each term alone at shared parameters; a ratio above about 100.
    """,
    example="""
        loss = np.sum((image_out - image) ** 2) + cross_entropy(class_out, label)
    """,
    use_instead="""
        loss = np.mean((image_out - image) ** 2) + 0.1 * cross_entropy(class_out, label)
    """,
    fix="""
        Means instead of sums, weights that make the gradient norms comparable, then tune.
    """,
    false_alarm="""
        A penalty is supposed to be small beside the data term.
    """,
)
