"""Networks by name: each learns from a few pictures, is saved and loaded, and stands in a file of its own name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import unstuck as us
from unstuck import nn, presets
from unstuck.cli.recipe import recipe

PICTURES = [name for name, preset in presets.PRESETS.items() if preset.reads != "text"]


@pytest.fixture(scope="module")
def few() -> us.Splits:
    digits = us.datasets.load("mnist")
    assert digits.test is not None
    return us.Splits(digits.train.subset(slice(0, 256)), None, digits.test.subset(slice(0, 100)), "mnist")


@pytest.mark.parametrize("name", PICTURES)
def test_a_preset_learns_a_few_digits_and_survives_being_saved(name: str, few: us.Splits, tmp_path: Path) -> None:
    settings = recipe(few, {"network": name, "epochs": 3, "batch_size": 16})
    run = us.fit(
        settings.network, few.train, loss=settings.loss, optimizer=settings.optimizer, batch_size=settings.batch_size,
        epochs=settings.epochs, clip_norm=settings.clip_norm,
    )  # fmt: skip
    assert run.history["loss"][-1] < 0.95 * run.history["loss"][0]
    assert run.troubles == []
    loaded = us.load(run.save(tmp_path / "model.safetensors"))
    np.testing.assert_array_equal(loaded.outputs(few.test.inputs[:8]), run.network.outputs(few.test.inputs[:8]))  # type: ignore[union-attr]


def test_the_shapes_are_those_of_the_literature() -> None:
    lenet = nn.Network(*presets.preset("lenet").layers(10), input_shape=(28, 28))
    assert lenet.size == 61_706  # LeCun and others (1998), with one channel and ten classes
    cnn = nn.Network(*presets.preset("cnn").layers(10), input_shape=(28, 28))
    assert cnn.size == 320 + 18_496 + 9_216 * 128 + 128 + 1_290
    lstm = nn.Network(*presets.preset("lstm").layers(10), input_shape=(28, 28))
    assert lstm.size == 4 * (28 + 128 + 1) * 128 + 1_290


@pytest.mark.parametrize("name", presets.PRESETS)
def test_a_preset_has_a_file_of_its_own_and_the_smallest_rows_it_promises_to_read(name: str) -> None:
    preset = presets.preset(name)
    assert (Path(presets.__file__).parent / f"{name.replace('-', '_')}.py").is_file()
    if preset.reads == "pictures":
        shape = (preset.smallest, preset.smallest)
        assert nn.Network(*preset.layers(10), input_shape=shape).output_shape == (10,)
        with pytest.raises(us.InputError, match=r"Conv2D|MaxPool2D"):
            nn.Network(*preset.layers(10), input_shape=(preset.smallest - 1,) * 2)


def test_an_unknown_preset_is_named_with_the_nearest_one() -> None:
    with pytest.raises(us.InputError, match=r"unknown network 'lsmt'; did you mean 'lstm'\?"):
        presets.preset("lsmt")
