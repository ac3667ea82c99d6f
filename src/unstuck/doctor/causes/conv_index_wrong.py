"""An index of the convolution is wrong."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="conv-index-wrong",
    title="an index of the convolution is wrong",
    group="gradient",
    what_it_does="""
        Stride, padding or flip differ between the forward and the backward pass of a convolution: the gradient of
        the input uses the kernel unflipped, borders are lost, the stride is not undone.
    """,
    why_it_hurts="""
        If the forward pass is `y[i] = Σ_k x[i·s + k − p]·w[k]`, then

            ∂L/∂w[k] = Σ_i δ[i]·x[i·s + k − p],     ∂L/∂x[j] = Σ_k δ[(j + p − k)/s]·w[k]

        with the last sum over those k for which the division is whole. Shifting one index by one takes the gradient
        of a neighbouring pixel. Images are smooth, so the mistake is nearly right and training goes on, badly.
    """,
    test="""
        On a tiny input (5×5, one channel) with a single 1 in it, compare the response and its gradient element by
        element with a direct loop over the definition. Try stride 1 and 2, padding 0 and 1 apart.
    """,
    example="""
        for k in range(K):
            dx[:, k : k + n] += d * w[K - 1 - k]        # flipped, but the forward pass was not
    """,
    use_instead="""
        for k in range(K):
            dx[:, k : k + n] += d * w[k]                # same offset and tap as in the forward pass
    """,
    fix="""
        Write the forward pass as a loop over kernel positions with slices; the backward pass is then the same loop
        with the assignment turned round.
    """,
    false_alarm="""
        Cross-correlation instead of mathematical convolution (no flip) is what all frameworks call convolution.
        Only a disagreement of forward and backward is a fault.
    """,
    checked_in=("handwritten",),
)
