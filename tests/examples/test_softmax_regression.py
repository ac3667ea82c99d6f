"""examples/softmax_regression.py: digits without a hidden layer."""

import numpy as np


def test_softmax_regression_gets_at_least_92_of_100_test_digits_right(example, digits):
    run = example("softmax_regression").train(digits, "cross_entropy", epochs=20)
    assert [p.shape for p in run.network.parameters.values()] == [(784, 10), (10,)]
    assert run.evaluate(digits.test)["accuracy"] >= 0.92


def test_ten_sigmoids_with_binary_cross_entropy_come_close(example, digits):
    run = example("softmax_regression").train(digits, "binary_cross_entropy", epochs=4)
    assert run.evaluate(digits.test)["accuracy"] >= 0.905
    chances = run.network.predict_probabilities(digits.test.inputs[:100])
    logits = run.network.outputs(digits.test.inputs[:100]).astype(float)
    sigmoids = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(chances, sigmoids / sigmoids.sum(axis=1, keepdims=True), rtol=1e-6)


def test_as_a_script_it_trains_the_loss_that_is_asked_for(run_example):
    printed = run_example("softmax_regression", "--loss", "binary_cross_entropy", "--epochs", "1")
    assert printed.startswith("binary cross entropy: test loss 0.")
    assert "\ncross entropy:" not in printed  # the other loss was not asked for
    chances = [float(part.split("%")[0]) for part in printed.splitlines()[1].split(": ")[2:]]
    assert len(chances) == 10 and max(chances) == chances[7] and abs(sum(chances) - 100) < 1
