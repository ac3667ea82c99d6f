"""Loss and number of outputs do not fit each other."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="loss-output-mismatch",
    title="loss and number of outputs do not fit each other",
    group="loss",
    what_it_does="""
        Categorical cross-entropy with one output unit, binary cross-entropy with K > 2 exclusive classes in a
        softmax, a loss of K columns for labels of one.
    """,
    why_it_hurts="""
        Categorical cross-entropy of one softmax unit is −y·ln 1 = 0: the loss is 0 from the first step, nothing
        trains, and "accuracy" counts agreements of a constant. Binary cross-entropy on one-hot rows reports an
        accuracy of 0.9 for ten classes when everything is answered 0.
    """,
    test="""
        A loss that is exactly 0 or constant while answers are wrong; the accuracy recomputed by hand.
    """,
    example="""
        model = keras.Sequential([keras.layers.Dense(1, activation="softmax")])
        model.compile(loss="categorical_crossentropy", metrics=["accuracy"])
    """,
    use_instead="""
        model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
        model.compile(loss="binary_crossentropy", metrics=["accuracy"])
    """,
    fix="""
        One sigmoid with the binary form, K softmax units with the categorical form.
    """,
    false_alarm="""
        Two softmax units for two classes are as right as one sigmoid.
    """,
)
