"""Gradients are clipped inside the backward pass."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="clipped-inside-backward",
    title="gradients are clipped inside the backward pass",
    group="gradient",
    what_it_does="""
        Clipping happens to the delta while it is still travelling back, layer by layer or time step by time step,
        instead of to the finished gradients.
    """,
    why_it_hurts="""
        Clipping is meant to limit the length of the step without turning it. Clipped in between, elements that hit
        ±c lose their proportion to the others, and every layer below inherits the distortion: the direction is no
        longer that of any gradient. In recurrent programs it silently shortens the memory.
    """,
    test="""
        The gradient check fails only while some |δ| reaches c, and passes when the loss is scaled down; recorded
        deltas pile up at exactly ±c.
    """,
    example="""
        for t in reversed(range(T)):
            dh = np.clip(dh, -1, 1)             # inside: every earlier step is bent
            dz = dh * (1 - h[t] ** 2)
            dW += h[t - 1].T @ dz
            dh = dz @ W.T
    """,
    use_instead="""
        for t in reversed(range(T)):
            dz = dh * (1 - h[t] ** 2)
            dW += h[t - 1].T @ dz
            dh = dz @ W.T
        norm = np.linalg.norm(dW)
        dW *= min(1.0, 5.0 / (norm + 1e-12))    # outside: shorter, same direction
    """,
    fix="""
        Clip after the backward pass, by the norm of all gradients together.
    """,
    false_alarm="""
        Value clipping of finished gradients is a legitimate choice. Some recurrent recipes clip inside on purpose;
        they then cannot pass a gradient check.
    """,
    references=("Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, 2013",),
    checked_in=("handwritten",),
)
