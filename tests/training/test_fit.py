"""fit: beside a loop written by hand, the same bits for the same seed, every row once, and going on from where it was."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn

RNG = np.random.default_rng(3)
X = RNG.normal(size=(23, 4))
CLASSES = (X[:, 0] + X[:, 1] ** 2 > 0.7).astype(int) + (X[:, 2] > 0.5)
NUMBERS = np.stack([X @ [1.0, 2.0, -1.0, 0.5], np.sin(X[:, 0])], axis=1)


class Rows(us.Callback):
    """Notes which rows each step saw."""

    def __init__(self) -> None:
        self.epochs: list[list[np.ndarray]] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any]) -> None:
        self.epochs.append([])

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any]) -> None:
        rows = np.arange(len(X))[logs["rows"]]
        assert len(rows) == logs["size"]
        self.epochs[-1].append(rows)


def classifier(seed: int = 0, **settings: Any) -> nn.Network:
    return nn.Network(nn.Dense(6), nn.Tanh(), nn.Dense(3), input_shape=4, seed=seed, **settings)


def same(a: nn.Network, b: nn.Network) -> bool:
    return all(np.array_equal(a.parameters[k], b.parameters[k]) for k in a.parameters)


def softmax_loss_and_gradients(p: dict[str, Any], x: Any, labels: Any) -> tuple[float, int, dict[str, Any]]:
    """The mean cross-entropy of a 4-6-3 tanh network, the right answers, the gradients: by hand."""
    h = np.tanh(x @ p["dense1.weight"] + p["dense1.bias"])
    z = h @ p["dense2.weight"] + p["dense2.bias"]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    probabilities = e / e.sum(axis=1, keepdims=True)
    n = len(x)
    loss = -np.log(probabilities[np.arange(n), labels]).mean()
    delta = (probabilities - np.eye(3)[labels]) / n
    back = (delta @ p["dense2.weight"].T) * (1 - h**2)
    gradients = {
        "dense1.weight": x.T @ back, "dense1.bias": back.sum(0), "dense2.weight": h.T @ delta, "dense2.bias": delta.sum(0)
    }  # fmt: skip
    return loss, int((z.argmax(1) == labels).sum()), gradients


def test_every_step_and_epoch_is_that_of_a_loop_written_by_hand() -> None:
    """23 rows in batches of 5: the last batch has 3, and counts for 3 rows in the epoch's loss and accuracy."""
    network = classifier(dtype="float64")
    p = {name: value.copy() for name, value in network.parameters.items()}
    rows, losses, states = Rows(), [], []

    def note(batch: int, logs: dict[str, Any]) -> None:
        losses.append(logs["loss"])
        states.append(network.parameters["dense1.weight"].copy())

    run = us.fit(
        network, (X, CLASSES), loss="cross_entropy", optimizer=us.SGD(0.3), batch_size=5, epochs=3, seed=9, preprocessing="none",
        callbacks=[rows, us.LambdaCallback(on_train_batch_end=note)],
    )  # fmt: skip
    assert [len(b) for b in rows.epochs[0]] == [5, 5, 5, 5, 3]
    step = 0
    for epoch, batches in enumerate(rows.epochs):
        total = right = 0.0
        for batch in batches:
            loss, correct, gradients = softmax_loss_and_gradients(p, X[batch], CLASSES[batch])
            assert losses[step] == pytest.approx(loss, rel=1e-12)
            p = {name: value - 0.3 * gradients[name] for name, value in p.items()}
            np.testing.assert_allclose(states[step], p["dense1.weight"], rtol=1e-10, atol=1e-13)
            total, right, step = total + loss * len(batch), right + correct, step + 1
        assert run.history["loss"][epoch] == pytest.approx(total / 23, rel=1e-12)
        assert run.history["accuracy"][epoch] == right / 23
    for name, value in network.parameters.items():
        np.testing.assert_allclose(value, p[name], rtol=1e-10, atol=1e-13)
    assert (run.epochs, run.steps, run.stopped_because) == (3, 15, "epochs")


def test_every_epoch_sees_each_row_once_in_an_order_of_its_own() -> None:
    rows = Rows()
    us.fit(classifier(), (X, CLASSES), batch_size=5, epochs=4, callbacks=[rows])
    orders = [np.concatenate(batches) for batches in rows.epochs]
    for order in orders:
        assert sorted(order) == list(range(23))
    assert len({tuple(order) for order in orders}) == 4


def test_without_shuffling_and_with_full_batches_the_rows_keep_their_order() -> None:
    for settings, sizes in (({"shuffle": False, "batch_size": 10}, [10, 10, 3]), ({"batch_size": None}, [23])):
        rows = Rows()
        us.fit(classifier(), (X, CLASSES), epochs=2, callbacks=[rows], **settings)
        assert [len(b) for b in rows.epochs[1]] == sizes
        assert list(np.concatenate(rows.epochs[1])) == list(range(23))


def test_a_batch_size_above_the_number_of_rows_is_a_full_batch() -> None:
    a, b = classifier(), classifier()
    us.fit(a, (X, CLASSES), batch_size=100, epochs=2)
    us.fit(b, (X, CLASSES), batch_size=None, epochs=2)
    assert same(a, b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_seed_gives_the_same_bits_also_with_dropout(dtype: str) -> None:
    def trained(seed: int) -> tuple[nn.Network, us.Run]:
        network = nn.Network(nn.Dense(8), nn.ReLU(), nn.Dropout(0.3), nn.Dense(3), dtype=dtype)
        run = us.fit(network, (X, CLASSES), batch_size=4, epochs=3, seed=seed, validation=(X, CLASSES))
        return network, run

    (a, first), (b, second), (c, _) = trained(1), trained(1), trained(2)
    assert same(a, b)
    assert not same(a, c)
    for name in first.history.columns:
        if name != "seconds":
            assert first.history[name] == second.history[name]


def test_dropout_draws_a_new_mask_at_each_step() -> None:
    network = nn.Network(nn.Dropout(0.5), nn.Dense(1, bias=False, weight_init=0.0), input_shape=4, dtype="float64")
    steps = []
    us.fit(
        network, (np.ones((1, 4)), [1.0]), optimizer=us.SGD(1e-9), batch_size=None, epochs=20,
        callbacks=[us.LambdaCallback(on_epoch_end=lambda e, logs: steps.append(network.parameters["dense1.weight"].copy()))],
    )  # fmt: skip
    masks = {tuple((np.diff([np.zeros((4, 1)), *steps], axis=0)[k] != 0).ravel()) for k in range(20)}
    assert len(masks) > 5


def test_training_in_two_parts_is_training_in_one_where_nothing_but_the_seed_of_the_order_differs() -> None:
    whole, parts = classifier(), classifier()
    settings: dict[str, Any] = {"optimizer": us.SGD(0.1), "batch_size": None}
    us.fit(whole, (X, CLASSES), epochs=6, **settings)
    us.fit(parts, (X, CLASSES), epochs=2, **settings)
    us.fit(parts, (X, CLASSES), epochs=4, **settings)
    assert same(whole, parts)


def test_going_on_keeps_the_preprocessing_that_the_network_learnt_with() -> None:
    network = nn.Network(nn.Dense(2))
    us.fit(network, (X, NUMBERS), preprocessing="standardise", targets="standardise", epochs=1)
    learnt = network.preprocessing
    before = network.predict(X)
    us.fit(network, (X * 100 + 5, NUMBERS), epochs=1, optimizer=us.SGD(1e-12))
    assert network.preprocessing is learnt
    np.testing.assert_allclose(network.predict(X), before, rtol=1e-5)


def test_standardised_targets_are_predicted_and_measured_in_their_own_units() -> None:
    far = NUMBERS * [1000.0, 0.01] + [5e4, -3.0]
    network = nn.Network(nn.Dense(16), nn.Tanh(), nn.Dense(2))
    run = us.fit(
        network, (X, far), targets="standardise", optimizer=us.Adam(0.02), batch_size=None, epochs=400, validation=(X, far)
    )  # fmt: skip
    assert np.abs(network.predict(X) - far).mean(axis=0) == pytest.approx([0, 0], abs=60)
    measured = run.evaluate((X, far))
    assert measured["r2"] > 0.95
    assert measured["mae"] == pytest.approx(np.abs(network.predict(X) - far).mean(), rel=1e-6)
    assert measured["loss"] < 0.1  # of the standardised targets, as in training
    assert run.history["validation_r2"][-1] == measured["r2"]


def test_pictures_go_into_a_network_that_begins_with_dense() -> None:
    pictures = RNG.integers(0, 256, (12, 28, 28)).astype(np.uint8)
    network = nn.Network(nn.Dense(5), nn.ReLU(), nn.Dense(2))
    us.fit(network, (pictures, np.arange(12) % 2), preprocessing="pixels", epochs=2)
    assert network.input_shape == (784,)
    assert np.array_equal(network.predict(pictures), network.predict(pictures.reshape(12, 784)))


def test_one_output_learns_two_classes_whether_they_are_whole_numbers_or_floats() -> None:
    labels = (X[:, 0] > 0).astype(int)
    for targets in (labels, labels.astype(float), labels.astype(float)[:, None]):
        network = nn.Network(nn.Dense(1))
        run = us.fit(network, (X, targets), loss="binary_cross_entropy", optimizer=us.Adam(0.1), epochs=60)
        assert run.task == "classification"
        assert run.history["accuracy"][-1] > 0.9
        assert np.array_equal(network.predict(X), (network.outputs(X)[:, 0] > 0).astype(int))


def test_many_independent_answers_are_learnt_and_predicted_as_probabilities() -> None:
    answers = np.stack([X[:, 0] > 0, X[:, 1] > 0, X[:, 2] > 0], axis=1).astype(int)
    network = nn.Network(nn.Dense(3))
    us.fit(network, (X, answers), loss="binary_cross_entropy", optimizer=us.Adam(0.1), epochs=60)
    probabilities = network.predict(X)
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert ((probabilities > 0.5) == answers).mean() > 0.9


def test_counts_are_learnt_by_poisson_and_predicted_as_rates() -> None:
    from sklearn.linear_model import PoissonRegressor

    x = np.linspace(0, 2, 200)[:, None]
    counts = np.random.default_rng(0).poisson(np.exp(x[:, 0]))
    network = nn.Network(nn.Dense(1))
    run = us.fit(network, (x, counts), loss="poisson", optimizer=us.Adam(0.05), batch_size=None, epochs=500)
    oracle = PoissonRegressor(alpha=0).fit(x, counts)
    np.testing.assert_allclose(network.predict(x)[:, 0], oracle.predict(x), rtol=0.01)
    assert run.evaluate((x, counts))["mae"] < 2


def test_a_users_loss_trains_and_reports_its_own_value() -> None:
    def fourth(outputs: Any, targets: Any) -> Any:
        return np.sum((outputs - targets) ** 4, axis=-1)

    network = nn.Network(nn.Dense(2), dtype="float64")
    run = us.fit(network, (X, NUMBERS), loss=fourth, optimizer=us.Adam(0.05), epochs=50)
    assert run.history["loss"][-1] < run.history["loss"][0] / 3
    assert run.evaluate((X, NUMBERS))["loss"] == pytest.approx(((network.outputs(X) - NUMBERS) ** 4).sum(1).mean())


def test_the_loss_of_an_epoch_holds_the_penalties_and_the_validation_loss_does_not() -> None:
    network = nn.Network(nn.Dense(2, weight_init=2.0), input_shape=4, dtype="float64")
    run = us.fit(
        network, (X, NUMBERS), l2=0.5, optimizer=us.SGD(1e-12), batch_size=None, epochs=1, validation=(X, NUMBERS)
    )
    plain = ((X.sum(1, keepdims=True) * 2 - NUMBERS) ** 2).mean()
    assert run.history["validation_loss"][0] == pytest.approx(plain)
    assert run.history["loss"][0] == pytest.approx(plain + 0.25 * 8 * 4)


def test_a_loss_that_sums_over_the_batch_is_summed_over_the_epoch() -> None:
    network = classifier(dtype="float64")
    run = us.fit(
        network, (X, CLASSES), loss=nn.CrossEntropy(batch="sum"), optimizer=us.SGD(1e-12), batch_size=5, epochs=1
    )
    expected = softmax_loss_and_gradients(network.parameters, X, CLASSES)[0] * 23
    assert run.history["loss"][0] == pytest.approx(expected)
    assert run.evaluate((X, CLASSES))["loss"] == pytest.approx(expected)


def test_large_data_are_preprocessed_batch_by_batch_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = classifier(), classifier()
    us.fit(a, (X, CLASSES), preprocessing="standardise", epochs=2, batch_size=5)
    # (The module hides behind the function of the same name.)
    monkeypatch.setattr(sys.modules["unstuck.training.preparation"], "KEEP_BYTES", 0)
    us.fit(b, (X, CLASSES), preprocessing="standardise", epochs=2, batch_size=5)
    assert same(a, b)


def test_validation_classes_are_found_by_their_names_not_by_their_order() -> None:
    names = np.array(["cat", "dog", "owl"])
    network = nn.Network(nn.Dense(3))
    some = CLASSES > 0  # no cat among them: on their own they would be numbered anew
    run = us.fit(network, (X, names[CLASSES]), epochs=3, validation=(X[some], names[CLASSES[some]]))
    assert run.history["validation_accuracy"][-1] == np.mean(network.predict(X[some]) == CLASSES[some])
    other = us.Dataset.from_arrays(X[some], names[CLASSES[some]])
    assert run.evaluate(other) == run.evaluate((X[some], CLASSES[some]))


def test_the_default_loss_suits_task_and_last_layer() -> None:
    def chosen(last: list[nn.Layer], targets: Any) -> str:
        run = us.fit(nn.Network(*last), (X, targets), epochs=1)
        return type(run.loss).__name__

    assert chosen([nn.Dense(3)], CLASSES) == "CrossEntropy"
    assert chosen([nn.Dense(3), nn.Softmax()], CLASSES) == "CrossEntropyProbabilities"
    assert chosen([nn.Dense(3), nn.Sigmoid()], CLASSES) == "SquaredError"
    assert chosen([nn.Dense(1)], CLASSES % 2) == "BinaryCrossEntropy"
    assert chosen([nn.Dense(1), nn.Identity()], CLASSES % 2) == "BinaryCrossEntropy"
    assert chosen([nn.Dense(2)], NUMBERS) == "SquaredError"


def test_a_few_hundred_real_digits_are_learnt() -> None:
    digits = us.datasets.load("mnist").train.subset(slice(0, 600))
    network = nn.Network(nn.Dense(32), nn.ReLU(), nn.Dense(10))
    run = us.fit(network, digits, optimizer=us.Adam(0.005), epochs=12)
    assert run.evaluate(digits)["accuracy"] > 0.95
    assert repr(run).startswith("<Run of 784-32-10 relu: 12 epochs, epochs; loss ")
