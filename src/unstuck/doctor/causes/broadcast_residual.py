"""Prediction and target have shapes that broadcast to a matrix."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="broadcast-residual",
    title="prediction and target have shapes that broadcast to a matrix",
    group="gradient",
    what_it_does="""
        Predictions of shape (N, 1) meet targets of shape (N,). Their difference is not N residuals but an (N, N)
        matrix of every prediction against every target.
    """,
    why_it_hurts="""
        The mean of that matrix is

            mean_ij (p_i − y_j)² = mean_i (p_i − ȳ)² + var(y),

        which does not know which target belongs to which row. Its minimum is the constant prediction ȳ, and the
        loss settles at the variance of y. No error is raised.
    """,
    test="""
        Look at the shape of the residual: it must be that of the targets. Permuting y must change the loss; with
        this fault it does not.
    """,
    example="""
        prediction = h @ W2 + b2                # (N, 1)
        loss = np.mean((prediction - y) ** 2)   # y is (N,): an (N, N) matrix
    """,
    use_instead="""
        prediction = (h @ W2 + b2)[:, 0]        # (N,)
        loss = np.mean((prediction - y) ** 2)
    """,
    fix="""
        Give both the same shape, `y = y.reshape(-1, 1)` or `prediction[:, 0]`, and assert it where the loss is
        computed.
    """,
    false_alarm="""
        Pairwise losses (contrastive learning, kernels) want the N×N matrix.
    """,
    checked_in=("handwritten",),
)
