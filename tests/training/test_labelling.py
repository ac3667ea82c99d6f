"""A label for each step of a sequence: loss, accuracy, steps without a label, both engines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn

RNG = np.random.default_rng(5)
STEPS = np.arange(7)
LENGTHS = RNG.integers(2, 8, 90)
X = RNG.normal(size=(90, 7, 2)) * (LENGTHS[:, None] > STEPS)[:, :, None]
LABELS = np.where(LENGTHS[:, None] > STEPS, (np.cumsum(X[:, :, 0], axis=1) > 0).astype(int), -1)


def network(**settings: Any) -> nn.Network:
    return nn.Network(nn.Masking(), nn.LSTM(12, sequences=True), nn.Conv1D(2, 1), **settings)


@pytest.mark.parametrize("engine", ["reference", "cpu"])
def test_labels_of_steps_are_learnt_and_predicted(engine: str) -> None:
    run = us.fit(network(), (X, LABELS), optimizer=us.Adam(0.03), epochs=25, preprocessing="none", engine=engine)
    assert run.history["loss"][-1] < 0.2
    predicted = run.network.predict(X)
    assert predicted.shape == LABELS.shape
    counted = LABELS >= 0
    accuracy = np.mean(predicted[counted] == LABELS[counted])
    assert accuracy > 0.95
    assert run.evaluate((X, LABELS))["accuracy"] == pytest.approx(accuracy)
    assert run.network.predict_probabilities(X).shape == (90, 7, 2)


def test_the_loss_and_the_accuracy_are_means_over_the_labelled_steps_alone() -> None:
    net = network(input_shape=(7, 2), dtype="float64")
    logits = net.outputs(X)
    counted = LABELS >= 0
    shifted = logits - logits.max(axis=-1, keepdims=True)
    losses = (
        np.log(np.exp(shifted).sum(axis=-1))
        - np.take_along_axis(shifted, np.maximum(LABELS, 0)[:, :, None], -1)[:, :, 0]
    )
    expected = losses[counted].mean()
    settings: dict[str, Any] = {"optimizer": us.SGD(1e-12), "batch_size": None, "epochs": 1, "preprocessing": "none"}
    run = us.fit(net, (X, LABELS), **settings)
    assert run.history["loss"][0] == pytest.approx(expected, rel=1e-12)
    assert run.history["accuracy"][0] == pytest.approx((logits.argmax(-1) == LABELS)[counted].mean())
    assert run.evaluate((X, LABELS))["loss"] == pytest.approx(expected, rel=1e-9)
    weights = RNG.uniform(0.5, 2, 90)
    weighted = us.fit(net, (X, LABELS), sample_weight=weights, **settings).history["loss"][0]
    scaled = weights / weights.mean()
    assert weighted == pytest.approx((losses * counted * scaled[:, None]).sum() / counted.sum(), rel=1e-9)


def test_what_stands_in_steps_without_a_label_changes_nothing() -> None:
    settings: dict[str, Any] = {"optimizer": us.Adam(0.01), "epochs": 3, "preprocessing": "none"}
    longer = np.concatenate([X, np.zeros((90, 4, 2))], axis=1)
    padded = np.concatenate([LABELS, np.full((90, 4), -1)], axis=1)
    a = us.fit(network(), (X, LABELS), **settings)
    b = us.fit(network(), (longer, padded), **settings)
    np.testing.assert_allclose(a.history["loss"], b.history["loss"], rtol=1e-4)
    np.testing.assert_allclose(a.network.outputs(X), b.network.outputs(longer)[:, :7], atol=1e-4)


@pytest.mark.parametrize(
    ("labels", "layers", "sentence"),
    [
        (
            LABELS,
            [nn.LSTM(4), nn.Dense(2)],
            r"has a label for each of 7 steps, but the network gives rows of shape \(2,\)",
        ),
        (LABELS, [nn.LSTM(4, sequences=True), nn.Conv1D(1, 1)], None),
        (
            np.maximum(LABELS, 0) + 2,
            [nn.LSTM(4, sequences=True), nn.Conv1D(2, 1)],
            "has 4 classes, but the network has 2 outputs",
        ),
        (LABELS * 0 - 1, [nn.LSTM(4, sequences=True), nn.Conv1D(2, 1)], "every label is -1"),
        (
            LABELS - 5,
            [nn.LSTM(4, sequences=True), nn.Conv1D(2, 1)],
            r"holds the class label -\d at step 0; expected labels from 0",
        ),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: Any, layers: list[nn.Layer], sentence: str | None) -> None:
    if sentence is None:  # one output says yes or no at each step
        run = us.fit(nn.Network(*layers), (X, labels), epochs=2, preprocessing="none")
        assert type(run.loss).__name__ == "BinaryCrossEntropy"
        assert np.isfinite(run.history["loss"]).all()
        return
    with pytest.raises(us.InputError, match=sentence):
        us.fit(nn.Network(*layers), (X, labels), epochs=1, preprocessing="none")


def test_weights_of_classes_are_refused_for_steps() -> None:
    with pytest.raises(us.InputError, match="class_weight needs one class a row"):
        us.fit(network(), (X, LABELS), class_weight="balanced", preprocessing="none")
