"""Other weights are used than those that were trained."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="weights-not-restored",
    title="other weights are used than those that were trained",
    group="evaluation",
    what_it_does="""
        Loading fails silently (names that do not match, `strict=False`), an old file is read, a fresh network is
        made before predicting, layers come back in another order.
    """,
    why_it_hurts="""
        The architecture is right and the weights are chance: accuracy 1/K. With some layers restored and others
        not, it is a little above.
    """,
    test="""
        Predict on a few rows before saving and after loading: bit-equal. Compare a checksum per parameter.
    """,
    example="""
        network = make_network()
        network.load_state_dict(torch.load("last.pt"), strict=False)    # no key matched
    """,
    use_instead="""
        network = make_network()
        network.load_state_dict(torch.load("last.pt", weights_only=True))   # strict: says what differs
    """,
    fix="""
        Load strictly; store the architecture with the weights; test the round trip.
    """,
    false_alarm="""
        Loading a body without its head, to train a new head, leaves keys out on purpose.
    """,
)
