"""The delta of the output layer is wrong."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="output-delta-wrong",
    title="the delta of the output layer is wrong",
    group="gradient",
    what_it_does="""
        The backward pass starts from a quantity that is not the derivative of the loss with respect to the output
        layer's pre-activation: the difference has the wrong sign (`y - p` where `p - y` belongs), the target is
        missing (`p` alone), or the difference does not fit the pair of output activation and loss.
    """,
    why_it_hurts="""
        Every other gradient of the network is this delta carried backwards, so a mistake here is in all of them.
        With the sign turned, each step climbs the loss; with the target missing, the network is pushed towards 0
        whatever the labels say.

        The right start depends on the pair of output and loss:

            squared error ½·Σ(a − y)², activation φ:    δ = (a − y) ⊙ φ′(z)
            sigmoid with binary cross-entropy:          δ = a − y
            softmax with cross-entropy:                 δ = p − y   (y one-hot)
    """,
    test="""
        Compare the gradient of the last layer with its central difference: for a direction v, `(L(W+hv) − L(W−hv))
        / 2h` against `Σ dW·v`. A cosine of −1 between the two is a turned sign; any other cosine, while `aᵀδ` uses
        the right `a`, means that δ itself is wrong. The layers below cannot be judged before this one is right.
    """,
    example="""
        p = softmax(z2)
        d2 = y - p                      # the sign is turned, and W is still decreased below
        dW2 = a1.T @ d2 / len(x)
        W2 -= lr * dW2
    """,
    use_instead="""
        p = softmax(z2)
        d2 = p - y
        dW2 = a1.T @ d2 / len(x)
        W2 -= lr * dW2
    """,
    fix="""
        Derive δ from the loss you really minimise and the activation you really use, and write it once. With
        softmax and cross-entropy, or sigmoid and binary cross-entropy, it is `p - y` with no further factor.
    """,
    false_alarm="""
        `y - p` is right when the update adds it (`W += lr * …`): the two signs cancel. And `output - target`
        without `φ′` is right under cross-entropy. Only the product of delta and update counts, never the spelling
        of one of them.
    """,
    checked_in=("handwritten",),
    references=(
        "Bishop, Pattern Recognition and Machine Learning, 2006, section 5.3 (the delta of each output and error function)",
    ),
)
