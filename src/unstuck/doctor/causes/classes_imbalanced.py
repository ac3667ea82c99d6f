"""One class outnumbers the others."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="classes-imbalanced",
    title="one class outnumbers the others",
    group="data",
    what_it_does="""
        Most rows belong to one class, and the loss counts every row alike.
    """,
    why_it_hurts="""
        Always answering the majority is a strong local optimum: with 98 % of one class the accuracy is 0.98 from
        the first steps, and the gradient of the rare class is fifty times outvoted. The balanced accuracy, the mean
        of the recalls, stays at 1/K and tells the truth.
    """,
    test="""
        Balanced accuracy about 1/K while accuracy is about the majority's share; hardly any prediction of a rare
        class.
    """,
    example="""
        loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))    # 2 % positives
    """,
    use_instead="""
        weight = np.where(y == 1, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
        loss = -np.mean(weight * (y * np.log(p) + (1 - y) * np.log(1 - p)))
    """,
    fix="""
        Report balanced accuracy or the confusion matrix first. Then weight the loss by 1/class share, or sample
        classes evenly, or move the decision threshold.
    """,
    false_alarm="""
        If the costs of mistakes follow the natural shares, unweighted training with a sensible threshold is right,
        and weights only spoil the probabilities.
    """,
)
