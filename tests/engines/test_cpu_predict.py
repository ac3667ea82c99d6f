"""Prediction in compiled code: what the reference gives, for any number of rows and any width."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.engines.cpu.predict import BLOCK, Predictor
from unstuck.nn import prediction
from unstuck.nn.prediction import _by_reference

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("rows", [1, BLOCK - 1, BLOCK, 2 * BLOCK + 3])
@pytest.mark.parametrize(
    ("sizes", "dtype"), [("7-33-1", np.float32), ("20-70-65-32", np.float32), ("5-40-3", np.float64)]
)
def test_compiled_predictions_are_those_of_the_reference(sizes: str, dtype: Any, rows: int) -> None:
    widths = [int(n) for n in sizes.split("-")]
    layers = [layer for n in widths[1:-1] for layer in (nn.Dense(n), nn.Tanh())]
    network = nn.Network(*layers, nn.Dense(widths[-1]), input_shape=widths[0], dtype=dtype)
    x = RNG.normal(size=(rows, widths[0])).astype(dtype)
    found = Predictor(network.graph)(x, list(network.parameters.values()))
    assert found.shape == (rows, widths[-1])
    assert np.allclose(found, _by_reference(network, x, 4096), rtol=0, atol=1e-5 if dtype is np.float32 else 1e-12)


@pytest.mark.parametrize("how", ["pixels", "standardise", "none"])
def test_a_network_that_is_asked_much_answers_the_same_from_bytes(how: str, monkeypatch: Any) -> None:
    x, y = RNG.integers(0, 256, (200, 6, 5)).astype(np.uint8), RNG.integers(0, 3, 200)
    network = nn.Network(nn.Dense(8), nn.Sigmoid(), nn.Dense(3))
    us.fit(network, (x, y), epochs=1, preprocessing=how)
    slow = network.outputs(x)
    monkeypatch.setattr(prediction, "WORTH_COMPILING", 0.0)
    assert np.allclose(network.outputs(x), slow, atol=1e-5)
    network.parameters["dense2.bias"] += 1  # the parameters are those of the moment
    assert np.allclose(network.outputs(x), slow + 1, atol=1e-5)
    assert np.allclose(network.outputs(x[:3].tolist()), slow[:3] + 1, atol=1e-5)


def test_bytes_of_a_wrong_shape_are_refused_in_words(monkeypatch: Any) -> None:
    network = nn.Network(nn.Dense(3), input_shape=30)
    monkeypatch.setattr(prediction, "WORTH_COMPILING", 0.0)
    with pytest.raises(us.InputError, match="the network takes"):
        network.outputs(np.zeros((4, 31), np.uint8))
