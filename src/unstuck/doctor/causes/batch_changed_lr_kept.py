"""The batch size changed and the learning rate did not."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="batch-changed-lr-kept",
    title="the batch size changed and the learning rate did not",
    group="batching",
    what_it_does="""
        A recipe that works is run with another batch size, on another machine or on several of them, with its rate
        unchanged.
    """,
    why_it_hurts="""
        For gradients averaged over the batch, k times the batch means k times fewer steps of the same length:
        slower by k unless the rate goes up (by up to k for SGD, about √k for Adam). In the other direction a rate
        meant for batch 4096 is far too high for batch 32.
    """,
    test="""
        η/B beside the reference; the counter-experiment with the scaled rate.
    """,
    example="""
        train(batch_size=2048, lr=0.1)                  # the recipe: batch_size=128, lr=0.1
    """,
    use_instead="""
        train(batch_size=2048, lr=0.1 * 2048 / 128, warm_up_steps=500)
    """,
    fix="""
        Scale the rate with the batch, with a warm-up for large factors, or search for it anew.
    """,
    false_alarm="""
        Below the noise scale only; for very large batches the linear rule breaks down and a smaller rate is right.
    """,
    references=("Goyal and others, Accurate, large minibatch SGD: training ImageNet in 1 hour, 2017",),
)
