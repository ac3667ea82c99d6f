"""The first loss is not what theory says."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="loss-at-start-wrong",
    title="the first loss is not what theory says",
    group="loss",
    what_it_does="""
        Before any training a network with small random weights should know nothing, and its loss should say so: ln
        K for K classes, about var(y) for a standardised regression.
    """,
    why_it_hurts="""
        Far above: it is confidently wrong (weights or inputs too large, wrong labels). Far below: it sees the
        answer, or the loss is not what you think (averaged over classes as well, softmax over the wrong axis, one
        unit). It is one line to check and points at many causes.
    """,
    test="""
        |loss − ln K| over several seeds; compare it with K the number of classes in use.
    """,
    example="""
        print("loss before training", loss(network(x), y))      # 23.7 for ten classes
    """,
    use_instead="""
        W_out *= 0.01                                           # answers start near uniform
        print("loss before training", loss(network(x), y))      # 2.303 = ln 10
    """,
    fix="""
        Follow it down: scale of z, labels and encoding, axis of the softmax, reduction of the loss.
    """,
    false_alarm="""
        Weights of He's size in the output layer make the first loss somewhat larger than ln K (2.5 to 3 for ten
        classes) and do no harm.
    """,
)
