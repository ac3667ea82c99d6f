"""The network is evaluated in training mode."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="train-mode-at-evaluation",
    title="the network is evaluated in training mode",
    group="evaluation",
    what_it_does="""
        Dropout still drops units and batch normalisation still uses the statistics of the current batch while
        predictions are made.
    """,
    why_it_hurts="""
        Dropout makes predictions random and worse than the network is. Batch statistics make the answer for one row
        depend on the other rows; for a batch of one row they even make every normalised value 0. In training mode
        such a pass may also change the running statistics.
    """,
    test="""
        Predict the same rows twice, then alone and together with others: all answers must agree.
    """,
    example="""
        prediction = network(x_test)                    # still in training mode
    """,
    use_instead="""
        network.eval()
        with torch.no_grad():
            prediction = network(x_test)
        network.train()
    """,
    fix="""
        `eval()` in PyTorch, `training=False` in Keras and JAX libraries, a flag in your own code; switch back
        afterwards.
    """,
    false_alarm="""
        Dropout at prediction time is wanted when many such passes are averaged as an estimate of uncertainty.
    """,
)
