"""Biases or normalisation parameters are decayed too."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="bias-penalised",
    title="biases or normalisation parameters are decayed too",
    group="regularisation",
    what_it_does="""
        Weight decay is applied to all parameters, or applied twice: as a penalty in the loss and as the optimiser's
        decay.
    """,
    why_it_hurts="""
        A bias sets where a unit switches, a norm's gain its scale: pulling them to 0 makes no function simpler and
        shifts the output towards 0. Applied twice, the decay is the sum of both; inside Adam, a penalty is also
        rescaled by the gradient's size, so it is not the decay you asked for.
    """,
    test="""
        Split the update into gradient and decay, parameter by parameter.
    """,
    example="""
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, weight_decay=1e-2)
        loss = cross_entropy(p, y) + 1e-2 * sum((w**2).sum() for w in network.parameters())
    """,
    use_instead="""
        matrices = [w for w in network.parameters() if w.ndim > 1]
        vectors = [w for w in network.parameters() if w.ndim <= 1]
        optimizer = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": 1e-2}, {"params": vectors, "weight_decay": 0.0}], lr=1e-3
        )
        loss = cross_entropy(p, y)
    """,
    fix="""
        Decay matrices only, in one place; with Adam the decoupled form (AdamW).
    """,
    false_alarm="""
        With small decay the difference is small.
    """,
    references=("Loshchilov and Hutter, Decoupled weight decay regularization, 2019",),
)
