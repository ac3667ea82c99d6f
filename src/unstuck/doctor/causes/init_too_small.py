"""The initial weights are too small."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="init-too-small",
    title="the initial weights are too small",
    group="initialisation",
    what_it_does="""
        Weights start so close to 0 (`0.01 * randn`, `1e-4 * randn`) that the signal fades from layer to layer.
    """,
    why_it_hurts="""
        Each layer multiplies the spread of the activations by σ_w·√n (times about 0.7 for ReLU), and the backward
        pass multiplies the error by a similar factor. With σ_w = 0.01 and 100 units that is 0.1 a layer: after five
        layers 10⁻⁵ is left in both directions. Output and gradient vanish, the loss stays at ln K for a long time;
        sigmoid units all answer ½.
    """,
    test="""
        The spread of activations layer by layer: a geometric decay by more than a half per layer. The same seed
        with weights scaled to √(2/n) must leave the plateau at once.
    """,
    example="""
        sizes = [64, 100, 100, 100, 100, 10]
        weights = [0.01 * rng.standard_normal((a, b)) for a, b in zip(sizes, sizes[1:])]
    """,
    use_instead="""
        sizes = [64, 100, 100, 100, 100, 10]
        weights = [np.sqrt(2 / a) * rng.standard_normal((a, b)) for a, b in zip(sizes, sizes[1:])]
    """,
    fix="""
        He's or Glorot's scale.
    """,
    false_alarm="""
        Shallow networks (one hidden layer) start fine from 0.01; the last layer may be small on purpose, so that
        the first loss is exactly ln K.
    """,
    checked_in=("handwritten",),
    references=("He and others, Delving deep into rectifiers, 2015",),
)
