"""The network memorises its training rows."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="overfitting",
    title="the network memorises its training rows",
    group="regularisation",
    what_it_does="""
        Training loss goes to 0 while held-out loss, after a minimum, rises.
    """,
    why_it_hurts="""
        A network with enough weights fits noise as well as structure: first what most rows share, then each row's
        own accidents. From the minimum of the held-out curve on, what it learns no longer applies to others.
    """,
    test="""
        The held-out loss at its best epoch against the last one; training loss against held-out loss.
    """,
    example="""
        network.fit(x_train, y_train, epochs=2000)
    """,
    use_instead="""
        network.fit(x_train, y_train, epochs=2000, validation=(x_val, y_val), stop_after=20)
    """,
    fix="""
        More data first; then early stopping with the best weights restored, weight decay, dropout, augmentation, a
        smaller network.
    """,
    false_alarm="""
        A gap alone is normal: look whether the held-out curve rises. Accuracy may still improve while the held-out
        loss rises. As a check of gradient and capacity, overfitting one batch is what you want to see.
    """,
)
