"""examples/digits_784_16_16_10.py: the main job."""

from pathlib import Path

import numpy as np

import unstuck as us


def test_three_epochs_get_at_least_92_of_100_test_digits_right(example, digits):
    run = example("digits_784_16_16_10").train(digits, epochs=3)
    assert run.network.size == 13_002
    assert run.steps == 3 * 480
    assert run.evaluate(digits.test)["accuracy"] >= 0.92
    assert run.history["loss"] == sorted(run.history["loss"], reverse=True)


def test_it_is_the_same_training_as_the_command_does_without_settings(example, digits):
    from unstuck.cli.recipe import recipe

    settings = recipe(digits, {})
    assert settings.epochs == 30
    by_command = us.fit(
        settings.network, digits.train, loss=settings.loss, optimizer=settings.optimizer, batch_size=settings.batch_size,
        epochs=1, seed=3,
    )  # fmt: skip
    by_example = example("digits_784_16_16_10").train(digits, epochs=1, seed=3)
    for name, parameter in by_command.network.parameters.items():
        np.testing.assert_array_equal(parameter, by_example.network.parameters[name], err_msg=name)


def test_as_a_script_it_tells_the_test_accuracy_and_saves_the_network(run_example, digits, tmp_path: Path):
    path = tmp_path / "digits.safetensors"
    printed = run_example("digits_784_16_16_10", "--epochs", "1", "--save", str(path))
    accuracy = us.evaluate(us.load(path), digits.test)["accuracy"]
    assert f"test accuracy {accuracy:.2%}" in printed
    assert "first ten test digits: 7 2 1 0 4 1 4 9 5 9" in printed
