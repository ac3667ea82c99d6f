"""examples/one_hidden_layer_regression.py: full batches, from tolerance to tolerance."""

import itertools
from typing import Any

import numpy as np
import pytest


def gradients_by_hand(parameters: list[Any], inputs: Any, targets: Any) -> tuple[list[Any], Any]:
    """The textbook's backpropagation for this network, written out."""
    w1, b1, w2, b2 = parameters
    hidden = 1 / (1 + np.exp(-(inputs @ w1 - b1)))
    residual = hidden @ w2 - b2 - targets
    delta = (residual @ w2.T) * hidden * (1 - hidden)
    return [inputs.T @ delta, -delta.sum(axis=0), hidden.T @ residual, -residual.sum(axis=0)], residual


@pytest.mark.parametrize("data", ["small", "random"])
def test_it_takes_the_same_path_as_the_textbook_and_stops_at_the_first_small_gradient(example, data):
    program = example("one_hidden_layer_regression")
    make, tolerances = program.DATA[data]
    inputs, targets = make()
    network = program.network_for(inputs, targets)
    by_hand = [p.copy() for p in network.parameters.values()]
    assert all(((p >= 0) & (p < 1)).all() for p in by_hand)

    (row,) = program.train(network, inputs, targets, tolerances[:1])
    iterations = 0
    while True:
        steps, _ = gradients_by_hand(by_hand, inputs, targets)
        by_hand = [p - 1e-3 * g for p, g in zip(by_hand, steps, strict=True)]
        iterations += 1
        if sum((g**2).sum() for g in steps) < tolerances[0]:
            break
    assert row.iterations == iterations
    for name, parameter in zip(network.parameters, by_hand, strict=True):
        np.testing.assert_allclose(network.parameters[name], parameter, rtol=1e-9, err_msg=name)
    _, residual = gradients_by_hand(by_hand, inputs, targets)
    assert row.squared_error == pytest.approx((residual**2).sum(), rel=1e-8)
    assert row.mean_absolute_error == pytest.approx(np.abs(residual).mean(), rel=1e-8)


def test_on_the_small_data_the_error_falls_tenfold_with_each_tolerance(example):
    program = example("one_hidden_layer_regression")
    make, tolerances = program.DATA["small"]
    inputs, targets = make()
    rows = list(program.train(program.network_for(inputs, targets), inputs, targets, tolerances))
    assert [row.tolerance for row in rows] == [1, 0.1, 0.01, 1e-3, 1e-4]
    for earlier, later in itertools.pairwise(rows):
        assert 9 < earlier.squared_error / later.squared_error < 11
        assert earlier.iterations < later.iterations
    assert rows[-1].mean_absolute_error < 0.01
    assert rows[0].error_of_mean == pytest.approx(48.5)


def test_on_the_random_data_the_error_lies_between_that_of_the_mean_and_that_of_least_squares(example):
    program = example("one_hidden_layer_regression")
    make, tolerances = program.DATA["random"]
    inputs, targets = make()
    assert inputs.shape == (20, 7) and targets.shape == (20, 2) and tolerances == (100, 10, 1, 0.1, 0.01, 1e-3)
    rows = list(program.train(program.network_for(inputs, targets), inputs, targets, tolerances[:5]))
    errors = [row.squared_error for row in rows]
    assert errors == sorted(errors, reverse=True)
    assert rows[-1].error_of_least_squares < rows[-1].squared_error < rows[-1].error_of_mean


def test_least_squares_is_what_retraining_the_outputs_alone_would_reach(example):
    program = example("one_hidden_layer_regression")
    inputs, targets = program.random_data()
    network = program.network_for(inputs, targets)
    row = program.measured(network, inputs, targets, 1.0, 0)
    hidden = 1 / (1 + np.exp(-(inputs @ network.parameters["dense1.weight"] - network.parameters["dense1.bias"])))
    # The normal equations, with the bias unit as a fourth hidden unit.
    features = np.column_stack([hidden, np.ones(20)])
    weights = np.linalg.solve(features.T @ features, features.T @ targets)
    assert row.error_of_least_squares == pytest.approx(((features @ weights - targets) ** 2).sum(), rel=1e-6)


def test_as_a_script_it_prints_one_line_for_each_tolerance(run_example):
    printed = run_example("one_hidden_layer_regression", "--data", "small")
    head, *lines = [line for line in printed.splitlines()[1:] if line]
    assert head.split("  ")[0] == "tolerance"
    assert [line.split()[0] for line in lines] == ["1", "0.1", "0.01", "0.001", "0.0001"]
