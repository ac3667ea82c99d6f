"""Two runs do not give the same result."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="not-reproducible",
    title="two runs do not give the same result",
    group="numerics",
    what_it_does="""
        Random numbers come from unseeded generators, or from several of which one is seeded; or parallel sums run
        in varying order.
    """,
    why_it_hurts="""
        No experiment can be judged: was it the change or the draw? With small data the final accuracy easily varies
        by some points between seeds.
    """,
    test="""
        Run twice: bit-equal weights and losses.
    """,
    example="""
        W = np.random.randn(64, 32)
        random.shuffle(rows)
    """,
    use_instead="""
        rng = np.random.default_rng(0)
        W = rng.standard_normal((64, 32))
        rng.shuffle(rows)
    """,
    fix="""
        One generator, made from one seed, handed to everything that draws; compare changes over several seeds.
    """,
    false_alarm="""
        Tiny differences from parallel sums on a GPU are normal and can be switched off at a price.
    """,
)
