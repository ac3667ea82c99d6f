"""Metrics beside scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from unstuck import metrics

pairs = st.integers(1, 30).flatmap(
    lambda n: st.tuples(*(st.lists(st.integers(0, 4), min_size=n, max_size=n).map(np.array) for _ in range(2)))
)


@settings(deadline=None)
@given(pairs)
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true", "ignore:A single label was found")
def test_accuracies_and_confusion_matrix_are_scikit_learns(pair: tuple[np.ndarray, np.ndarray]) -> None:
    labels, predicted = pair
    assert metrics.accuracy(labels, predicted) == pytest.approx(oracle.accuracy_score(labels, predicted))
    assert metrics.balanced_accuracy(labels, predicted) == pytest.approx(
        oracle.balanced_accuracy_score(labels, predicted)
    )
    expected = oracle.confusion_matrix(labels, predicted, labels=range(5))
    assert np.array_equal(metrics.confusion_matrix(labels, predicted, 5), expected)
    count = int(max(labels.max(), predicted.max())) + 1
    assert np.array_equal(metrics.confusion_matrix(labels, predicted), expected[:count, :count])


@pytest.mark.parametrize("k", [1, 2, 3, 6])
@pytest.mark.filterwarnings("ignore:'k' .* greater than or equal to 'n_classes'")
def test_top_k_accuracy_is_scikit_learns_where_no_scores_are_equal(k: int) -> None:
    rng = np.random.default_rng(k)
    labels, scores = rng.integers(0, 6, 200), rng.random((200, 6))
    expected = oracle.top_k_accuracy_score(labels, scores, k=k, labels=range(6))
    assert metrics.top_k_accuracy(labels, scores, k) == pytest.approx(expected)


def test_equal_scores_count_as_ranked_last() -> None:
    assert metrics.top_k_accuracy(np.array([0]), np.array([[1.0, 1.0, 0.0]]), 1) == 0
    assert metrics.top_k_accuracy(np.array([0]), np.array([[1.0, 1.0, 0.0]]), 2) == 1


@pytest.mark.parametrize("shape", [(50,), (50, 1), (50, 3)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
def test_errors_and_r2_are_scikit_learns_for_any_type_of_number(shape: tuple[int, ...], dtype: type) -> None:
    rng = np.random.default_rng(0)
    targets, predicted = ((rng.random(shape) * 200).astype(dtype) for _ in range(2))
    for mine, theirs in (
        (metrics.mean_absolute_error, oracle.mean_absolute_error),
        (metrics.mean_squared_error, oracle.mean_squared_error),
        (metrics.r2, oracle.r2_score),
    ):
        assert mine(targets, predicted) == pytest.approx(theirs(targets.astype(float), predicted.astype(float)))


def test_r2_leaves_columns_out_that_never_change() -> None:
    targets = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    predicted = np.add(targets, [[0.1, 1.0], [0.0, -1.0], [0.0, 0.5]])
    assert metrics.r2(targets, predicted) == pytest.approx(oracle.r2_score(targets[:, 0], predicted[:, 0]))
    assert np.isnan(metrics.r2(np.ones(3), np.zeros(3)))
