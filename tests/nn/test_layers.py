"""Every layer, forward and backward: against central differences, against PyTorch and JAX, float32 against float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from unstuck import nn
from unstuck.autodiff import Graph, gradients
from unstuck.autodiff.threefry import uniform
from unstuck.engines.reference import ReferenceEngine

ROWS = 5
KEY = np.array([7, 11], np.uint32)


def wave(x: Any, gain: Any, mix: Any) -> Any:
    return np.sin(x @ mix) * gain


CASES: dict[str, tuple[nn.Layer, tuple[int, ...]]] = {
    "dense": (nn.Dense(3), (4,)),
    "dense without bias": (nn.Dense(3, bias=False), (4,)),
    "dense with bias units of -1": (nn.Dense(3, bias_value=-1, bias_init=nn.Normal(1.0)), (4,)),
    "dropout": (nn.Dropout(0.4), (6,)),
    "flatten": (nn.Flatten(), (2, 3)),
    "identity": (nn.Identity(), (4,)),
    "sigmoid": (nn.Sigmoid(), (4,)),
    "tanh": (nn.Tanh(), (4,)),
    "relu": (nn.ReLU(), (4,)),
    "leaky relu": (nn.LeakyReLU(0.2), (4,)),
    "elu": (nn.ELU(0.7), (4,)),
    "gelu": (nn.GELU(), (4,)),
    "silu": (nn.SiLU(), (4,)),
    "softplus": (nn.Softplus(), (4,)),
    "softmax": (nn.Softmax(), (4,)),
    "softmax over the last of two axes": (nn.Softmax(), (3, 4)),
    "function": (nn.Function(wave, shapes={"gain": (3,), "mix": (4, 3)}, init={"gain": nn.Normal(1.0)}), (4,)),
}


def recorded(layer: nn.Layer, shape: tuple[int, ...], dtype: Any) -> tuple[Any, list[np.ndarray], np.ndarray]:
    """A program (x, *parameters) -> output, Σ direction · output, and the gradients; the arrays; the direction."""
    network = nn.Network(layer, input_shape=shape, dtype=dtype, seed=3)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, *shape))
    x = np.where(np.abs(x) < 0.05, 0.05, x).astype(dtype)  # away from the kinks
    graph = Graph()
    node = graph.input("x", x.shape, dtype)
    parameters = {name: graph.input(name, p.shape, dtype) for name, p in network.parameters.items()}
    output = network.forward(node, parameters, nn.Context(training=True, key=graph.constant(KEY)))
    direction = rng.normal(size=output.shape).astype(dtype)
    total = np.sum(output * direction)
    graph.outputs = [output, total, *gradients(total, [node, *parameters.values()])]
    return ReferenceEngine().compile(graph), [x, *network.parameters.values()], direction


@pytest.mark.parametrize("name", CASES)
def test_the_gradient_of_inputs_and_parameters_is_that_of_central_differences(name: str) -> None:
    program, arrays, _ = recorded(*CASES[name], np.float64)
    found = program(*arrays)[2:]
    assert len(found) == len(arrays)
    for k, array in enumerate(arrays):
        numeric = np.empty_like(array)
        for place in np.ndindex(array.shape):
            values = []
            for sign in (1, -1):
                moved = [a.copy() for a in arrays]
                moved[k][place] += sign * 1e-6
                values.append(program(*moved)[1])
            numeric[place] = (values[0] - values[1]) / 2e-6
        assert np.abs(numeric).max() > 0
        np.testing.assert_allclose(found[k], numeric, rtol=1e-6, atol=1e-8)


# (The two types draw different numbers for dropout.)
@pytest.mark.parametrize("name", [name for name in CASES if name != "dropout"])
def test_float32_agrees_with_float64_to_1e_5(name: str) -> None:
    exact, _, _ = recorded(*CASES[name], np.float64)
    single, small, _ = recorded(*CASES[name], np.float32)
    truth = exact(*[a.astype(np.float64) for a in small])
    for value, right in zip(single(*small), truth, strict=True):
        assert value.dtype == np.float32
        assert np.abs(value - right).max() <= 1e-5 * np.abs(right).max()


def torch_layer(name: str, x: Any, parameters: list[Any]) -> Any:
    import torch
    from torch.nn import functional as F

    if name.startswith("dense"):
        y = x @ parameters[0]
        return y if len(parameters) == 1 else y + parameters[1] * (-1 if "-1" in name else 1)
    if name == "function":
        return torch.sin(x @ parameters[1]) * parameters[0]
    if name == "dropout":
        kept = uniform(KEY, shape=tuple(x.shape), stream=1, dtype=np.float64) >= 0.4
        return x * torch.tensor(kept) / 0.6
    if name == "flatten":
        return x.reshape(len(x), -1)
    if name.startswith("softmax"):
        return torch.softmax(x, -1)
    functions = {
        "identity": lambda x: x, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": F.relu, "gelu": F.gelu, "silu": F.silu,
        "softplus": F.softplus, "leaky relu": lambda x: F.leaky_relu(x, 0.2), "elu": lambda x: F.elu(x, 0.7),
    }  # fmt: skip
    return functions[name](x)


@pytest.mark.extra
@pytest.mark.parametrize("name", CASES)
def test_every_layer_agrees_with_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    program, arrays, direction = recorded(*CASES[name], np.float64)
    output, _, *found = program(*arrays)
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    theirs = torch_layer(name, tensors[0], tensors[1:])
    np.testing.assert_allclose(output, theirs.detach().numpy(), rtol=1e-12, atol=1e-14)
    (theirs * torch.tensor(direction)).sum().backward()
    for mine, tensor in zip(found, tensors, strict=True):
        np.testing.assert_allclose(mine, tensor.grad.numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.extra
@pytest.mark.parametrize(
    "name", ["sigmoid", "tanh", "relu", "leaky relu", "elu", "gelu", "silu", "softplus", "softmax"]
)
def test_every_activation_agrees_with_jax_in_float32(name: str) -> None:
    jax = pytest.importorskip("jax")
    functions = {
        "sigmoid": jax.nn.sigmoid, "tanh": jax.numpy.tanh, "relu": jax.nn.relu, "silu": jax.nn.silu,
        "softplus": jax.nn.softplus, "softmax": jax.nn.softmax, "leaky relu": lambda x: jax.nn.leaky_relu(x, 0.2),
        "elu": lambda x: jax.nn.elu(x, 0.7), "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    }  # fmt: skip
    program, (x,), direction = recorded(*CASES[name], np.float32)
    output, _, gradient = program(x)
    theirs, pull_back = jax.vjp(functions[name], x)
    for mine, right in ((output, np.asarray(theirs)), (gradient, np.asarray(pull_back(direction)[0]))):
        assert np.abs(mine - right).max() <= 1e-5 * np.abs(right).max()


def applied(layer: nn.Layer, x: np.ndarray) -> np.ndarray:
    return nn.Network(layer, input_shape=x.shape[1:], dtype=x.dtype).outputs(x)


def test_activations_stay_finite_and_right_far_out() -> None:
    x = np.array([[-1000.0, -100.0, 0.0, 100.0, 1000.0]], np.float32)
    np.testing.assert_allclose(applied(nn.Sigmoid(), x), [[0, 0, 0.5, 1, 1]], atol=1e-30)
    np.testing.assert_allclose(applied(nn.Softplus(), x), [[0, 0, np.log(2), 100, 1000]], rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(applied(nn.ELU(), x), [[-1, -1, 0, 100, 1000]])
    np.testing.assert_allclose(applied(nn.SiLU(), x), [[0, 0, 0, 100, 1000]], atol=1e-30)
    np.testing.assert_allclose(applied(nn.GELU(), x), [[0, 0, 0, 100, 1000]], atol=1e-30)
    np.testing.assert_allclose(applied(nn.Softmax(), x), [[0, 0, 0, 0, 1]])


@pytest.mark.parametrize("layer", [nn.ReLU(), nn.LeakyReLU(), nn.ELU()], ids=str)
def test_rectifiers_do_not_hide_a_nan(layer: nn.Layer) -> None:
    graph = Graph()
    x = graph.input("x", (1, 1))
    graph.outputs = [layer.forward(x, {}, nn.Context())]
    assert np.isnan(ReferenceEngine().compile(graph)(np.full((1, 1), np.nan, np.float32))[0]).all()


def test_dropout_does_nothing_in_prediction_and_keeps_the_mean_in_training() -> None:
    x = np.ones((1, 10), np.float32)
    assert np.array_equal(applied(nn.Dropout(0.9), x), x)
    graph = Graph()
    node = graph.input("x", (100, 1000))
    graph.outputs = [nn.Dropout(0.25).forward(node, {}, nn.Context(training=True, key=graph.constant(KEY)))]
    (y,) = ReferenceEngine().compile(graph)(np.ones((100, 1000), np.float32))
    assert np.allclose(np.unique(y), [0, 1 / 0.75])
    assert abs((y == 0).mean() - 0.25) < 0.006  # 4 standard deviations of 100,000 draws


def test_two_dropout_layers_of_one_network_draw_different_masks() -> None:
    network = nn.Network(nn.Dropout(0.5), nn.Dropout(0.5), input_shape=1000)
    graph = Graph()
    x = graph.input("x", (10, 1000))
    graph.outputs = [network.forward(x, {}, nn.Context(training=True, key=graph.constant(KEY)))]
    (y,) = ReferenceEngine().compile(graph)(np.ones((10, 1000), np.float32))
    assert abs((y != 0).mean() - 0.25) < 0.02  # one mask taken twice would leave a half


def test_a_function_that_computes_in_float64_leaves_a_float32_network_float32() -> None:
    network = nn.Network(nn.Function(lambda x: x * np.array([1.0, 2.0])), nn.Dense(1), input_shape=2)
    assert network.outputs([[1.0, 2.0]]).dtype == np.float32


def test_a_parameter_without_axes_is_possible_and_starts_at_zero() -> None:
    network = nn.Network(nn.Function(lambda x, shift: x + shift, shapes={"shift": ()}, name="moved"), input_shape=2)
    assert network.parameters["moved1.shift"] == 0.0
    assert network.parameter_specs()["moved1.shift"].kind == "bias"


def test_dense_takes_he_before_relu_also_through_dropout_and_glorot_otherwise() -> None:
    def kinds(*layers: nn.Layer) -> list[str]:
        specs = nn.Network(*layers, input_shape=4).parameter_specs()
        return [type(s.initial).__name__ for name, s in specs.items() if name.endswith("weight")]

    assert kinds(nn.Dense(3), nn.ReLU(), nn.Dense(2)) == ["HeNormal", "GlorotNormal"]
    assert kinds(nn.Dense(3), nn.Dropout(0.1), nn.GELU()) == ["HeNormal"]
    assert kinds(nn.Dense(3), nn.Sigmoid()) == ["GlorotNormal"]
    assert kinds(nn.Dense(3, weight_init="orthogonal"), nn.ReLU()) == ["Orthogonal"]
