"""The initialisation does not fit the activation."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="init-scheme-mismatch",
    title="the initialisation does not fit the activation",
    group="initialisation",
    what_it_does="""
        A rule made for one activation is used with another: Glorot's with a deep ReLU network, He's with SELU.
    """,
    why_it_hurts="""
        ReLU halves the mean square of what passes through it, so a ReLU layer needs weights with variance 2/n to
        keep the signal; Glorot's 1/n loses a factor √2 per layer, 32 after ten layers. SELU wants exactly 1/n to be
        self-normalising.
    """,
    test="""
        The trend of the activations' spread over the layers; the same seed with the fitting scheme.
    """,
    example="""
        weights = [np.sqrt(1 / a) * rng.standard_normal((a, b)) for a, b in zip(sizes, sizes[1:])]
        h = np.maximum(h @ weights[0], 0)               # and so on, 20 layers
    """,
    use_instead="""
        weights = [np.sqrt(2 / a) * rng.standard_normal((a, b)) for a, b in zip(sizes, sizes[1:])]
        h = np.maximum(h @ weights[0], 0)
    """,
    fix="""
        ReLU family: 2/n_in. tanh, sigmoid: 2/(n_in + n_out). SELU: 1/n_in.
    """,
    false_alarm="""
        Networks of three layers or with normalisation hardly notice.
    """,
)
