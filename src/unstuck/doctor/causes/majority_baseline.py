"""Always answering the majority passes for learning."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="majority-baseline",
    title="always answering the majority passes for learning",
    group="evaluation",
    what_it_does="""
        A high accuracy equals the share of the most frequent class: the network gives one answer to everything.
    """,
    why_it_hurts="""
        With 90 % of one class, 0.90 is what no network at all achieves. Only what exceeds the baseline is learnt.
        For regression the baseline is the mean, with R² = 0.
    """,
    test="""
        Accuracy against the majority's share; balanced accuracy against 1/K; the number of distinct predictions.
    """,
    example="""
        print("accuracy", np.mean(prediction == y))             # 0.90: good?
    """,
    use_instead="""
        print("accuracy", np.mean(prediction == y), "majority", np.bincount(y).max() / len(y))
        print("balanced", balanced_accuracy_score(y, prediction))
    """,
    fix="""
        Report the baseline beside the figure, and balanced accuracy for unequal classes.
    """,
    false_alarm="""
        Where the data hold no more, the baseline is the right answer.
    """,
)
