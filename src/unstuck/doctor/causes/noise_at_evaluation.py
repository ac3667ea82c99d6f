"""Noise or augmentation is active while evaluating."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="noise-at-evaluation",
    title="noise or augmentation is active while evaluating",
    group="regularisation",
    what_it_does="""
        Test rows pass through the random crops, noise layers or sampling that belong to training.
    """,
    why_it_hurts="""
        The figure fluctuates from call to call and is lower than what the network can do. Comparing two networks
        compares two draws.
    """,
    test="""
        Evaluate twice: the same number, bit by bit.
    """,
    example="""
        test = DataLoader(ImageData(paths, transform=train_transform))
    """,
    use_instead="""
        test = DataLoader(ImageData(paths, transform=plain_transform))
    """,
    fix="""
        Separate transforms for training and evaluation; noise only in training mode.
    """,
    false_alarm="""
        Averaging over several augmented copies of each test row is a method, with its own name (test-time
        augmentation).
    """,
)
