"""Network: shapes, names, what it prints, and how its outputs become classes, probabilities and values."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unstuck import nn
from unstuck.errors import InputError

X = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)


def with_task(network: nn.Network, task: str, loss: Any) -> nn.Network:
    network.task, network.loss = task, loss
    return network


def test_a_forward_pass_is_the_formula_of_the_layers() -> None:
    network = nn.Network(nn.Dense(3), nn.Tanh(), nn.Dense(2, bias_value=-1), input_shape=4, dtype="float64", seed=1)
    w1, b1, w2, b2 = network.parameters.values()
    x = X.astype(np.float64)
    np.testing.assert_allclose(network.outputs(x), np.tanh(x @ w1 + b1) @ w2 - b2, rtol=1e-13)


def test_print_shows_layers_shapes_and_parameter_counts() -> None:
    network = nn.Network(
        nn.Flatten(), nn.Dense(16), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Dense(10, bias=False), input_shape=(28, 28)
    )
    assert str(network) == (
        "layer                             output   parameters\n"
        "input                             28 × 28\n"
        "flatten1    Flatten()             784\n"
        "dense1      Dense(16)             16           12,560\n"
        "leakyrelu1  LeakyReLU(slope=0.2)  16\n"
        "dropout1    Dropout(rate=0.3)     16\n"
        "dense2      Dense(10, no bias)    10              160\n"
        "12,720 parameters, float32"
    )


@pytest.mark.parametrize(
    ("layers", "line"),
    [
        ((nn.Dense(16), nn.Sigmoid(), nn.Dense(10), nn.Sigmoid()), "4-16-10 sigmoid"),
        ((nn.Dense(16), nn.ReLU(), nn.Dense(10)), "4-16-10 relu"),
        ((nn.Dense(16), nn.ReLU(), nn.Dense(10), nn.Identity()), "4-16-10 relu"),
        ((nn.Dense(16), nn.ReLU(), nn.Dense(10), nn.Softmax()), "4-16-10 relu, softmax output"),
        ((nn.Dense(3),), "4-3"),
        ((nn.Dense(3), nn.Softmax()), "4-3 softmax output"),
        ((nn.Flatten(), nn.Dense(3)), "4-3"),
        ((nn.Dense(3), nn.Dropout(), nn.Dense(2)), "Dense(3) → Dropout() → Dense(2)"),
        ((nn.Dense(3), nn.Dense(2)), "Dense(3) → Dense(2)"),
        ((nn.Dense(3), nn.ReLU(), nn.Dense(2), nn.Tanh(), nn.Dense(1)), "Dense(3) → ReLU() → Dense(2) → Tanh() → Dense(1)"),
    ],
)  # fmt: skip
def test_one_line_says_sizes_and_activations_where_they_say_it_all(layers: Any, line: str) -> None:
    assert nn.Network(*layers, input_shape=4).describe() == line


def test_from_sizes_is_the_network_of_its_sizes() -> None:
    network = nn.Network.from_sizes("4-5-3", activation="tanh", output="softmax", seed=2)
    assert [p.shape for p in network.parameters.values()] == [(4, 5), (5,), (5, 3), (3,)]
    assert [layer.kind for layer in network.layers] == ["Dense", "Tanh", "Dense", "Softmax"]
    again = nn.Network.from_sizes([4, 5, 3], activation="tanh", output="softmax", seed=2)
    assert np.array_equal(network.outputs(X), again.outputs(X))


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([nn.Dense(3), nn.Dense(2, bias=False), nn.Flatten(), nn.Sigmoid(), nn.Softmax(), nn.Dropout(0.2)]),
        min_size=1, max_size=6,
    ),
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
)  # fmt: skip
def test_the_shape_rules_say_what_the_forward_pass_gives(layers: list[nn.Layer], shape: list[int]) -> None:
    if len(shape) > 1:
        layers = [nn.Flatten(), *layers]
    network = nn.Network(
        *map(dataclasses.replace, layers), input_shape=shape
    )  # the same object again would be the same layer
    outputs = network.outputs(np.zeros((3, *shape)))
    assert outputs.shape == (3, *network.output_shape)
    assert network.size == sum(p.size for p in network.parameters.values())
    assert f"{network.size:,} parameters" in str(network)


def test_names_of_layers_are_never_shared() -> None:
    layers = [
        *(nn.Dense(2) for _ in range(11)),
        nn.Function(lambda x: x, name="dense1"),
        nn.Function(lambda x: x, name="a b"),
    ]
    network = nn.Network(*layers, input_shape=2)
    assert len(set(network.names)) == len(layers)
    assert network.names[-1] == "a_b1"


def test_outputs_do_not_depend_on_how_many_rows_are_run_at_once() -> None:
    network = nn.Network.from_sizes("4-8-3")
    np.testing.assert_allclose(network.outputs(X, rows=3), network.outputs(X), rtol=1e-6)


def test_a_failed_build_leaves_the_network_unbuilt() -> None:
    network = nn.Network(nn.Dense(2))
    with pytest.raises(InputError):
        network.build((3, 3))
    assert not network.is_built
    assert str(network) == "Network(Dense(2)), shapes not known yet"


def test_probabilities_of_logits_are_their_softmax_and_of_one_logit_its_sigmoid() -> None:
    network = with_task(nn.Network.from_sizes("4-3"), "classification", nn.CrossEntropy())
    e = np.exp(network.outputs(X).astype(float))
    np.testing.assert_allclose(network.predict_probabilities(X), e / e.sum(1, keepdims=True), rtol=1e-6)
    assert np.array_equal(network.predict(X), network.outputs(X).argmax(1))
    single = with_task(nn.Network.from_sizes("4-1"), "classification", nn.BinaryCrossEntropy())
    p = 1 / (1 + np.exp(-single.outputs(X).astype(float)))
    np.testing.assert_allclose(single.predict_probabilities(X), np.hstack([1 - p, p]), rtol=1e-6)
    assert np.array_equal(single.predict(X), (p[:, 0] > 0.5).astype(int))


def test_probabilities_of_other_outputs_are_scaled_to_a_sum_of_one() -> None:
    network = with_task(nn.Network.from_sizes("4-3", output="sigmoid"), "classification", nn.SquaredError())
    a = network.outputs(X).astype(float)
    np.testing.assert_allclose(network.predict_probabilities(X), a / a.sum(1, keepdims=True), rtol=1e-6)
    single = with_task(nn.Network.from_sizes("4-1", output="sigmoid"), "classification", nn.SquaredError())
    assert np.array_equal(single.predict(X), (single.outputs(X)[:, 0] > 0.5).astype(int))


def test_predicted_numbers_are_in_the_units_of_the_targets() -> None:
    rates = with_task(nn.Network.from_sizes("4-2"), "regression", nn.Poisson())
    np.testing.assert_allclose(rates.predict(X), np.exp(rates.outputs(X)))
    many = with_task(nn.Network.from_sizes("4-2"), "regression", nn.BinaryCrossEntropy())
    np.testing.assert_allclose(many.predict(X), 1 / (1 + np.exp(-many.outputs(X))), rtol=1e-6)
    own = with_task(
        nn.Network.from_sizes("4-2"), "classification", nn.FunctionLoss(lambda o, t: o[:, 0], takes="logits")
    )
    np.testing.assert_allclose(own.predict_probabilities(X).sum(1), 1)
