"""Activation and normalisation are in an unlucky order."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="activation-order-wrong",
    title="activation and normalisation are in an unlucky order",
    group="activations",
    what_it_does="""
        The activation comes before the normalisation, or a layer before a normalisation keeps a useless bias, or
        dropout stands between the two.
    """,
    why_it_hurts="""
        After a ReLU, half of the values are exactly 0; normalising them shifts the zeros and lets the next layer
        see a skewed mixture. Dropout before batch normalisation changes the variance between training and
        evaluation, so the stored statistics are wrong for evaluation.
    """,
    test="""
        The same network in both orders, same seeds, several of them: differences are usually small.
    """,
    example="""
        block = nn.Sequential(nn.Linear(64, 64), nn.Dropout(0.5), nn.BatchNorm1d(64), nn.ReLU())
    """,
    use_instead="""
        block = nn.Sequential(nn.Linear(64, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.5))
    """,
    fix="""
        Linear, normalisation, activation, dropout.
    """,
    false_alarm="""
        Normalisation after the activation works well in many published networks. Measure, do not assume.
    """,
    references=("Li, Chen, Hu and Yang, Understanding the disharmony between dropout and batch normalization, 2019",),
)
