"""One layer object in several places is one layer: one set of parameters, whose gradients add up, also after saving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.autodiff import Graph, gradients
from unstuck.engines import engine
from unstuck.errors import InputError
from unstuck.nn.sharing import Again, restored

R = np.random.default_rng(6)
X = R.normal(size=(24, 4))
Y = R.normal(size=(24, 2))


def shared_at_depth() -> nn.Network:
    """One Dense(4) in the row, in a branch, and in a branch of a branch; one block of two layers in two places."""
    dense = nn.Dense(4)
    block = nn.Add(nn.Identity(), [dense, nn.Tanh(), nn.Dense(4)])
    return nn.Network(
        dense, nn.Tanh(), block, nn.Concatenate(nn.Identity(), [nn.Tanh(), block, dense]), nn.Dense(2),
        input_shape=4, dtype="float64", seed=3,
    )  # fmt: skip


def gradient(network: nn.Network, x: Any, direction: Any) -> dict[str, Any]:
    """The outputs, and the derivatives of ``sum(outputs · direction)`` by each parameter, on the reference engine."""
    graph = Graph()
    given = graph.input("x", x.shape, x.dtype)
    nodes = {name: graph.input(name, p.shape, p.dtype) for name, p in network.parameters.items()}
    y = network.forward(given, nodes)
    loss = np.sum(y * graph.constant(direction))
    graph.outputs = [y, *gradients(loss, list(nodes.values()))]
    outputs, *found = engine("reference").compile(graph)(x, *network.parameters.values())
    return {"outputs": outputs, **dict(zip(nodes, found, strict=True))}


def test_a_layer_is_named_by_its_first_place_and_counted_once() -> None:
    network = shared_at_depth()
    assert list(network.parameters) == [
        "dense1.weight", "dense1.bias", "add1.branch2.dense3.weight", "add1.branch2.dense3.bias", "dense2.weight", "dense2.bias",
    ]  # fmt: skip
    assert network.size == 20 + 20 + 8 * 2 + 2
    assert "58 parameters" in str(network)


def test_the_summary_says_where_a_layer_stands_once_more() -> None:
    dense = nn.Dense(4)
    text = str(nn.Network(dense, nn.ReLU(), dense, input_shape=4))
    assert text.splitlines()[2].split() == ["dense1", "Dense(4)", "4", "20"]
    assert text.splitlines()[4].split("  ") == ["dense1", "Dense(4), once more", "4"]
    assert text.endswith("20 parameters, float32")
    assert nn.Network(dense, nn.ReLU(), dense, input_shape=4).describe() == "Dense(4) → ReLU() → Dense(4), once more"


@pytest.mark.extra
def test_outputs_and_gradients_agree_with_pytorch() -> None:
    torch = pytest.importorskip("torch")
    network, direction = shared_at_depth(), R.normal(size=(24, 2))
    found = gradient(network, X, direction)
    w, b, w2, b2, w3, b3 = twins = [torch.tensor(p, requires_grad=True) for p in network.parameters.values()]
    x = torch.tensor(X)

    def block(x: Any) -> Any:
        return x + (torch.tanh(x @ w + b) @ w2 + b2)

    h = block(torch.tanh(x @ w + b))
    y = torch.cat([h, block(torch.tanh(h)) @ w + b], dim=1) @ w3 + b3
    (y * torch.tensor(direction)).sum().backward()
    np.testing.assert_allclose(found["outputs"], y.detach().numpy(), rtol=1e-12)
    for name, twin in zip(network.parameters, twins, strict=True):
        np.testing.assert_allclose(found[name], twin.grad.numpy(), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_both_engines_take_the_same_steps(dtype: str) -> None:
    def trained(engine: str) -> nn.Network:
        network = nn.Network(*shared_at_depth().layers, dtype=dtype)
        us.fit(network, (X, Y), epochs=4, batch_size=10, optimizer=us.Adam(0.01), engine=engine, seed=1)
        return network

    ours, reference = trained("cpu"), trained("reference")
    start = nn.Network(*ours.layers, dtype=dtype, input_shape=4, seed=1).parameters
    for name, p in reference.parameters.items():
        assert not np.array_equal(p, start[name])
        np.testing.assert_allclose(ours.parameters[name], p, rtol=1e-3, atol=2e-5 if dtype == "float32" else 1e-10)


def test_two_equal_layers_are_two_layers() -> None:
    network = nn.Network(nn.Dense(4), nn.Dense(4), input_shape=4)
    assert list(network.parameters) == ["dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias"]


def test_activations_keep_a_name_for_each_place() -> None:
    relu = nn.ReLU()
    assert nn.Network(nn.Dense(4), relu, nn.Dense(4), relu).names == ["dense1", "relu1", "dense2", "relu2"]


def test_sharing_survives_saving(tmp_path: Path) -> None:
    network = shared_at_depth()
    again = us.load(us.save(network, tmp_path / "model.safetensors"))
    assert np.array_equal(again.outputs(X), network.outputs(X))
    assert again.layers == network.layers
    assert list(again.parameters) == list(network.parameters)
    assert again.layers[0] is again.layers[2].branches[1][0]
    assert again.layers[2] is again.layers[3].branches[1][1]
    assert again.places.homes == network.places.homes
    us.fit(again, (X, Y), epochs=1)
    assert list(again.parameters) == list(network.parameters)


def test_a_function_inside_a_branch_can_be_saved(tmp_path: Path) -> None:
    def scaled(x: Any, gain: Any) -> Any:
        return x * gain

    own = nn.Function(scaled, shapes={"gain": (4,)}, init={"gain": 0.5})
    network = nn.Network(nn.Add(nn.Identity(), own), own, input_shape=4)
    path = us.save(network, tmp_path / "model.safetensors")
    again = us.load(path, functions={"scaled": scaled})
    assert np.array_equal(again.outputs(X), network.outputs(X))
    assert list(again.parameters) == ["add1.branch2.function1.gain"]
    with pytest.raises(InputError, match="layer 'scaled' is a function of your own; give it again"):
        us.load(path)


@pytest.mark.parametrize("engine", ["reference", "cpu"])
def test_shared_statistics_are_updated_by_each_place_in_turn(engine: str) -> None:
    norm = nn.BatchNorm(momentum=0.5)
    network = nn.Network(norm, nn.Dense(4, weight_init="orthogonal", bias_init=2.0), norm, nn.Dense(2), dtype="float64")
    us.fit(network, (X, Y), epochs=1, batch_size=None, optimizer=us.SGD(1e-9), engine=engine)
    start = nn.Network(*network.layers, dtype="float64")
    start.build(4, [0, 0])
    scale, shift, *_, weight, bias = list(start.parameters.values())[:6]
    first = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + 1e-5) * scale + shift
    second = first @ weight + bias
    expected = 0.5 * (0.5 * X.mean(axis=0)) + 0.5 * second.mean(axis=0)
    np.testing.assert_allclose(network.parameters["batchnorm1.mean"], expected, rtol=1e-9)


def test_a_layer_that_does_not_fit_its_second_place_is_told_in_one_sentence() -> None:
    dense = nn.Dense(3)
    with pytest.raises(InputError) as error:
        nn.Network(dense, nn.Add(nn.Identity(), [nn.Tanh(), dense]), input_shape=4)
    assert str(error.value) == (
        "the layer dense1 stands in several places, and its weight would have the shapes (4, 3) and (3, 3); give it inputs of "
        "one size in all of them, or write another layer there."
    )


def test_a_description_that_names_a_layer_that_does_not_come_before_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"the layer 'dense2' is to stand at dense2 once more, but does not come before it\."
    ):
        restored([nn.Dense(3), Again("dense2")])


@pytest.mark.parametrize("name", ["reference", "cpu"])
def test_each_place_of_a_layer_has_a_state_of_its_own_that_goes_on(name: str) -> None:
    layer = nn.LSTM(3, sequences=True, stateful=True)
    network = nn.Network(layer, nn.Tanh(), layer, input_shape=(4, 3), dtype="float64", seed=2)
    whole = nn.Network(*network.layers, input_shape=(8, 3), dtype="float64", seed=2)
    x = R.normal(size=(5, 8, 3))
    graph, context = Graph(), nn.Context(carried={})
    node = graph.input("x", (5, 4, 3), "float64")
    parameters = {key: graph.input(key, p.shape, p.dtype) for key, p in network.parameters.items()}
    y = network.forward(node, parameters, context)
    assert context.carried is not None
    assert len(context.carried) == 4
    graph.outputs = [y, *(after for _, after in context.carried.values())]
    program = engine(name).compile(graph.pruned())
    states, found = [np.zeros((5, 3))] * 4, []
    for piece in (x[:, :4], x[:, 4:]):
        told, *states = map(np.array, program(piece, *network.parameters.values(), *states))
        found.append(told)
    np.testing.assert_allclose(np.concatenate(found, axis=1), whole.outputs(x), rtol=1e-10)
