"""This optimiser is unsuited to this problem."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="optimizer-unsuited",
    title="this optimiser is unsuited to this problem",
    group="optimiser",
    what_it_does="""
        Plain gradient descent on a problem with curvatures of very different size, or on rare features; or a method
        without convergence for the noise at hand.
    """,
    why_it_hurts="""
        With curvatures λ_max and λ_min plain descent needs on the order of λ_max/λ_min steps. A condition number of
        10⁵, not rare in deep or recurrent networks, makes it crawl at every rate that does not diverge. Adam scales
        each parameter by its own gradient's size.
    """,
    test="""
        Each at its best rate, same seeds: only a clear difference counts.
    """,
    example="""
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01)      # embeddings, rare words
    """,
    use_instead="""
        optimizer = torch.optim.AdamW(network.parameters(), lr=3e-4)
    """,
    fix="""
        Adam at 3e-4 as a first try; SGD with momentum 0.9 and a schedule where it generalises better.
    """,
    false_alarm="""
        On well-scaled data SGD with momentum is as good or better. A rate that was never tuned is not evidence.
    """,
)
