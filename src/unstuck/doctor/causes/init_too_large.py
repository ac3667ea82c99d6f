"""The initial weights are too large."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="init-too-large",
    title="the initial weights are too large",
    group="initialisation",
    what_it_does="""
        Weights are drawn with a spread that does not shrink with the number of inputs, often a plain `randn`.
    """,
    why_it_hurts="""
        A pre-activation is a sum of n terms: its spread is σ_w·√n·rms(a). With σ_w = 1 and 784 inputs that is about
        28·rms(a): sigmoids and tanhs are saturated from the start with φ′ near 0, a softmax is certain of the wrong
        class and the loss starts far above ln K; with ReLU activations grow by this factor layer by layer.
    """,
    test="""
        σ_w·√n of every layer (should be about 1, √2 for ReLU); the spread of z at the start; the first loss against
        ln K. Then the same seed with scaled weights.
    """,
    example="""
        W1 = rng.standard_normal((784, 100))
    """,
    use_instead="""
        W1 = rng.standard_normal((784, 100)) * np.sqrt(1 / 784)     # tanh, sigmoid; sqrt(2 / 784) for ReLU
    """,
    fix="""
        Glorot's √(2/(n_in + n_out)) for sigmoid and tanh, He's √(2/n_in) for ReLU.
    """,
    false_alarm="""
        With few inputs (under about 10), or sparse ones, spread 1 is in order. Random Fourier features want large
        weights.
    """,
    checked_in=("handwritten",),
    references=(
        "Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010",
        "He and others, Delving deep into rectifiers, 2015",
    ),
)
