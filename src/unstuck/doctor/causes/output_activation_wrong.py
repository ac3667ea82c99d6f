"""The output activation does not fit the task."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="output-activation-wrong",
    title="the output activation does not fit the task",
    group="activations",
    what_it_does="""
        A regression ends in a sigmoid or ReLU, a single unit in a softmax, a classifier over K classes in tanh.
    """,
    why_it_hurts="""
        Softmax over one unit is e^z/e^z = 1: constant, gradient 0. ReLU cannot answer below 0 and, once z < 0 for
        all rows, is dead. tanh under a cross-entropy takes the logarithm of negative numbers.
    """,
    test="""
        The range and the spread of the outputs against those of the targets; a constant output whatever the input.
    """,
    example="""
        model.add(keras.layers.Dense(1, activation="softmax"))      # always 1
    """,
    use_instead="""
        model.add(keras.layers.Dense(1, activation="sigmoid"))
    """,
    fix="""
        Regression: none. Two classes: one sigmoid. One of K classes: softmax over K. Several of K: K sigmoids.
        Counts: exp or softplus.
    """,
    false_alarm="""
        A bounded output for a bounded quantity (a share, an angle's sine) is a good choice.
    """,
)
