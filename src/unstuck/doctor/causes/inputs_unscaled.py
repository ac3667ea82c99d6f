"""The inputs are not scaled."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="inputs-unscaled",
    title="the inputs are not scaled",
    group="data",
    what_it_does="""
        Features enter the network in their raw units: pixels from 0 to 255, incomes in the tens of thousands beside
        ages, or features whose spreads differ by orders of magnitude.
    """,
    why_it_hurts="""
        A pre-activation is a sum of many inputs times weights. With pixel values around 100 and 784 of them, usual
        initial weights give |z| in the hundreds: sigmoid and tanh are flat there (φ′ ≈ 0), ReLU outputs and the
        gradient of the first layer are hundreds of times too large. With very different spreads the loss is a
        narrow valley: the curvature along a weight goes with the square of its feature's scale, and a rate short
        enough for the steepest direction is far too short for all others.
    """,
    test="""
        Mean and standard deviation per feature; then the counter-experiment: standardise, same seed, nothing else
        changed. It counts only if the loss falls clearly further on several seeds.
    """,
    example="""
        x = images.reshape(-1, 784)                     # 0 .. 255
        y = one_hot(labels)
        train(network, x, y, lr=0.1)
    """,
    use_instead="""
        x = images.reshape(-1, 784) / 255.0             # or (x - mean) / std, from the training rows
        y = one_hot(labels)
        train(network, x, y, lr=0.1)
    """,
    fix="""
        Divide pixels by 255, standardise tables feature by feature, take logarithms of quantities that span
        decades. Use the training rows' statistics for every other set too.
    """,
    false_alarm="""
        Inputs between −1 and 1 or 0 and 1 are fine as they are; embeddings of indices and one-hot columns need no
        scaling. Trees do not care, networks do.
    """,
    checked_in=("handwritten",),
    references=("LeCun, Bottou, Orr and Müller, Efficient BackProp, 1998, section 4.3",),
)
