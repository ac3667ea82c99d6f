"""The step graph: clipping, penalties and weight decay by groups, and the listing of a real step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.engines.reference import ReferenceEngine
from unstuck.nn.losses import loss_function
from unstuck.training import StepPlan

RNG = np.random.default_rng(1)
X = RNG.normal(size=(8, 3))
T = RNG.normal(size=(8, 2))


def small_network(dtype: Any = np.float64) -> nn.Network:
    return nn.Network(
        nn.Dense(4, bias_init=0.3), nn.Tanh(), nn.Dense(2, bias_init=-0.2), input_shape=3, dtype=dtype, seed=2
    )


def moved(network: nn.Network, *, rate: float = 1.0, scale: float = 1.0, **settings: Any) -> dict[str, np.ndarray]:
    """What one step of gradient descent subtracts from each parameter."""
    settings = {"loss": loss_function("squared_error"), "optimizer": us.SGD(rate), **settings}
    plan = StepPlan(network, **settings)
    dtype = network.dtype.type
    program = ReferenceEngine().compile(plan.record(X.shape, T.shape, dtype))
    state = [*network.parameters.values(), *plan.slots().values()]
    key = np.zeros(2, np.uint32)
    results = program(X.astype(dtype), (scale * T).astype(dtype), dtype(rate), dtype(1), key, *state)
    new = results[len(results) - len(state) :]
    return {name: p - q for (name, p), q in zip(network.parameters.items(), new, strict=False)}


def norm(step: dict[str, np.ndarray]) -> float:
    return float(np.sqrt(sum((g.astype(float) ** 2).sum() for g in step.values())))


def test_a_gradient_above_clip_norm_gets_exactly_that_norm_and_keeps_its_direction() -> None:
    free = moved(small_network())
    clipped = moved(small_network(), clip_norm=0.5)
    assert norm(free) > 0.5
    assert norm(clipped) == pytest.approx(0.5, rel=1e-12)
    for name, step in clipped.items():
        np.testing.assert_allclose(step, free[name] * (0.5 / norm(free)), rtol=1e-12)


def test_a_gradient_below_clip_norm_is_left_as_it_is() -> None:
    free = moved(small_network())
    clipped = moved(small_network(), clip_norm=norm(free) * 1.001)
    for name, step in clipped.items():
        np.testing.assert_allclose(step, free[name], rtol=1e-12)


def test_clipping_holds_for_gradients_whose_squares_overflow_float32() -> None:
    linear = nn.FunctionLoss(lambda outputs, targets: np.sum(outputs * targets, axis=-1))
    steep = moved(small_network(np.float32), loss=linear, clip_norm=1.0, scale=1e30)
    flat = moved(small_network(np.float32), loss=linear)
    for name, step in steep.items():
        np.testing.assert_allclose(step, flat[name] / norm(flat), rtol=1e-3, atol=1e-6)
    assert norm(steep) == pytest.approx(1.0, rel=1e-6)


def test_penalties_add_their_derivative_to_weights_and_spare_biases() -> None:
    network = small_network()
    plain = moved(network)
    both = moved(network, penalties=(us.Penalty(l1=0.1, l2=0.4),))
    for name, p in network.parameters.items():
        extra = 0.1 * np.sign(p) + 0.4 * p if name.endswith("weight") else 0
        np.testing.assert_allclose(both[name], plain[name] + extra, rtol=1e-12, atol=1e-14)


def test_each_group_has_its_own_penalty_and_weight_decay() -> None:
    network = small_network()
    plain = moved(network, rate=0.5)
    groups = (
        us.Penalty(l2=0.4, parameters=["dense1.weight"]),
        us.Penalty(l1=0.1, parameters=["dense2.bias"]),
        us.Penalty(weight_decay=0.3, parameters="all"),
    )
    step = moved(network, rate=0.5, penalties=groups, optimizer=us.SGD(0.5, weight_decay=0.2))
    for name, p in network.parameters.items():
        extra = 0.3 * p + (0.2 * p if name.endswith("weight") else 0)
        extra = extra + (0.4 * p if name == "dense1.weight" else 0.1 * np.sign(p) if name == "dense2.bias" else 0)
        np.testing.assert_allclose(step[name], plain[name] + 0.5 * extra, rtol=1e-12, atol=1e-14)


def test_weight_decay_is_apart_from_the_gradient_and_so_not_clipped() -> None:
    network = small_network()
    step = moved(network, clip_norm=1e-6, optimizer=us.AdamW(1.0, weight_decay=0.25))
    bare = moved(network, clip_norm=1e-6, optimizer=us.Adam(1.0))
    np.testing.assert_allclose(
        step["dense1.weight"] - bare["dense1.weight"], 0.25 * network.parameters["dense1.weight"], atol=1e-12
    )
    np.testing.assert_allclose(step["dense1.bias"], bare["dense1.bias"])


def test_the_listing_of_a_step_names_every_part_in_its_order() -> None:
    network = nn.Network(nn.Dense(4), nn.Sigmoid(), nn.Dense(2), input_shape=3)
    plan = StepPlan(
        network, loss_function("cross_entropy"), us.Momentum(0.1), (us.Penalty(l2=0.1),), 1.0, counts_correct=True
    )
    graph = plan.record((5, 3), (5,), np.int64)
    text = graph.listing()
    head, *lines, last = text.split("\n")
    inputs, outputs = (
        5 + 4 + 4,
        3 + 4 + 4,
    )  # x targets rate step key, parameters, velocities; losses, right ones, both again
    assert head == f"graph: {inputs} inputs, {len(graph.nodes)} nodes, {outputs} outputs"
    assert len(lines) == len(graph.nodes)
    assert last.count("%") == outputs
    names = [line.split()[2] for line in lines[:inputs] if line.split()[1] == "input"]
    assert names == [
        "x", "targets", "rate", "step", "key", "dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias",
        "dense1.weight/velocity", "dense1.bias/velocity", "dense2.weight/velocity", "dense2.bias/velocity",
    ]  # fmt: skip
    scopes = list(dict.fromkeys(node.scope for node in graph.nodes if node.operation not in ("input", "constant")))
    assert scopes == [
        "dense1", "sigmoid1", "dense2", "loss", "penalty", "gradient of penalty", "gradient of loss", "gradient of dense2",
        "gradient of sigmoid1", "gradient of dense1", "accuracy", "gradient norm", "update of dense1.weight",
        "update of dense1.bias", "update of dense2.weight", "update of dense2.bias",
    ]  # fmt: skip
    products = [line for line in lines if line.split()[1] == "matmul"]
    assert [line.rsplit("  ", 1)[1].strip() for line in products] == [
        "dense1", "dense2", "gradient of dense2", "gradient of dense2", "gradient of dense1",
    ]  # fmt: skip
    assert "float32[5, 4]" in products[0]
    assert "float32[3, 4]" in products[-1]
    updates = [node.shape for node in graph.outputs[3:]]
    assert updates == [(3, 4), (4,), (4, 2), (2,)] * 2
