"""The labels are encoded differently from what the loss expects."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="label-encoding-mismatch",
    title="the labels are encoded differently from what the loss expects",
    group="data",
    what_it_does="""
        One-hot rows meet a loss that wants class numbers, or class numbers meet one that wants one-hot rows.
    """,
    why_it_hurts="""
        Sometimes it fails with a shape error, and that is the good case. The bad one: class numbers of shape (N,)
        or (N, 1) broadcast against probabilities of shape (N, K), and label 7 is taken as a target of 7.0 for every
        class. The loss is then far from ln K at the start and its minimum is nowhere useful.
    """,
    test="""
        The loss of a fresh network against ln K (2.303 for ten classes); the shape of y against that of p; rows of
        y that sum to 1.
    """,
    example="""
        y = labels[:, None]                             # (N, 1): 0 .. 9
        loss = -np.mean(np.sum(y * np.log(p), axis=1))  # broadcasts over 10 classes
    """,
    use_instead="""
        y = np.eye(10)[labels]                          # (N, 10)
        loss = -np.mean(np.sum(y * np.log(p), axis=1))
    """,
    fix="""
        Choose one encoding and the loss that belongs to it: one-hot with categorical, numbers with sparse
        categorical cross-entropy.
    """,
    false_alarm="""
        Soft labels (mixtures, smoothed targets) are not one-hot and still right for the categorical form.
    """,
)
