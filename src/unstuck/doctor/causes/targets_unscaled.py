"""The targets of a regression are not scaled."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="targets-unscaled",
    title="the targets of a regression are not scaled",
    group="data",
    what_it_does="""
        The target is a price in hundreds of thousands or a quantity of 1e-6, while a fresh network answers numbers
        around 1.
    """,
    why_it_hurts="""
        The squared error starts at mean(y²), and its gradient is proportional to the residual: targets of 1e5 make
        gradients 1e5 times too long for the usual rates, and one step throws the weights to infinity. With small
        rates the output bias first has to walk all the way to the mean. Tiny targets do the reverse: the residual
        is next to 0 at once and nothing is learnt.
    """,
    test="""
        std(y) and mean(y) against 1 and 0; then the counter-experiment: standardise y, same seed, and compare in
        the original units.
    """,
    example="""
        y = prices                                      # about 300,000
        train(network, x, y, lr=1e-2)
    """,
    use_instead="""
        mean, std = prices[train_rows].mean(), prices[train_rows].std()
        y = (prices - mean) / std                       # predict with output * std + mean
        train(network, x, y, lr=1e-2)
    """,
    fix="""
        Standardise the targets with the training rows' mean and spread, and undo it for predictions. For prices and
        counts take the logarithm first.
    """,
    false_alarm="""
        A rate found for the raw scale can work; then it is a matter of comfort.
    """,
)
