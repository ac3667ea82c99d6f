"""The gradient vanishes on its way to the first layers."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="vanishing-gradient",
    title="the gradient vanishes on its way to the first layers",
    group="activations",
    what_it_does="""
        In a deep network of sigmoid or tanh layers each step back multiplies the error by `Wᵀ` and by φ′; both are
        small and the product shrinks geometrically.
    """,
    why_it_hurts="""
        φ′ of a sigmoid is at most ¼. With weights of usual size ten layers leave at most about 4⁻¹⁰ ≈ 10⁻⁶ of the
        error. The last layers learn, the first ones stay what chance made them, and the network behaves like a
        shallow one on random features.
    """,
    test="""
        ‖∂L/∂W₁‖/‖∂L/∂W_L‖ below about 10⁻³, and a large share of saturated units; the same network with ReLU and
        He's initialisation must learn clearly better on the same seed.
    """,
    example="""
        h = x
        for W, b in layers:                             # ten of them
            h = sigmoid(h @ W + b)
    """,
    use_instead="""
        h = x
        for W, b in layers:
            h = np.maximum(h @ W + b, 0)                # with W of variance 2 / n_in
    """,
    fix="""
        ReLU with He's initialisation, normalisation layers, residual connections, or fewer layers. In recurrent
        networks gated cells.
    """,
    false_alarm="""
        A smaller gradient in the first layer is normal as long as the ratio of update to weight is similar in all
        layers; Adam evens out scale differences of some orders.
    """,
    references=(
        "Hochreiter, Untersuchungen zu dynamischen neuronalen Netzen, 1991",
        "Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010",
    ),
)
