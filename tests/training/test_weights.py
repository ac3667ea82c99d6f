"""Weights of rows and classes: a weight of 2 is a second copy of the row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.training.examples import row_weights

RNG = np.random.default_rng(4)
X = RNG.normal(size=(12, 3))
Y = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2])


def trained(x: Any, y: Any, **settings: Any) -> tuple[dict[str, Any], us.Run]:
    network = nn.Network(nn.Dense(3), nn.Tanh(), nn.Dense(3), input_shape=3, dtype="float64", seed=1)
    run = us.fit(network, (x, y), batch_size=None, epochs=5, optimizer=us.SGD(0.1), preprocessing="none", **settings)
    return network.parameters, run


def agree(a: dict[str, Any], b: dict[str, Any]) -> None:
    for name in a:
        np.testing.assert_allclose(a[name], b[name], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("batch", ["mean", "sum"])
def test_whole_sample_weights_equal_duplicated_rows(batch: str) -> None:
    times = np.array([1, 3, 1, 0, 2, 1, 1, 1, 4, 1, 1, 2])
    loss = nn.CrossEntropy(batch=batch)
    weighted, run = trained(X, Y, sample_weight=times, loss=loss)
    copied, other = trained(np.repeat(X, times, axis=0), np.repeat(Y, times), loss=loss)
    agree(weighted, copied)
    assert run.history["loss"] == pytest.approx(other.history["loss"])


@pytest.mark.parametrize("batch", ["mean", "sum"])
@pytest.mark.parametrize("form", [{0: 1, 1: 3, 2: 2}, [1, 3, 2], {"1": 3, "2": 2}], ids=["numbers", "list", "names"])
def test_whole_class_weights_equal_duplicated_rows(form: Any, batch: str) -> None:
    times = np.array([1, 3, 2])[Y]
    loss = nn.CrossEntropy(batch=batch)
    weighted, _ = trained(X, Y, class_weight=form, loss=loss)
    agree(weighted, trained(np.repeat(X, times, axis=0), np.repeat(Y, times), loss=loss)[0])


def test_balanced_gives_every_class_the_same_total_weight() -> None:
    data = us.Dataset.from_arrays(X, Y)
    weights = row_weights(data, None, "balanced", normalise=True)
    assert weights is not None
    assert [weights[k == Y].sum() for k in range(3)] == pytest.approx([4, 4, 4])
    assert weights.mean() == pytest.approx(1)
    agree(trained(X, Y, class_weight="balanced")[0], trained(X, Y, class_weight=[1 / 7, 1 / 3, 1 / 2])[0])


def test_sample_and_class_weights_multiply() -> None:
    sample = RNG.random(12)
    agree(
        trained(X, Y, sample_weight=sample, class_weight=[1, 2, 3])[0],
        trained(X, Y, sample_weight=sample * np.array([1, 2, 3])[Y])[0],
    )


def test_rows_of_weight_zero_do_not_count() -> None:
    keep = np.arange(12) % 4 != 0
    agree(trained(X, Y, sample_weight=keep.astype(float))[0], trained(X[keep], Y[keep])[0])


def test_a_class_that_does_not_occur_may_have_a_weight() -> None:
    names = ("a", "b", "c", "d")
    data = us.Dataset.from_arrays(X, Y, class_names=names)
    for form in ({3: 5.0}, {"d": 5.0}, [1, 1, 1, 5], "balanced"):
        assert row_weights(data, None, form, normalise=True) is not None


def test_mini_batches_of_weighted_rows_give_the_weighted_mean_of_the_epoch() -> None:
    weights = RNG.random(12) + 0.1
    network = nn.Network(nn.Dense(3), input_shape=3, dtype="float64")
    run = us.fit(network, (X, Y), sample_weight=weights, batch_size=5, epochs=1, optimizer=us.SGD(1e-12))
    z = network.outputs(X)
    rows = np.log(np.exp(z).sum(1)) - z[np.arange(12), Y]
    assert run.history["loss"][0] == pytest.approx(np.average(rows, weights=weights))
