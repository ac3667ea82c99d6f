"""BatchNorm and LayerNorm beside PyTorch's, and the statistics that BatchNorm keeps through training, saving and prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.autodiff import Graph, gradients
from unstuck.engines.reference import ReferenceEngine

R = np.random.default_rng(3)


def step(
    x: np.ndarray, parameters: dict[str, np.ndarray], direction: np.ndarray
) -> tuple[Any, list[Any], dict[str, Any]]:
    """Output, gradients by x, scale and shift, and new statistics of a BatchNorm in training."""
    network = nn.Network(nn.BatchNorm(), input_shape=x.shape[1:], dtype="float64")
    graph = Graph()
    node = graph.input("x", x.shape, np.float64)
    nodes = {f"batchnorm1.{k}": graph.input(k, p.shape, np.float64) for k, p in parameters.items()}
    context = nn.Context(training=True)
    y = network.forward(node, nodes, context)
    scale_and_shift = [nodes["batchnorm1.scale"], nodes["batchnorm1.shift"]]
    found = gradients(np.sum(y * direction), [node, *scale_and_shift])
    graph.outputs = [y, *found, *context.updates.values()]
    results = ReferenceEngine().compile(graph)(x, *parameters.values())
    return results[0], results[1:4], dict(zip(context.updates, results[4:], strict=True))


@pytest.mark.extra
@pytest.mark.parametrize("shape", [(6, 3), (2, 1), (4, 5, 3), (2, 3, 4, 2), (1, 2, 1, 3)], ids=str)
def test_batch_norm_agrees_with_pytorch_over_several_steps(shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")
    channels = shape[-1]
    twin = torch.nn.BatchNorm1d(channels, momentum=0.1).double()
    start = {"scale": R.normal(size=channels), "shift": R.normal(size=channels)}
    with torch.no_grad():
        twin.weight.copy_(torch.tensor(start["scale"]))
        twin.bias.copy_(torch.tensor(start["shift"]))
    parameters = {**start, "mean": np.zeros(channels), "variance": np.ones(channels)}
    for _ in range(3):
        x, direction = R.normal(2, 3, size=shape), R.normal(size=shape)
        y, found, new = step(x, parameters, direction)
        tensor = torch.tensor(x, requires_grad=True)
        twin.zero_grad()
        theirs = twin(tensor.reshape(-1, channels)).reshape(shape)
        (theirs * torch.tensor(direction)).sum().backward()
        np.testing.assert_allclose(y, theirs.detach().numpy(), rtol=1e-11, atol=1e-12)
        for a, b in zip(found, (tensor.grad, twin.weight.grad, twin.bias.grad), strict=True):
            np.testing.assert_allclose(a, b.numpy(), rtol=1e-9, atol=1e-11)
        parameters.update({name.split(".")[1]: value for name, value in new.items()})
    np.testing.assert_allclose(parameters["mean"], twin.running_mean.numpy(), rtol=1e-12)
    np.testing.assert_allclose(parameters["variance"], twin.running_var.numpy(), rtol=1e-12)
    network = nn.Network(nn.BatchNorm(), input_shape=shape[1:], dtype="float64")
    network.parameters = {f"batchnorm1.{k}": p for k, p in parameters.items()}
    expected = twin.eval()(torch.tensor(x).reshape(-1, channels)).reshape(shape).detach().numpy()
    np.testing.assert_allclose(network.outputs(x), expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("engine", ["reference", "cpu"])
def test_training_carries_the_statistics_and_prediction_uses_them(engine: str, tmp_path: Path) -> None:
    x = R.normal([5, -3], [2, 0.5], size=(200, 2)).astype(np.float32)
    y = (x[:, 0] > 5).astype(int)
    network = nn.Network(nn.BatchNorm(), nn.Dense(2))
    run = us.fit(network, (x, y), batch_size=50, epochs=30, preprocessing="none", optimizer="adam", engine=engine)
    np.testing.assert_allclose(network.parameters["batchnorm1.mean"], x.mean(axis=0), rtol=0.05)
    np.testing.assert_allclose(network.parameters["batchnorm1.variance"], x.var(axis=0, ddof=1), rtol=0.1)
    together = network.outputs(x[:7])
    np.testing.assert_allclose(np.concatenate([network.outputs(x[i : i + 1]) for i in range(7)]), together, rtol=1e-5)
    again = us.load(run.save(tmp_path / "model.safetensors"))
    assert np.array_equal(again.outputs(x), network.outputs(x))
    assert "8 parameters" not in str(network)  # statistics are no parameters that are learned
    assert "10 parameters" in str(network)


def test_both_engines_take_the_same_steps() -> None:
    x = R.normal(size=(60, 4, 3)).astype(np.float32)
    y = (x.sum(axis=(1, 2)) > 0).astype(int)
    networks = []
    for engine in ("reference", "cpu"):
        network = nn.Network(nn.BatchNorm(), nn.ReLU(), nn.LayerNorm(), nn.Flatten(), nn.Dense(2))
        us.fit(network, (x, y), batch_size=20, epochs=3, preprocessing="none", optimizer=us.SGD(0.1), engine=engine)
        networks.append(network)
    for name, value in networks[0].parameters.items():
        np.testing.assert_allclose(networks[1].parameters[name], value, rtol=1e-4, atol=1e-5)


def test_penalties_and_weight_decay_leave_statistics_alone() -> None:
    x = R.normal(3, 1, size=(40, 2)).astype(np.float32)
    network = nn.Network(nn.BatchNorm(momentum=0.5), nn.Dense(2))
    penalty = us.Penalty(l2=1e-3, weight_decay=0.1, parameters="all")
    us.fit(network, (x, np.arange(40) % 2), epochs=20, penalties=[penalty], preprocessing="none", batch_size=None)
    np.testing.assert_allclose(network.parameters["batchnorm1.mean"], x.mean(axis=0), rtol=1e-3)


def test_a_single_value_for_each_channel_leaves_the_statistics_as_they_are() -> None:
    parameters = {"scale": np.ones(2), "shift": np.full(2, 7.0), "mean": np.zeros(2), "variance": np.ones(2)}
    y, _, new = step(np.array([[3.0, -4.0]]), parameters, np.ones((1, 2)))
    assert new == {}
    assert np.array_equal(y, [[7.0, 7.0]])


def test_he_weights_are_chosen_through_normalisation_and_pooling() -> None:
    network = nn.Network(nn.Conv2D(3, 3), nn.BatchNorm(), nn.MaxPool2D(2), nn.ReLU(), input_shape=(6, 6, 1))
    assert type(network.parameter_specs()["conv2d1.weight"].initial).__name__ == "HeNormal"
