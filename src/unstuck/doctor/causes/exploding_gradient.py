"""The gradient explodes on its way back."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="exploding-gradient",
    title="the gradient explodes on its way back",
    group="activations",
    what_it_does="""
        The error grows from layer to layer, or from time step to time step, until single steps throw the parameters
        far away.
    """,
    why_it_hurts="""
        Through T steps of a recurrent layer the error is multiplied by a matrix whose largest singular value is ρ:
        it can grow like ρ^T, 1.2^100 ≈ 8·10⁷. One such gradient undoes hours of training; the curve has spikes and
        ends as NaN.
    """,
    test="""
        The norm of the gradient over the steps: rare values some hundred times the median; norms that grow towards
        the first layer. With clipping at the same seed the spikes must go.
    """,
    example="""
        grads = backward(loss)
        for p, g in zip(parameters, grads):
            p -= lr * g
    """,
    use_instead="""
        grads = backward(loss)
        norm = np.sqrt(sum(np.sum(g**2) for g in grads))
        scale = min(1.0, 5.0 / (norm + 1e-12))
        for p, g in zip(parameters, grads):
            p -= lr * scale * g
    """,
    fix="""
        Clip the norm of the whole gradient, smaller or orthogonal recurrent weights, normalisation, a lower rate.
    """,
    false_alarm="""
        A large gradient in the first steps only is a question of initialisation or warm-up.
    """,
    references=("Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, 2013",),
)
