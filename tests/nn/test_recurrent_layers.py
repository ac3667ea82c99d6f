"""Recurrent layers beside PyTorch's; masks beside shorter sequences; truncation, direction, saving, training on both engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.autodiff import Graph, gradients
from unstuck.engines.reference import ReferenceEngine
from unstuck.errors import InputError

KINDS: list[Any] = [nn.SimpleRNN, nn.GRU, nn.LSTM]


def recorded(layers: list[nn.Layer], x: np.ndarray, dtype: Any = np.float64) -> tuple[Any, nn.Network, np.ndarray]:
    """A program (x, *parameters) -> output, Σ direction · output, gradients by x and the parameters."""
    network = nn.Network(*layers, input_shape=x.shape[1:], dtype=dtype, seed=2)
    rng = np.random.default_rng(9)
    network.parameters = {
        k: (p if p.ndim > 1 else rng.normal(size=p.shape)).astype(dtype) for k, p in network.parameters.items()
    }
    graph = Graph()
    node = graph.input("x", x.shape, dtype)
    parameters = {k: graph.input(k, p.shape, dtype) for k, p in network.parameters.items()}
    output = network.forward(node, parameters, nn.Context(training=True))
    direction = rng.normal(size=output.shape).astype(dtype)
    total = np.sum(output * direction)
    graph.outputs = [output, total, *gradients(total, [node, *parameters.values()])]
    return ReferenceEngine().compile(graph), network, direction


def sequences(rows: int, steps: int, features: int) -> np.ndarray:
    return np.random.default_rng(steps).normal(size=(rows, steps, features))


@pytest.mark.parametrize("shape", [(3, 4, 2), (1, 1, 1)], ids=str)
@pytest.mark.parametrize("sequence", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_that_of_central_differences(
    kind: Any, sequence: bool, shape: tuple[int, ...], central_differences: Any
) -> None:
    x = sequences(*shape)
    program, network, _ = recorded([kind(2, sequences=sequence)], x)
    arrays = [x, *network.parameters.values()]
    for found, numeric in zip(program(*arrays)[2:], central_differences(program, arrays), strict=True):
        np.testing.assert_allclose(found, numeric, rtol=1e-6, atol=1e-8)


def torch_twin(torch: Any, layer: Any, parameters: dict[str, Any], features: int) -> tuple[Any, dict[str, Any]]:
    """PyTorch's layer with the same numbers; and from each of its parameters to ours."""
    kinds = {"SimpleRNN": torch.nn.RNN, "GRU": torch.nn.GRU, "LSTM": torch.nn.LSTM}
    extra = {"nonlinearity": layer.activation} if layer.kind == "SimpleRNN" else {}
    twin = kinds[layer.kind](features, layer.units, batch_first=True, **extra).double()
    with torch.no_grad():
        twin.weight_ih_l0.copy_(torch.tensor(parameters["weight"].T))
        twin.weight_hh_l0.copy_(torch.tensor(parameters["recurrent"].T))
        bias = parameters["bias"].copy()
        if layer.kind == "LSTM":
            bias[layer.units : 2 * layer.units] += layer.forget_bias
        twin.bias_ih_l0.copy_(torch.tensor(bias))
        twin.bias_hh_l0.zero_()
        if layer.kind == "GRU":
            twin.bias_hh_l0[2 * layer.units :] = torch.tensor(parameters["recurrent_bias"])
    return twin, {"weight": twin.weight_ih_l0, "recurrent": twin.weight_hh_l0, "bias": twin.bias_ih_l0}


@pytest.mark.extra
@pytest.mark.parametrize("sequence", [False, True])
@pytest.mark.parametrize("steps", [1, 7, 200])
@pytest.mark.parametrize("layer", [nn.SimpleRNN(5), nn.SimpleRNN(5, activation="relu"), nn.GRU(5), nn.LSTM(5)], ids=str)
def test_outputs_and_gradients_agree_with_pytorch(layer: Any, steps: int, sequence: bool) -> None:
    torch = pytest.importorskip("torch")
    x = sequences(3, steps, 4)
    settings = {"activation": layer.activation} if layer.kind == "SimpleRNN" else {}
    program, network, direction = recorded([type(layer)(5, sequences=sequence, **settings)], x)
    name = network.names[0]
    output, _, by_x, *found = program(x, *network.parameters.values())
    parameters = {k.removeprefix(f"{name}."): p for k, p in network.parameters.items()}
    twin, theirs = torch_twin(torch, layer, parameters, 4)
    tensor = torch.tensor(x, requires_grad=True)
    states, _ = twin(tensor)
    expected = states if sequence else states[:, -1]
    np.testing.assert_allclose(output, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    (expected * torch.tensor(direction)).sum().backward()
    np.testing.assert_allclose(by_x, tensor.grad.numpy(), rtol=1e-8, atol=1e-11)
    for key, gradient in zip(parameters, found, strict=True):
        if key in theirs:
            np.testing.assert_allclose(gradient, theirs[key].grad.numpy().T, rtol=1e-8, atol=1e-11)
        else:
            np.testing.assert_allclose(gradient, twin.bias_hh_l0.grad.numpy()[10:], rtol=1e-8, atol=1e-11)


LAYERS_WITH_MASKS: list[nn.Layer] = [
    *(kind(3) for kind in KINDS),
    nn.LSTM(3, reverse=True),
    nn.LSTM(3, truncate=2),
    nn.Bidirectional(nn.GRU(3)),
]


@pytest.mark.parametrize("layer", LAYERS_WITH_MASKS, ids=str)
def test_a_masked_sequence_gives_what_the_shorter_sequence_gives(layer: nn.Layer) -> None:
    x = sequences(2, 6, 2)
    x[:, 4:] = 0
    network = nn.Network(nn.Masking(), layer, input_shape=(6, 2), dtype="float64", seed=1)
    short = nn.Network(layer, input_shape=(4, 2), dtype="float64", seed=1)
    short.parameters.update(zip(short.parameters, network.parameters.values(), strict=True))
    np.testing.assert_allclose(network.outputs(x), short.outputs(x[:, :4]), rtol=1e-13)


def test_rows_of_unequal_lengths_do_not_touch_each_other_nor_does_the_gradient_reach_padding() -> None:
    x = sequences(3, 5, 2)
    lengths = (5, 3, 1)
    for row, length in enumerate(lengths):
        x[row, length:] = 0
    program, network, _ = recorded([nn.Masking(), nn.GRU(3)], x)
    output, _, by_x, *_ = program(x, *network.parameters.values())
    for row, length in enumerate(lengths):
        alone = nn.Network(nn.GRU(3), input_shape=(length, 2), dtype="float64")
        alone.parameters.update(zip(alone.parameters, network.parameters.values(), strict=True))
        np.testing.assert_allclose(output[row], alone.outputs(x[row : row + 1, :length])[0], rtol=1e-12)
        assert not by_x[row, length:].any()
        assert by_x[row, :length].all()


@pytest.mark.parametrize("kind", KINDS)
def test_reverse_is_the_sequence_turned_round(kind: Any) -> None:
    x = sequences(2, 5, 3)
    ahead = nn.Network(kind(4, sequences=True), input_shape=(5, 3), dtype="float64", seed=1)
    back = nn.Network(kind(4, sequences=True, reverse=True), input_shape=(5, 3), dtype="float64", seed=1)
    np.testing.assert_allclose(back.outputs(x), ahead.outputs(x[:, ::-1])[:, ::-1], rtol=1e-13)


def test_bidirectional_puts_both_ways_side_by_side() -> None:
    x = sequences(2, 5, 3)
    both = nn.Network(nn.Bidirectional(nn.LSTM(4, sequences=True)), input_shape=(5, 3), dtype="float64", seed=1)
    values = list(both.parameters.values())
    for way, part, own in ((False, slice(0, 4), values[:3]), (True, slice(4, 8), values[3:])):
        one = nn.Network(nn.LSTM(4, sequences=True, reverse=way), input_shape=(5, 3), dtype="float64")
        one.parameters.update(zip(one.parameters, own, strict=True))
        np.testing.assert_allclose(both.outputs(x)[..., part], one.outputs(x), rtol=1e-13)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_truncation_changes_no_output_and_cuts_the_gradient(kind: Any, reverse: bool) -> None:
    x = sequences(2, 5, 2)
    whole, network, _ = recorded([kind(3, sequences=True, reverse=reverse)], x)
    arrays = list(network.parameters.values())
    cut = recorded([kind(3, sequences=True, reverse=reverse, truncate=2)], x)[0]
    long = recorded([kind(3, sequences=True, reverse=reverse, truncate=9)], x)[0]
    for a, b in zip(long(x, *arrays), whole(x, *arrays), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    np.testing.assert_allclose(cut(x, *arrays)[0], whole(x, *arrays)[0], rtol=1e-13)
    # The last state alone: the gradient reaches only the steps of its own run.
    last = recorded([kind(3, reverse=reverse, truncate=2)], x)[0](x, *arrays)[2]
    reached = np.abs(last).sum(axis=(0, 2)) > 0
    assert reached.tolist() == ([True, False, False, False, False] if reverse else [False] * 4 + [True])


@pytest.mark.parametrize("layer", [*LAYERS_WITH_MASKS, nn.SimpleRNN(3, activation="relu", bias_init=0.5)], ids=str)
def test_saved_and_loaded_predicts_the_same_bits(layer: nn.Layer, tmp_path: Path) -> None:
    network = nn.Network(layer, input_shape=(6, 2), seed=1)
    again = us.load(us.save(network, tmp_path / "model.safetensors"))
    x = sequences(3, 6, 2)
    assert np.array_equal(again.outputs(x), network.outputs(x))
    assert again.layers == network.layers


@pytest.mark.parametrize("kind", KINDS)
def test_training_is_the_same_on_both_engines_and_learns(kind: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(96, 6, 3)).astype(np.float32)
    y = (x[:, :, 0].sum(axis=1) > 0).astype(int)
    losses = [
        us.fit(
            nn.Network(kind(8), nn.Dense(2)),
            (x, y),
            epochs=8,
            optimizer=us.Adam(0.02),
            preprocessing="none",
            engine=engine,
        ).history["loss"]
        for engine in ("reference", "cpu")
    ]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    assert losses[0][-1] < 0.7 * losses[0][0]


def test_what_is_wrong_is_said_in_a_sentence() -> None:
    network = nn.Network(nn.Masking(), nn.LSTM(2), input_shape=(3, 2))
    x = np.ones((4, 3, 2))
    x[2] = 0
    with pytest.raises(InputError, match=r"^row 2 holds nothing but padding \(0\); leave such rows out\.$"):
        network.outputs(x)
    with pytest.raises(
        InputError, match=r"^layer lstm1: LSTM\(units=2\) got rows of shape \(4,\); expected \(steps, features\)\.$"
    ):
        nn.Network(nn.LSTM(2), input_shape=4)
    with pytest.raises(InputError, match="expected a recurrent layer such as"):
        nn.Bidirectional(nn.Dense(3))
    with pytest.raises(InputError, match=r"^unknown activation 'tanhh'; did you mean 'tanh'\?"):
        nn.SimpleRNN(3, activation="tanhh")
