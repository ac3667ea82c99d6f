"""Probabilities go into a loss that expects logits."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="double-softmax",
    title="probabilities go into a loss that expects logits",
    group="loss",
    what_it_does="""
        The network ends in a softmax (or sigmoid) and the loss applies it again, because it expects logits; or the
        reverse: logits go into a loss that expects probabilities.
    """,
    why_it_hurts="""
        The second softmax sees numbers between 0 and 1: its largest possible output is e/(e+K−1), so even a perfect
        answer costs ln(1+(K−1)/e): 1.461 for ten classes, 0.313 for two. Gradients are flat, training creeps. In
        the reverse case logarithms of negative numbers give NaN.
    """,
    test="""
        The loss of a perfect prediction must be 0. Rows that sum to 1 entering a loss of logits; a training loss
        that stops at the floor above while accuracy is high.
    """,
    example="""
        network = nn.Sequential(nn.Linear(784, 10), nn.Softmax(dim=1))
        loss = nn.CrossEntropyLoss()(network(x), labels)
    """,
    use_instead="""
        network = nn.Sequential(nn.Linear(784, 10))
        loss = nn.CrossEntropyLoss()(network(x), labels)
    """,
    fix="""
        Give logits to losses that say `with_logits`, `from_logits=True` or (PyTorch) CrossEntropyLoss; take softmax
        only for reading the probabilities.
    """,
    false_alarm="""
        `NLLLoss` wants log-probabilities: log_softmax before it is right. Log-probabilities into CrossEntropyLoss
        are harmless, since log_softmax of them is the same again.
    """,
)
