"""Masks through convolutions and pooling: a padded batch gives what each shorter sequence gives alone, values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.autodiff import Graph, gradients
from unstuck.engines import engine

PADDING = 7.0  # far from zero, so that a step that leaks is seen
ENGINES = ["reference", "cpu"]
STEPS, FEATURES = 8, 3


def program(
    layers: list[nn.Layer], rows: int, steps: int, name: str, *, training: bool = True
) -> tuple[Any, nn.Network]:
    """(x, direction, *parameters) -> output, gradients of Σ direction · output by x and the parameters; float64."""
    network = nn.Network(*layers, input_shape=(steps, FEATURES), dtype="float64", seed=3)
    rng = np.random.default_rng(4)
    drawn = {k: rng.normal(size=p.shape) for k, p in network.parameters.items()}
    network.parameters = {k: np.asarray(abs(p) + 0.5 if k.endswith("variance") else p) for k, p in drawn.items()}
    graph = Graph()
    x = graph.input("x", (rows, steps, FEATURES), np.float64)
    direction = graph.input("direction", (rows, *network.output_shape), np.float64)
    parameters = {k: graph.input(k, p.shape, p.dtype) for k, p in network.parameters.items()}
    output = network.forward(x, parameters, nn.Context(training=training))
    graph.outputs = [output, *gradients(np.sum(output * direction), [x, *parameters.values()])]
    return engine(name).compile(graph), network


def padded(lengths: tuple[int, ...], *, front: bool = False) -> np.ndarray:
    x = np.random.default_rng(0).normal(size=(len(lengths), STEPS, FEATURES))
    for row, length in zip(x, lengths, strict=True):
        row[slice(0, STEPS - length) if front else slice(length, None)] = PADDING
    return x


def check(layers: list[nn.Layer], lengths: tuple[int, ...], name: str, *, front: bool = False) -> None:
    """The padded batch beside each sequence alone: outputs, the gradient by the inputs, the sum of those by the parameters."""
    x = padded(lengths, front=front)
    whole, network = program([nn.Masking(PADDING), *layers], len(lengths), STEPS, name, training=False)
    direction = np.random.default_rng(1).normal(size=(len(lengths), *network.output_shape))
    output, by_x, *by_parameters = whole(x, direction, *network.parameters.values())
    sums = [np.zeros_like(g) for g in by_parameters]
    for row, length in enumerate(lengths):
        real = slice(STEPS - length, None) if front else slice(0, length)
        alone, short = program(layers, 1, length, "reference", training=False)
        assert list(map(np.shape, short.parameters.values())) == list(map(np.shape, network.parameters.values()))
        expected, gradient, *others = alone(
            x[row : row + 1, real], direction[row : row + 1], *network.parameters.values()
        )
        np.testing.assert_allclose(output[row], expected[0], rtol=1e-9, atol=1e-11)
        wanted = np.zeros_like(x[row])
        wanted[real] = gradient[0]
        np.testing.assert_allclose(by_x[row], wanted, rtol=1e-9, atol=1e-11)
        sums = [a + b for a, b in zip(sums, others, strict=True)]
    for found, wanted in zip(by_parameters, sums, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-10)


ANY_LENGTHS: dict[str, list[nn.Layer]] = {
    "same, average": [nn.Conv1D(4, 3, padding="same"), nn.Tanh(), nn.GlobalAveragePool(), nn.Dense(2)],
    "same, largest": [nn.Conv1D(4, 3, padding="same"), nn.GlobalMaxPool()],
    "wide, dilated, grouped": [
        nn.Conv1D(4, 5, padding="same", dilation=2), nn.Conv1D(6, 2, padding="same", groups=2), nn.GlobalAveragePool(),
    ],
    "several, then a recurrence": [
        nn.Conv1D(4, 4, padding="same"), nn.ReLU(), nn.Conv1D(3, 3, padding="same"), nn.LSTM(3), nn.Dense(2),
    ],
    "causal": [nn.Conv1D(4, 3, padding=((2, 0),)), nn.Conv1D(4, 2, padding=((1, 0),)), nn.GRU(3)],
    "more padding than window": [nn.Conv1D(4, 3, padding=2), nn.GlobalAveragePool()],
    "one step at a time": [nn.Conv1D(4, 1), nn.Sigmoid(), nn.GlobalMaxPool()],
    "pooled to the end": [nn.Conv1D(4, 3, padding="same"), nn.MaxPool1D(2, padding="same"), nn.GlobalAveragePool()],
    "overlapping, stride 1": [nn.MaxPool1D(3, stride=1, padding="same"), nn.AveragePool1D(3, 1, "same"), nn.LSTM(2)],
    "normalised": [nn.Conv1D(4, 3, padding="same"), nn.BatchNorm(), nn.LayerNorm(), nn.GlobalMaxPool()],
    "attention": [nn.Conv1D(4, 3, padding="same"), nn.SelfAttention(2), nn.GlobalAveragePool()],
    "both ways": [nn.Conv1D(4, 3, padding="same"), nn.Bidirectional(nn.GRU(2))],
    "beside itself": [
        nn.Add(nn.Identity(), [nn.Conv1D(3, 3, padding="same"), nn.ReLU()]),
        nn.Concatenate(nn.Conv1D(2, 3, padding="same"), nn.MaxPool1D(3, 1, "same")), nn.GlobalAveragePool(),
    ],
}  # fmt: skip
# With a stride, "same" begins elsewhere on an odd length than on an even one, also without any mask.
EQUAL_REMAINDERS: dict[str, tuple[tuple[int, ...], list[nn.Layer]]] = {
    "same, stride 2": ((8, 6, 4, 2), [nn.Conv1D(4, 3, stride=2, padding="same"), nn.Tanh(), nn.LSTM(3)]),
    "pooled, overlapping": ((8, 4), [nn.MaxPool1D(3, 2, "same"), nn.AveragePool1D(2, padding="same"), nn.LSTM(2)]),
    "by threes": ((8, 5, 2), [nn.AveragePool1D(3, padding="same"), nn.Conv1D(2, 3, padding="same"), nn.GRU(2)]),
}
LONG: dict[str, list[nn.Layer]] = {
    "valid": [nn.Conv1D(4, 3), nn.ReLU(), nn.Conv1D(2, 2), nn.GlobalAveragePool()],
    "valid, stride 2, then a recurrence": [nn.Conv1D(4, 2, stride=2), nn.Tanh(), nn.LSTM(3)],
    "valid, dilated": [nn.Conv1D(4, 2, dilation=3), nn.GlobalMaxPool()],
}


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("layers", ANY_LENGTHS.values(), ids=list(ANY_LENGTHS))
def test_each_row_is_what_the_shorter_sequence_is_alone(layers: list[nn.Layer], name: str) -> None:
    check(layers, (8, 5, 3, 1, 7, 2), name)


@pytest.mark.parametrize(("lengths", "layers"), EQUAL_REMAINDERS.values(), ids=list(EQUAL_REMAINDERS))
def test_with_strides_too_where_the_lengths_leave_one_remainder(
    lengths: tuple[int, ...], layers: list[nn.Layer]
) -> None:
    for name in ENGINES:
        check(layers, lengths, name)


@pytest.mark.parametrize("layers", LONG.values(), ids=list(LONG))
def test_without_padding_too_where_a_window_fits(layers: list[nn.Layer]) -> None:
    for name in ENGINES:
        check(layers, (8, 6, 4, 5, 7), name)


def test_sequences_that_are_padded_in_front_too() -> None:
    layers: list[nn.Layer] = [nn.Conv1D(4, 3, padding="same"), nn.MaxPool1D(3, 1, "same"), nn.GlobalAveragePool()]
    check(layers, (8, 5, 1), "reference", front=True)
    check([nn.Conv1D(4, 3), nn.GRU(2)], (8, 5, 3), "cpu", front=True)


def values(layers: list[nn.Layer], x: np.ndarray) -> np.ndarray:
    return nn.Network(nn.Masking(PADDING), *layers, input_shape=x.shape[1:], dtype="float64").outputs(x)


def test_pooling_counts_real_steps_only_and_a_window_of_nothing_but_padding_is_zero_and_masked() -> None:
    x = np.array([1.0, 3, PADDING, 5, PADDING, PADDING, PADDING, -2]).reshape(1, 8, 1)
    assert values([nn.AveragePool1D(2)], x).ravel().tolist() == [2, 5, 0, -2]
    assert values([nn.MaxPool1D(2)], x).ravel().tolist() == [3, 5, 0, -2]
    assert values([nn.MaxPool1D(2), nn.GlobalAveragePool()], x).ravel().tolist() == [2]
    assert values([nn.AveragePool1D(2), nn.GlobalMaxPool()], x - 10 * (x != PADDING)).ravel().tolist() == [-5]


def test_a_row_of_which_a_convolution_leaves_nothing_gives_zeros_and_no_nan() -> None:
    x = padded((8, 1))
    layers: list[nn.Layer] = [nn.Conv1D(2, 3), nn.Concatenate(nn.GlobalAveragePool(), nn.GlobalMaxPool(), nn.LSTM(2))]
    for name in ENGINES:
        run, network = program([nn.Masking(PADDING), *layers], 2, STEPS, name)
        output, *found = run(x, np.ones((2, 6)), *network.parameters.values())
        assert output[0].all()
        assert not output[1].any()
        assert all(np.isfinite(g).all() for g in found)
        assert not found[0][1].any()


def test_the_statistics_of_a_batch_are_those_of_its_real_steps() -> None:
    x = padded((8, 3, 1))
    real = x[(x != PADDING).any(axis=-1)]
    graph = Graph()
    node = graph.input("x", x.shape, np.float64)
    network = nn.Network(nn.Masking(PADDING), nn.BatchNorm(momentum=0.0), input_shape=x.shape[1:], dtype="float64")
    context = nn.Context(training=True)
    parameters = {k: graph.input(k, p.shape, p.dtype) for k, p in network.parameters.items()}
    graph.outputs = [network.forward(node, parameters, context), *context.updates.values()]
    output, mean, variance = engine("reference").compile(graph.pruned())(x, *network.parameters.values())
    np.testing.assert_allclose(mean, real.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(variance, real.var(axis=0, ddof=1), rtol=1e-12)
    normal = (real - real.mean(axis=0)) / np.sqrt(real.var(axis=0) + 1e-5)
    np.testing.assert_allclose(output[(x != PADDING).any(axis=-1)], normal, rtol=1e-10)


def test_flattened_padding_is_zero() -> None:
    x = padded((8, 3))
    np.testing.assert_array_equal(values([nn.Flatten()], x), np.where(x == PADDING, 0, x).reshape(2, -1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_is_the_same_on_both_engines_and_learns(dtype: str) -> None:
    rng = np.random.default_rng(0)
    tokens = rng.integers(1, 6, size=(240, 12))
    tokens[np.arange(12) >= rng.integers(3, 13, 240)[:, None]] = 0
    labels = (tokens == 3).any(axis=1).astype(int)
    losses = []
    for name in ENGINES:
        network = nn.Network(
            nn.Embedding(6, 8, padding=0), nn.Conv1D(8, 3, padding="same"), nn.BatchNorm(), nn.ReLU(),
            nn.MaxPool1D(2, padding="same"), nn.Conv1D(8, 3, padding="same"), nn.ReLU(), nn.AveragePool1D(2, 1, "same"),
            nn.Concatenate(nn.GlobalAveragePool(), nn.GlobalMaxPool()), nn.Dense(2), dtype=dtype,
        )  # fmt: skip
        settings: dict[str, Any] = {"optimizer": us.Adam(0.02), "preprocessing": "none", "epochs": 8, "engine": name}
        losses.append(us.fit(network, (tokens, labels), **settings).history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-8 if dtype == "float64" else 5e-3)
    assert losses[0][-1] < 0.3 * losses[0][0]


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (nn.Conv2D(2, 2), r"layer conv2d1: Conv2D\(2, 2×2\) cannot leave out the steps .* use nn\.Conv1D before it"),
        (nn.DepthwiseConv2D(2), r"cannot leave out the steps that Masking or Embedding"),
        (nn.MaxPool2D(2), r"use nn\.MaxPool1D before it, or take the mask away"),
        (nn.AveragePool2D(2), r"use nn\.AveragePool1D before it"),
        (nn.ConvTranspose1D(2, 2), r"ConvTranspose1D\(2, 2, stride=\(1,\)\) cannot leave out the steps"),
        (nn.ConvTranspose2D(2, 2), r"cannot leave out the steps"),
    ],
    ids=str,
)
def test_layers_that_cannot_leave_steps_out_say_so(layer: nn.Layer, sentence: str) -> None:
    network = nn.Network(nn.Masking(), layer, input_shape=(6, 4))
    with pytest.raises(us.InputError, match=sentence):
        network.outputs(np.ones((2, 6, 4)))


def test_behind_the_end_of_the_sequence_no_mask_is_left_for_them_to_refuse() -> None:
    x = np.ones((2, 6, 4))
    picture = nn.Function(lambda y: np.reshape(y, (y.shape[0], 2, 2, 1)), name="picture")
    for end in (nn.LSTM(4), nn.GlobalMaxPool()):
        assert nn.Network(nn.Masking(), end, picture, nn.Conv2D(2, 2), input_shape=(6, 4)).outputs(x).shape == (
            2,
            1,
            1,
            2,
        )
