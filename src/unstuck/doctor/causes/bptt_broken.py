"""Backpropagation through time loses contributions."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="bptt-broken",
    title="backpropagation through time loses contributions",
    group="gradient",
    what_it_does="""
        The weights of a recurrent layer act at every time step, so their gradient is a sum over steps. Here it is
        overwritten at each step, or the error does not travel to the step before, or only along one of its two ways
        (through the state, from the output).
    """,
    why_it_hurts="""
            ∂L/∂W = Σ_t h_{t−1}ᵀ δ_t,    δ_t = (δ_{t+1} Wᵀ + ∂L_t/∂h_t) ⊙ φ′(z_t).

        With `=` instead of `+=` only one step counts, usually the first. Without `δ_{t+1} Wᵀ` the network learns
        what the current input explains and nothing that needs memory.
    """,
    test="""
        The gradient check passes with sequences of length 1 and fails from length 2 on. Compare with the gradient
        of one use of W at a time.
    """,
    example="""
        for t in reversed(range(T)):
            dz = (d_out[t] + dh) * (1 - h[t] ** 2)
            dW = h[t - 1].T @ dz                # overwrites the later steps
            dh = dz @ W.T
    """,
    use_instead="""
        dW = np.zeros_like(W)
        for t in reversed(range(T)):
            dz = (d_out[t] + dh) * (1 - h[t] ** 2)
            dW += h[t - 1].T @ dz
            dh = dz @ W.T
    """,
    fix="""
        Start from zeros, add at every step, and hand both parts of the delta to the step before.
    """,
    false_alarm="""
        Truncation after k steps is a common choice for long sequences; it bounds the memory and the check fails for
        it by design.
    """,
    checked_in=("handwritten",),
    references=("Werbos, Backpropagation through time: what it does and how to do it, 1990",),
)
