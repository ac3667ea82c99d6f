"""The learning rate decays too fast."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="lr-decays-too-fast",
    title="the learning rate decays too fast",
    group="optimiser",
    what_it_does="""
        The schedule reaches a tiny rate early: a decay meant per epoch is applied per batch, a wrong number of
        total steps, a factor that was meant for a longer run.
    """,
    why_it_hurts="""
        The way a network can go is limited by Σ η_t. With a factor 0.95 per batch the sum is 20·η₀, used up within
        60 batches; then training is frozen, with a curve as flat as a converged one.
    """,
    test="""
        Record the rate: how much of Σ η is spent after a tenth of the run? The same seed with a constant rate must
        end lower.
    """,
    example="""
        for epoch in range(20):
            for x, y in batches:
                step(x, y, lr)
                lr *= 0.95                              # per batch
    """,
    use_instead="""
        for epoch in range(20):
            for x, y in batches:
                step(x, y, lr)
            lr *= 0.95                                  # per epoch
    """,
    fix="""
        Call the scheduler where its unit says, and print the rate with the loss.
    """,
    false_alarm="""
        Decay to 0 at the very end is right.
    """,
)
