"""The dropout mask is not reused or not rescaled."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="dropout-mask-wrong",
    title="the dropout mask is not reused or not rescaled",
    group="gradient",
    what_it_does="""
        Dropout multiplies activations by a random mask. The backward pass needs the same mask and the same factor;
        here it draws a new one, forgets it, or the factor 1/(1−p) stands on one side only.
    """,
    why_it_hurts="""
        With inverted dropout `a′ = a ⊙ m/(1−p)` the delta is `δ ⊙ m/(1−p)` for the same m. A fresh mask sends
        errors to units that took no part. Without the factor, training sees activations (1−p) times as large as
        evaluation does, and every layer after it is shifted: a network that was good while training is worse when
        used.
    """,
    test="""
        Fix the random state and run the gradient check with dropout on. Compare the mean activation behind the
        layer in training and evaluation: a ratio of 1/(1−p) or 1−p names the missing factor.
    """,
    example="""
        mask = rng.random(a.shape) > p
        a = a * mask                            # mean shrinks by 1 - p, evaluation does not
        ...
        da = d * (rng.random(a.shape) > p)      # another mask
    """,
    use_instead="""
        mask = (rng.random(a.shape) > p) / (1 - p)
        a = a * mask
        ...
        da = d * mask
    """,
    fix="""
        Draw the mask once per forward pass, already divided by 1−p, keep it, and multiply the delta by it.
    """,
    false_alarm="""
        Classic dropout without the factor is right if evaluation multiplies by 1−p instead.
    """,
    checked_in=("handwritten",),
    references=("Srivastava and others, Dropout: a simple way to prevent neural networks from overfitting, 2014",),
)
