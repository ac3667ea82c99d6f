"""A layer throws away what later layers need."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="architecture-loses-information",
    title="a layer throws away what later layers need",
    group="architecture",
    what_it_does="""
        Pooling down to one pixel in the first layers, a mean over the axis that carries the content, a missing
        flatten so that a dense layer acts per pixel, an embedding of one dimension.
    """,
    why_it_hurts="""
        Different inputs become equal, or nearly so, before the part that should tell them apart, and nothing behind
        can undo that.
    """,
    test="""
        Features of inputs of different classes at each layer: where do their distances collapse? A linear probe per
        layer shows where the accuracy is lost.
    """,
    example="""
        network = nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)
        )
    """,
    use_instead="""
        network = nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 13 * 13, 10)
        )
    """,
    fix="""
        Keep resolution until there are enough channels; flatten or pool at the end.
    """,
    false_alarm="""
        Global average pooling after many channels is a standard and good ending.
    """,
)
