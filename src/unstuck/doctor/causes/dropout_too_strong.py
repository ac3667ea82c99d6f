"""Dropout is too strong."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="dropout-too-strong",
    title="dropout is too strong",
    group="regularisation",
    what_it_does="""
        A large share of units is dropped in a network that has none to spare, on the output, or on the input.
    """,
    why_it_hurts="""
        With p = 0.5 and 16 units, 8 remain and each batch trains another tiny network; their average is what the
        capacity of 8 units allows. Dropped output units make a loss that no weights can lower.
    """,
    test="""
        The same seed with p = 0: a clearly lower training loss and a better held-out one.
    """,
    example="""
        network = nn.Sequential(
            nn.Linear(20, 16), nn.ReLU(), nn.Dropout(0.8), nn.Linear(16, 3), nn.Dropout(0.5)
        )
    """,
    use_instead="""
        network = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 3))
    """,
    fix="""
        None while debugging; then 0.1 to 0.3, more only in wide layers that overfit.
    """,
    false_alarm="""
        Training loss above validation loss is normal with dropout.
    """,
)
