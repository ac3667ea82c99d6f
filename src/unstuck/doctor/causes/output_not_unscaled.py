"""Predictions stay in scaled units."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="output-not-unscaled",
    title="predictions stay in scaled units",
    group="evaluation",
    what_it_does="""
        The targets were standardised for training, and predictions are compared with the raw targets without
        undoing it.
    """,
    why_it_hurts="""
        If y′ = (y − μ)/σ was learnt, then the network answers around 0 with spread 1. Against prices of 300,000 the
        error is as large as the price itself, although R² in scaled units is excellent.
    """,
    test="""
        Regress the raw targets on the predictions: a high correlation with slope σ and offset μ instead of 1 and 0.
    """,
    example="""
        error = np.mean(np.abs(network.predict(x_test) - prices_test))
    """,
    use_instead="""
        predicted = network.predict(x_test) * std + mean
        error = np.mean(np.abs(predicted - prices_test))
    """,
    fix="""
        Keep mean and spread with the network, and undo the scaling in the prediction function. After a logarithm,
        `np.exp` of the prediction.
    """,
    false_alarm="""
        Figures in scaled units are fine when both sides are scaled and this is said.
    """,
)
