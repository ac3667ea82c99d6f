"""Test data leak into training."""

from unstuck.doctor.causes import Cause

CAUSE = Cause(
    slug="train-test-leak",
    title="test data leak into training",
    group="data",
    what_it_does="""
        Rows of the test set, or knowledge of them, take part in training: duplicates across the split, scaling or
        feature choice on all rows, neighbouring moments of one recording on both sides, the test set used to choose
        when to stop, or the test set being the training set.
    """,
    why_it_hurts="""
        The reported figure then measures memory. It is too good, by an amount nobody knows, and the disappointment
        comes in use.
    """,
    test="""
        Hash rows and look for common ones, also nearly equal ones; look for a single feature that alone predicts
        the target; trace which rows each statistic was made from. Selecting 20 of 10,000 random features on all
        rows gives good "test" scores on pure noise: repeat your pipeline with permuted targets.
    """,
    example="""
        x = StandardScaler().fit_transform(x)           # sees the test rows
        x = SelectKBest(k=20).fit_transform(x, y)       # sees their labels, too
        x_train, x_test, y_train, y_test = train_test_split(x, y)
    """,
    use_instead="""
        x_train, x_test, y_train, y_test = train_test_split(x, y)
        model = make_pipeline(StandardScaler(), SelectKBest(k=20), MLPClassifier())
        model.fit(x_train, y_train)
    """,
    fix="""
        Split first, by person, recording or time where rows belong together. Fit everything, scaling included, on
        the training part only. Keep a third set for choices.
    """,
    false_alarm="""
        Scaling on all rows changes the figure little when the sets are large and alike; it is still worth mending.
        Common rows in data with few distinct values are unavoidable.
    """,
    references=("Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2009, section 7.10.2",),
)
