"""Augmentation destroys what the label says."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="augmentation-harmful",
    title="augmentation destroys what the label says",
    group="data",
    what_it_does="""
        Random changes of the inputs are too strong or change the class: digits flipped (6 becomes 9), left and
        right exchanged where the side matters, crops that lose the object.
    """,
    why_it_hurts="""
        The network is asked to give the same answer to inputs that no longer contain it. Label and input contradict
        each other for a share of the examples, with the effect of noisy labels: training accuracy stays low however
        large the network.
    """,
    test="""
        Overfit one batch with and without augmentation. Look at thirty augmented examples: can you still tell the
        class?
    """,
    example="""
        def augment(image):
            return np.rot90(image, rng.integers(4))     # 6 and 9, 2 and 5, N and Z
    """,
    use_instead="""
        def augment(image):
            return shift(image, rng.integers(-2, 3, size=2))
    """,
    fix="""
        Only changes a person would not mind; weaker ones; none at all while you debug.
    """,
    false_alarm="""
        Augmentation makes the training loss higher than the validation loss. That is its purpose.
    """,
)
