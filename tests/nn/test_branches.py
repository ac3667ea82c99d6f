"""Add and Concatenate: what their branches give by themselves, joined; with statistics, masks, saving and training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.errors import InputError

R = np.random.default_rng(4)
RESIDUAL = nn.Add(nn.Identity(), [nn.Dense(6), nn.Tanh(), nn.Dense(4)])
INCEPTION = nn.Concatenate(
    nn.Conv2D(2, 1), [nn.Conv2D(3, 3, padding="same"), nn.BatchNorm(), nn.ReLU()], nn.MaxPool2D(1)
)


def test_a_residual_block_is_its_input_and_what_the_layers_add() -> None:
    network = nn.Network(RESIDUAL, input_shape=4, dtype="float64", seed=3)
    x = R.normal(size=(5, 4))
    w1, b1, w2, b2 = network.parameters.values()
    np.testing.assert_allclose(network.outputs(x), x + np.tanh(x @ w1 + b1) @ w2 + b2, rtol=1e-12)
    assert next(iter(network.parameters)) == "add1.branch2.dense1.weight"


def test_concatenate_puts_the_branches_side_by_side() -> None:
    network = nn.Network(INCEPTION, input_shape=(4, 5, 3), dtype="float64", seed=3)
    x = R.normal(size=(2, 4, 5, 3))
    y = network.outputs(x)
    assert y.shape == (2, 4, 5, 8)
    assert network.output_shape == (4, 5, 8)
    weight, bias = list(network.parameters.values())[:2]
    np.testing.assert_allclose(y[..., :2], x @ weight[0, 0] + bias, rtol=1e-12)
    assert np.array_equal(y[..., 5:], x)


@pytest.mark.parametrize("engine", ["reference", "cpu"])
def test_statistics_inside_a_branch_are_carried_through_training(engine: str, tmp_path: Path) -> None:
    x = R.normal(2, 1, size=(48, 4, 4, 3)).astype(np.float32)
    network = nn.Network(INCEPTION, nn.GlobalAveragePool(), nn.Dense(2))
    run = us.fit(
        network, (x, np.arange(48) % 2), epochs=3, batch_size=16, preprocessing="none", optimizer="adam", engine=engine
    )
    assert network.parameters["concatenate1.branch2.batchnorm2.mean"].all()
    again = us.load(run.save(tmp_path / "model.safetensors"))
    assert np.array_equal(again.outputs(x), network.outputs(x))
    assert again.layers == network.layers


def test_each_branch_sees_the_mask_that_came_in() -> None:
    both = nn.Concatenate(nn.LSTM(2), nn.LSTM(2, reverse=True))
    network = nn.Network(nn.Masking(), both, input_shape=(5, 2), dtype="float64", seed=1)
    short = nn.Network(both, input_shape=(3, 2), dtype="float64", seed=1)
    short.parameters.update(zip(short.parameters, network.parameters.values(), strict=True))
    x = R.normal(size=(2, 5, 2))
    x[:, 3:] = 0
    np.testing.assert_allclose(network.outputs(x), short.outputs(x[:, :3]), rtol=1e-13)


MISTAKES: list[tuple[Any, str]] = [
    (
        lambda: nn.Add(nn.Dense(3)),
        "Add got 1 branches; expected at least two, such as nn.Identity() and nn.Dense(8).",
    ),
    (lambda: nn.Add(nn.Dense(3), 7), "Add: a branch holds 7; expected layers such as nn.Dense(16)."),
    (
        lambda: nn.Network(nn.Add(nn.Identity(), nn.Dense(3)), input_shape=4),
        "layer add1: Add: the branches end in the shapes (4,), (3,); expected one shape.",
    ),
    (
        lambda: nn.Network(nn.Concatenate(nn.Identity(), nn.MaxPool1D(2)), input_shape=(4, 1)),
        "layer concatenate1: Concatenate: the branches end in the shapes (4, 1), (2, 1); expected shapes that differ only in "
        "the last axis.",
    ),
]


@pytest.mark.parametrize(("mistake", "sentence"), MISTAKES, ids=[m[1][:30] for m in MISTAKES])
def test_the_sentence_for_a_mistake(mistake: Any, sentence: str) -> None:
    with pytest.raises(InputError) as error:
        mistake()
    assert str(error.value) == sentence
