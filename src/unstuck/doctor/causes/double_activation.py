"""An activation is applied twice."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="double-activation",
    title="an activation is applied twice",
    group="activations",
    what_it_does="""
        The layer applies its activation and the next line does so again: softmax inside the layer and outside,
        `sigmoid(sigmoid(z))`, ReLU after ReLU.
    """,
    why_it_hurts="""
        A second sigmoid squeezes (0, 1) into (0.5, 0.73): the answer 0 is out of reach. A second softmax limits the
        largest probability to e/(e+K−1), 0.232 for ten classes, and the cross-entropy to no less than 1.461.
    """,
    test="""
        The largest output ever seen: 0.73 for two sigmoids, e/(e+K−1) for two softmaxes.
    """,
    example="""
        model.add(keras.layers.Dense(10, activation="softmax"))
        model.add(keras.layers.Softmax())
    """,
    use_instead="""
        model.add(keras.layers.Dense(10, activation="softmax"))
    """,
    fix="""
        Apply it in one place.
    """,
    false_alarm="""
        ReLU twice changes nothing.
    """,
)
