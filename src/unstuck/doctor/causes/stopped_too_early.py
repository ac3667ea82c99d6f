"""Early stopping stops too early."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="stopped-too-early",
    title="early stopping stops too early",
    group="stopping",
    what_it_does="""
        Patience is too short for a noisy curve, the least improvement that counts is too large, or the direction is
        wrong: a loss watched with "larger is better".
    """,
    why_it_hurts="""
        Held-out curves rise and fall; with patience 1 the first bad epoch ends the run. In the wrong mode it ends
        at epoch patience + 1, always, whatever happens.
    """,
    test="""
        Replay the rule on the curve of a run without it: how much better is the best later epoch?
    """,
    example="""
        stop = keras.callbacks.EarlyStopping(monitor="val_loss", mode="max", patience=2)
    """,
    use_instead="""
        stop = keras.callbacks.EarlyStopping(
            monitor="val_loss", mode="min", patience=10, restore_best_weights=True
        )
    """,
    fix="""
        Patience of 5 to 20 epochs, the right mode, a least improvement well below the noise.
    """,
    false_alarm="""
        Stopping early to save time is a choice, if the loss is known.
    """,
)
