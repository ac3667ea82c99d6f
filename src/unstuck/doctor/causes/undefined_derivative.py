"""The derivative is undefined where the value is fine."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="undefined-derivative",
    title="the derivative is undefined where the value is fine",
    group="numerics",
    what_it_does="""
        The forward pass is finite, but a derivative is not: √ at 0, a norm of a zero vector, x^p at 0, 0·log 0, an
        `np.where` whose unused branch is undefined.
    """,
    why_it_hurts="""
        d√x/dx = 1/(2√x) is infinite at 0, and ∞·0 in the chain rule is NaN. With `where(x > 0, log(x), 0)`
        automatic differentiation also differentiates the branch not taken: 0·∞ = NaN. One such element makes the
        whole gradient NaN while the loss prints as usual, once.
    """,
    test="""
        A finite loss and a non-finite gradient; find the first non-finite tensor on the way back, with its
        operation.
    """,
    example="""
        distance = torch.sqrt(((a - b) ** 2).sum(dim=1))        # a == b happens
    """,
    use_instead="""
        distance = torch.sqrt(((a - b) ** 2).sum(dim=1) + 1e-12)
    """,
    fix="""
        ε inside the root, a safe input for the unused branch, the squared distance instead.
    """,
    false_alarm="""
        ReLU's kink at 0 is undefined in theory and harmless: any value between 0 and 1 serves.
    """,
)
