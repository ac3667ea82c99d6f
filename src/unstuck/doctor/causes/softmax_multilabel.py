"""Softmax is used where several labels may be true."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="softmax-multilabel",
    title="softmax is used where several labels may be true",
    group="activations",
    what_it_does="""
        Each example can have several labels, or none, and the output is a softmax.
    """,
    why_it_hurts="""
        Softmax shares out exactly 1. With three true labels the best it can do is ⅓ each, with none it must still
        name one; a threshold of ½ then finds nothing.
    """,
    test="""
        Rows of y that do not sum to 1.
    """,
    example="""
        p = softmax(z)                                  # tags: several per picture
        loss = -np.mean(np.sum(y * np.log(p), axis=1))
    """,
    use_instead="""
        p = sigmoid(z)
        loss = -np.mean(np.sum(y * np.log(p) + (1 - y) * np.log(1 - p), axis=1))
    """,
    fix="""
        Independent sigmoids with binary cross-entropy.
    """,
    false_alarm="""
        Rows that sum to 1 without being one-hot are distributions: softmax fits them.
    """,
)
