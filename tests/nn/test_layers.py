"""Every layer, forward and backward: against central differences, against PyTorch and JAX, float32 against float64."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.autodiff import Graph, gradients
from unstuck.autodiff.threefry import uniform
from unstuck.engines.reference import ReferenceEngine

ROWS = 5
KEY = np.array([7, 11], np.uint32)


def wave(x: Any, gain: Any, mix: Any) -> Any:
    return np.sin(x @ mix) * gain


SPATIAL: dict[str, tuple[nn.Layer, tuple[int, ...]]] = {
    "conv": (nn.Conv2D(4, 3), (5, 6, 2)),
    "conv 1×1": (nn.Conv2D(3, 1, bias=False), (3, 3, 2)),
    "conv as large as the image": (nn.Conv2D(3, (4, 3), bias_init=nn.Normal(1.0)), (4, 3, 1)),
    "conv on images without channels": (nn.Conv2D(2, 2), (3, 4)),
    "conv, all settings": (
        nn.Conv2D(4, (3, 2), stride=(2, 1), padding=((1, 0), (2, 1)), dilation=(1, 2), groups=2),
        (5, 6, 4),
    ),
    "conv, padded to the same size": (nn.Conv2D(2, (2, 3), stride=(1, 2), padding="same"), (4, 5, 2)),
    "conv, depthwise": (nn.DepthwiseConv2D(2, multiplier=2, padding=1), (3, 4, 3)),
    "conv over one axis": (nn.Conv1D(3, 3, stride=2, padding=1), (7, 2)),
    "conv over one axis, one step": (nn.Conv1D(2, 1), (1, 2)),
    "transposed conv": (nn.ConvTranspose2D(3, (3, 2), stride=(2, 1), padding=((1, 0), (0, 1))), (3, 4, 2)),
    "transposed conv, padded to the same size": (nn.ConvTranspose2D(2, 3, stride=2, padding="same"), (3, 2, 2)),
    "transposed conv over one axis": (nn.ConvTranspose1D(2, 3, stride=2, dilation=2), (4, 3)),
    "max pool": (nn.MaxPool2D(2), (4, 5, 2)),
    "max pool, overlapping and padded": (nn.MaxPool2D(3, stride=2, padding=1), (5, 6, 2)),
    "max pool over one axis": (nn.MaxPool1D(3, stride=1), (5, 2)),
    "max pool as large as the image": (nn.MaxPool2D((3, 2)), (3, 2, 1)),
    "average pool": (nn.AveragePool2D(2), (4, 5, 2)),
    "average pool, overlapping and padded": (nn.AveragePool2D(3, stride=2, padding=1), (5, 6, 2)),
    "average pool over one axis": (nn.AveragePool1D(2, padding=1), (5, 2)),
    "global max pool": (nn.GlobalMaxPool(), (3, 4, 2)),
    "global average pool": (nn.GlobalAveragePool(), (5, 2)),
}
CASES: dict[str, tuple[nn.Layer, tuple[int, ...]]] = {
    **SPATIAL,
    "dense": (nn.Dense(3), (4,)),
    "dense without bias": (nn.Dense(3, bias=False), (4,)),
    "dense with bias units of -1": (nn.Dense(3, bias_value=-1, bias_init=nn.Normal(1.0)), (4,)),
    "dropout": (nn.Dropout(0.4), (6,)),
    "spatial dropout": (nn.SpatialDropout(0.4), (3, 4)),
    "layer norm": (nn.LayerNorm(), (4,)),
    "layer norm over the last of two axes": (nn.LayerNorm(0.1), (3, 4)),
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
def test_the_gradient_of_inputs_and_parameters_is_that_of_central_differences(
    name: str, central_differences: Any
) -> None:
    program, arrays, _ = recorded(*CASES[name], np.float64)
    found = program(*arrays)[2:]
    for ours, numeric in zip(found, central_differences(program, arrays), strict=True):
        assert np.abs(numeric).max() > 0
        np.testing.assert_allclose(ours, numeric, rtol=1e-6, atol=1e-8)


# (The two types draw different numbers for dropout.)
@pytest.mark.parametrize("name", [name for name in CASES if "dropout" not in name])
def test_float32_agrees_with_float64_to_1e_5(name: str) -> None:
    exact, _, _ = recorded(*CASES[name], np.float64)
    single, small, _ = recorded(*CASES[name], np.float32)
    truth = exact(*[a.astype(np.float64) for a in small])
    for value, right in zip(single(*small), truth, strict=True):
        assert value.dtype == np.float32
        assert np.abs(value - right).max() <= 1e-5 * np.abs(right).max()


@pytest.mark.parametrize("name", CASES)
def test_saved_and_loaded_is_the_same_layer_and_predicts_the_same_bits(name: str, tmp_path: Path) -> None:
    layer, shape = CASES[name]
    network = nn.Network(layer, input_shape=shape, seed=5)
    again = us.load(us.save(network, tmp_path / "model.safetensors"), functions={"wave": wave})
    x = np.random.default_rng(0).normal(size=(ROWS, *shape))
    assert np.array_equal(again.outputs(x), network.outputs(x))
    assert again.layers == network.layers
    assert str(again) == str(network)


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
    if name == "spatial dropout":
        kept = uniform(KEY, shape=(len(x), 1, x.shape[-1]), stream=1, dtype=np.float64) >= 0.4
        return x * torch.tensor(kept) / 0.6
    if name.startswith("layer norm"):
        return F.layer_norm(x, x.shape[-1:], *parameters, eps=0.1 if "two" in name else 1e-5)
    if name == "flatten":
        return x.reshape(len(x), -1)
    if name in SPATIAL:
        return torch_spatial(SPATIAL[name][0], x, parameters)
    if name.startswith("softmax"):
        return torch.softmax(x, -1)
    functions = {
        "identity": lambda x: x, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": F.relu, "gelu": F.gelu, "silu": F.silu,
        "softplus": F.softplus, "leaky relu": lambda x: F.leaky_relu(x, 0.2), "elu": lambda x: F.elu(x, 0.7),
    }  # fmt: skip
    return functions[name](x)


def torch_spatial(layer: Any, x: Any, parameters: list[Any]) -> Any:
    """PyTorch's own convolutions and pools, which want channels second and know no uneven padding."""
    from torch.nn import functional as F

    if layer.kind.startswith("Global"):
        flat = x.reshape(len(x), -1, x.shape[-1])
        return flat.amax(1) if "Max" in layer.kind else flat.mean(1)
    dims = 1 if layer.kind.endswith("1D") else 2
    x = x if x.ndim == dims + 2 else x[..., None]
    x = x.movedim(-1, 1)
    size, stride = layer.size, layer.stride
    pads = layer.padding
    if pads == "valid":
        pads = ((0, 0),) * dims
    if "Pool" in layer.kind:
        padding = [pair[0] for pair in pads]
        pool = getattr(F, f"{'max' if 'Max' in layer.kind else 'avg'}_pool{dims}d")
        counting = {} if "Max" in layer.kind else {"count_include_pad": False}
        return pool(x, size, stride, padding, **counting).movedim(1, -1)
    weight = parameters[0].movedim((-1, -2), (0, 1))  # (O, C / groups, *size)
    bias = parameters[1] if len(parameters) > 1 else None
    if "Transpose" in layer.kind:
        # Without padding; what is padded is cut off.
        full = getattr(F, f"conv_transpose{dims}d")(x, weight, None, stride, dilation=layer.dilation).movedim(1, -1)
        wanted = layer.output_shape((*x.shape[2:], x.shape[1]))[:-1]
        if pads == "same":
            pads = [((f - w) // 2,) for f, w in zip(full.shape[1:], wanted, strict=False)]
        for axis, (n, pair) in enumerate(zip(wanted, pads, strict=True), 1):
            full = full.narrow(axis, pair[0], n)
        return full + bias
    if pads == "same":
        wanted = [-(-n // s) for n, s in zip(x.shape[2:], stride, strict=True)]
        total = [(w - 1) * s + k - n for w, s, k, n in zip(wanted, stride, size, x.shape[2:], strict=True)]
        pads = [(t // 2, t - t // 2) for t in total]
    x = F.pad(x, [n for pair in reversed(pads) for n in pair])
    groups = x.shape[1] if layer.kind.startswith("Depthwise") else layer.groups
    return getattr(F, f"conv{dims}d")(x, weight, bias, stride, 0, layer.dilation, groups).movedim(1, -1)


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
