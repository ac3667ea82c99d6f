"""Simple models that find out whether targets depend on inputs at all, judged on rows they were not fitted to."""

from __future__ import annotations

import numpy as np

from ..records import Array
from .values import is_one_hot

MOST_ROWS = 1000
PERMUTATIONS = 9
NEIGHBOURS = 7
FOLDS = 3


def signal(x: Array, t: Array, *, trees: bool = True) -> tuple[float, float]:
    """The best cross-validated score of simple models, and the best of nine with permuted targets.

    Nearest neighbours and a linear fit come first; only where they find nothing clear, trees are asked, too (they are slow:
    ``trees`` False leaves them out). Scores are balanced accuracy or R².
    """
    rng = np.random.default_rng(0)
    if len(x) > MOST_ROWS:
        chosen = rng.choice(len(x), MOST_ROWS, replace=False)
        x, t = x[chosen], t[chosen]
    classes = is_one_hot(t) or (t.shape[1] == 1 and len(np.unique(t)) == 2)
    if is_one_hot(t):
        y = t.argmax(axis=1)
    elif t.shape[1] == 1:
        y = (t[:, 0] > t[:, 0].mean()).astype(int) if classes else t[:, 0]
    else:
        y = t
    spread = x.std(axis=0)
    z = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    fold = np.arange(len(z)) % FOLDS
    fold = fold[rng.permutation(len(z))]
    clear = 1 / len(np.unique(y)) + 0.2 if classes else 0.15
    quick = _quick(z, y, classes, fold)
    if quick > clear and len(x) >= 100:
        return quick, 0.0 if not classes else 1 / len(np.unique(y))  # far above anything that chance could give
    true = max(quick, _trees(z, y, classes, fold)) if trees else quick
    if true > clear and len(x) >= 100:
        return true, 0.0 if not classes else 1 / len(np.unique(y))
    null = -np.inf
    for _ in range(PERMUTATIONS):
        shuffled = y[rng.permutation(len(y))]
        null = max(null, _quick(z, shuffled, classes, fold))
        null = max(null, _trees(z, shuffled, classes, fold)) if trees else null
    return true, float(null)


def _quick(z: Array, y: Array, classes: bool, fold: Array) -> float:
    """Nearest neighbours and a ridge regression (of one-hot rows, for classes), whichever is better."""
    targets = np.eye(int(y.max()) + 1)[y] if classes else y.reshape(len(y), -1)
    near, linear = np.zeros(targets.shape), np.zeros(targets.shape)
    for k in range(FOLDS):
        inside, outside = fold != k, fold == k
        if classes and len(np.unique(y[inside])) < 2:
            return 0.0
        a, b = z[inside], z[outside]
        distance = (b**2).sum(axis=1)[:, None] + (a**2).sum(axis=1)[None, :] - 2 * b @ a.T
        count = min(NEIGHBOURS, len(a))
        closest = np.argpartition(distance, count - 1, axis=1)[:, :count]
        near[outside] = targets[inside][closest].mean(axis=1)
        design = np.column_stack([a, np.ones(len(a))])
        penalty = np.eye(design.shape[1])
        penalty[-1, -1] = 0.0
        weights = np.linalg.solve(design.T @ design + penalty + 1e-9 * np.eye(len(penalty)), design.T @ targets[inside])
        linear[outside] = np.column_stack([b, np.ones(len(b))]) @ weights
    return max(_score(y, targets, near, classes), _score(y, targets, linear, classes))


def _trees(z: Array, y: Array, classes: bool, fold: Array) -> float:
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    model = ExtraTreesClassifier(25, random_state=0) if classes else ExtraTreesRegressor(25, random_state=0)
    targets = np.eye(int(y.max()) + 1)[y] if classes else y.reshape(len(y), -1)
    answers = np.zeros(targets.shape)
    for k in range(FOLDS):
        inside, outside = fold != k, fold == k
        if classes and len(np.unique(y[inside])) < 2:
            return 0.0
        answer = np.asarray(model.fit(z[inside], y[inside]).predict(z[outside]))
        answers[outside] = np.eye(targets.shape[1])[answer] if classes else answer.reshape(-1, targets.shape[1])
    return _score(y, targets, answers, classes)


def _score(y: Array, targets: Array, answers: Array, classes: bool) -> float:
    if classes:
        chosen = answers.argmax(axis=1)
        return float(np.mean([np.mean(chosen[y == k] == k) for k in np.unique(y)]))
    spread = float(((targets - targets.mean(axis=0)) ** 2).sum()) or 1.0
    return 1 - float(((targets - answers) ** 2).sum()) / spread
