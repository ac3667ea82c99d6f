"""The error is carried back through the wrong weights."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="backprop-weights-wrong",
    title="the error is carried back through the wrong weights",
    group="gradient",
    what_it_does="""
        Between two layers the delta has to be multiplied by the transpose of the very matrix that the forward pass
        used. Here it meets another one: W instead of Wᵀ, the matrix of a neighbouring layer, or a quantity that
        merely has the right shape, such as the update of the weights.
    """,
    why_it_hurts="""
        `δ_l = δ_{l+1} W_{l+1}ᵀ ⊙ φ′(z_l)` says how much each hidden unit contributed to the error: by its outgoing
        weights. Another matrix assigns the blame at random. If two layers have the same size, nothing complains
        about shapes. The network then learns with its last layer only; the hidden features stay what chance made
        them, and the loss cannot fall below the best fit on those frozen features.
    """,
    test="""
        Go from the output backwards with the gradient check: the first wrong tensor lies directly below the product
        in question. Replace the operand by each recorded array of that shape and by transposes; the one that brings
        the relative error under 1e-6 is what belongs there.
    """,
    example="""
        delta_output = (output - y) * output * (1 - output)
        update_output = -lr * hidden.T @ delta_output
        delta_hidden = (delta_output @ update_output.T) * hidden * (1 - hidden)
    """,
    use_instead="""
        delta_output = (output - y) * output * (1 - output)
        update_output = -lr * hidden.T @ delta_output
        delta_hidden = (delta_output @ W_output.T) * hidden * (1 - hidden)
    """,
    fix="""
        Use the transpose of the forward matrix, as it was during the forward pass (before this step's update).
    """,
    false_alarm="""
        With weights stored as (out, in) the backward product is `δ @ W` without a transpose, and with samples in
        columns it is `W.T @ δ`. Feedback alignment uses a fixed random matrix here on purpose.
    """,
    checked_in=("handwritten",),
    references=(
        "Lillicrap and others, Random synaptic feedback weights support error backpropagation for deep learning, 2016",
    ),
)
