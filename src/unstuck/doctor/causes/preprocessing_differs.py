"""Data are prepared differently for training and for prediction."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="preprocessing-differs",
    title="data are prepared differently for training and for prediction",
    group="data",
    what_it_does="""
        What the network sees at prediction time went through other steps than what it was trained on: pixels
        divided by 255 here and not there, another mean and spread, channels in another order, another tokenisation.
    """,
    why_it_hurts="""
        The network is a function of prepared inputs. Given others it answers for a region it never saw: with raw
        pixels instead of scaled ones all units saturate and one class wins for every image, so training accuracy is
        0.9 and test accuracy 0.1. The curve of the training is flawless.
    """,
    test="""
        Run the prediction path on training rows: its metric must equal the training metric. Compare minimum,
        maximum, mean and spread of what enters the first layer in both paths.
    """,
    example="""
        train(network, x_train / 255.0, y_train)
        accuracy = np.mean(network.predict(x_test) == y_test)
    """,
    use_instead="""
        train(network, x_train / 255.0, y_train)
        accuracy = np.mean(network.predict(x_test / 255.0) == y_test)
    """,
    fix="""
        One function that prepares, called by both, with statistics of the training rows stored beside the weights.
    """,
    false_alarm="""
        Augmentation belongs to training only. Small differences of statistics between sets are sampling, not
        preparation.
    """,
    checked_in=("handwritten",),
)
