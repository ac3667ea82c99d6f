"""Networks run step by step, and the text that is drawn from them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.data import text
from unstuck.nn.step_by_step import StepByStep
from unstuck.training.sampling import sample

RNG = np.random.default_rng(2)


@pytest.mark.parametrize(
    "layers",
    [
        [nn.LSTM(5, sequences=True), nn.Conv1D(3, 1)],
        [nn.GRU(5, sequences=True), nn.Tanh(), nn.SimpleRNN(4, sequences=True, activation="relu"), nn.LayerNorm()],
        [nn.LSTM(4, sequences=True, truncate=2), nn.Dropout(0.5), nn.LSTM(3, sequences=True), nn.Softmax()],
    ],
)
def test_step_after_step_gives_what_the_whole_sequence_gives(layers: list[nn.Layer]) -> None:
    network = nn.Network(*layers, input_shape=(9, 2), dtype="float64", seed=4)
    x = RNG.normal(size=(9, 2))
    step = StepByStep(network)
    np.testing.assert_allclose([step(row) for row in x], network.outputs(x[None])[0], rtol=1e-10, atol=1e-12)


def test_the_states_go_on_beyond_the_length_that_was_trained() -> None:
    short = nn.Network(nn.Embedding(6, 3), nn.LSTM(5, sequences=True), input_shape=(4,), dtype="float64")
    long = nn.Network(*short.layers, input_shape=(20,), dtype="float64")
    long.parameters.update(short.parameters)
    tokens = RNG.integers(0, 6, 20)
    step = StepByStep(short)
    np.testing.assert_allclose([step(token) for token in tokens], long.outputs(tokens[None])[0], rtol=1e-10)


@pytest.mark.parametrize(
    "layer",
    [
        nn.LSTM(3),
        nn.LSTM(3, sequences=True, reverse=True),
        nn.Bidirectional(nn.GRU(2, sequences=True)),
        nn.Conv1D(2, 3),
    ],
)
def test_layers_that_need_other_steps_are_refused(layer: Any) -> None:
    network = nn.Network(layer, input_shape=(5, 2))
    with pytest.raises(us.InputError, match="cannot be run step by step"):
        StepByStep(network)


@pytest.fixture(scope="module")
def writer() -> nn.Network:
    """Knows one sentence by heart."""
    data = text.windows("the quick brown fox. " * 40, sorted(set("the quick brown fox. ")), 17, "fox")
    network = nn.Network(nn.Embedding(data.n_classes, 8), nn.LSTM(32, sequences=True), nn.Conv1D(data.n_classes, 1))
    run = us.fit(network, data, optimizer=us.Adam(0.03), batch_size=8, epochs=60)
    assert run.evaluate(data)["accuracy"] > 0.9
    return network


def test_what_was_learnt_by_heart_is_written_and_goes_on_after_the_prompt(writer: nn.Network) -> None:
    written = "".join(sample(writer, "the qui", length=60, temperature=0))
    assert len(written) == 60
    assert written.startswith("ck brown fox. the quick")


def test_a_seed_has_one_text_and_a_high_temperature_more_variety(writer: nn.Network) -> None:
    texts = {seed: "".join(sample(writer, "the", length=200, temperature=3.0, seed=seed)) for seed in (1, 2)}
    assert texts[1] != texts[2]
    assert "".join(sample(writer, "the", length=200, temperature=3.0, seed=1)) == texts[1]
    cold = "".join(sample(writer, "the", length=200, temperature=0.1, seed=1))
    pairs = [{a + b for a, b in itertools.pairwise(written)} for written in (cold, texts[1])]
    assert len(pairs[0]) < len(pairs[1])


def test_a_model_of_text_is_saved_with_its_characters(writer: nn.Network, tmp_path: Any) -> None:
    loaded = us.load(us.save(writer, tmp_path / "fox.safetensors"))
    assert loaded.class_names == writer.class_names
    assert list(sample(loaded, "qu", length=30, seed=3)) == list(sample(writer, "qu", length=30, seed=3))


def test_wrong_settings_and_other_models_are_refused(writer: nn.Network) -> None:
    for settings, sentence in (
        ({"temperature": -1}, "temperature is -1"),
        ({"length": 0}, "length is 0"),
        ({"prompt": "Zebra"}, "the character 'Z' in line 1 is unknown"),
    ):
        with pytest.raises(us.InputError, match=sentence):
            sample(writer, **settings)
    with pytest.raises(us.InputError, match="was not trained on a text"):
        sample(nn.Network(nn.Dense(2), input_shape=2))
