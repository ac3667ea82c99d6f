"""The first steps only learn the class shares."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="output-bias-ignores-prior",
    title="the first steps only learn the class shares",
    group="initialisation",
    what_it_does="""
        With very unequal classes, or a regression far from 0, the output bias starts at 0 and the network first has
        to find the base rate.
    """,
    why_it_hurts="""
        The loss starts at ln 2 or ln K although the entropy of the labels is far lower, say 0.06 for 1 % positives.
        The first epoch goes into the bias, with large gradients that also push the weights about: the curve has the
        shape of a hockey stick and early values say nothing.
    """,
    test="""
        The first loss beside the entropy of the class shares (or var(y) for a regression, after subtracting the
        mean).
    """,
    example="""
        b_out = np.zeros(1)                             # 1 % positives
    """,
    use_instead="""
        share = y_train.mean()
        b_out = np.array([np.log(share / (1 - share))])
    """,
    fix="""
        Start the bias at the logit of the share, at ln of the shares for a softmax, at mean(y) for a regression.
    """,
    false_alarm="""
        With balanced classes and standardised targets zero is right; with long training it makes no difference in
        the end.
    """,
)
