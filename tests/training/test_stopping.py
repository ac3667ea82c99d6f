"""When training ends: early stopping, tolerances, callbacks, Ctrl-C."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn

RNG = np.random.default_rng(6)
X = RNG.normal(size=(20, 3))
Y = X @ [[1.0], [-1.0], [2.0]]


class Snapshots(us.Callback):
    """The parameters after each epoch."""

    def __init__(self) -> None:
        self.taken: list[dict[str, np.ndarray]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        self.taken.append({k: p.copy() for k, p in self.run.network.parameters.items()})


def linear(**settings: Any) -> nn.Network:
    return nn.Network(nn.Dense(1, **settings), input_shape=3, dtype="float64")


def is_at(network: nn.Network, state: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(network.parameters[k], p) for k, p in state.items())


def test_early_stopping_restores_the_best_epoch_after_its_patience() -> None:
    """The validation targets lie half way: their loss falls, then rises as training goes past them."""
    network, seen = linear(weight_init=0.0), Snapshots()
    run = us.fit(
        network, (X, Y), validation=(X, Y / 2), optimizer=us.SGD(0.02), batch_size=None, epochs=500, early_stopping=4,
        callbacks=[seen],
    )  # fmt: skip
    losses = run.history["validation_loss"]
    best = int(np.argmin(losses))
    assert run.stopped_because == "early stopping"
    assert run.best_epoch == best + 1
    assert run.epochs == best + 1 + 4
    assert is_at(network, seen.taken[best])
    assert run.evaluate((X, Y / 2))["loss"] == pytest.approx(losses[best])


def test_the_best_weights_are_restored_also_when_the_last_epoch_comes_first() -> None:
    network, seen = linear(weight_init=0.0), Snapshots()
    settings: dict[str, Any] = {"validation": (X, Y / 2), "optimizer": us.SGD(0.02), "batch_size": None}
    best = us.fit(linear(weight_init=0.0), (X, Y), epochs=500, early_stopping=4, **settings).best_epoch
    assert best is not None
    run = us.fit(network, (X, Y), epochs=best + 2, early_stopping=4, callbacks=[seen], **settings)
    assert (run.stopped_because, run.epochs, run.best_epoch) == ("epochs", best + 2, best)
    assert is_at(network, seen.taken[best - 1])


def test_early_stopping_may_watch_what_should_grow_and_what_has_no_validation() -> None:
    run = us.fit(linear(), (X, Y), validation=(X, Y), early_stopping=us.EarlyStopping(3, "validation_r2"), epochs=5)
    assert run.best_epoch == int(np.argmax(run.history["validation_r2"])) + 1
    run = us.fit(linear(), (X, Y), early_stopping=3, epochs=5)
    assert run.best_epoch == int(np.argmin(run.history["loss"])) + 1


def test_an_improvement_below_the_least_is_none() -> None:
    run = us.fit(
        linear(), (X, Y), optimizer=us.SGD(1e-9), early_stopping=us.EarlyStopping(3, least_improvement=0.1), epochs=50
    )
    assert (run.epochs, run.best_epoch) == (4, 1)


def test_a_validation_loss_of_nan_or_infinity_is_never_the_best() -> None:
    """log of a negative output is NaN in the first epochs: what comes after must still count as better."""

    def logarithm(outputs: Any, targets: Any) -> Any:
        return np.sum(np.where(targets > 100, np.log(outputs), (outputs - targets) ** 2), axis=-1)

    network = linear(weight_init=0.0, bias_init=-1.0)
    run = us.fit(
        network, (X, np.full((20, 1), 3.0)), loss=logarithm, validation=(X, np.full((20, 1), 200.0)), optimizer=us.SGD(0.05),
        batch_size=None, epochs=12, early_stopping=50,
    )  # fmt: skip
    losses = np.array(run.history["validation_loss"])
    assert np.isnan(losses[0])
    assert np.isfinite(losses[-1])
    assert run.best_epoch == int(np.nanargmin(losses)) + 1


def test_a_tolerance_of_the_loss_ends_at_the_first_step_below_it() -> None:
    run = us.fit(
        linear(), (X, Y), optimizer=us.SGD(0.1), batch_size=None, epochs=5000, tolerance=us.Tolerance(loss=1e-3)
    )
    losses = run.history["loss"]
    assert run.stopped_because == "tolerance"
    assert losses[-1] < 1e-3 <= losses[-2]


def test_a_tolerance_of_the_gradient_is_one_of_its_squared_norm() -> None:
    network, seen = linear(), Snapshots()
    run = us.fit(
        network, (X, Y), loss="half_squared_error", optimizer=us.SGD(0.1), batch_size=None, epochs=5000, callbacks=[seen],
        tolerance=us.Tolerance(gradient=1e-4),
    )  # fmt: skip
    assert run.stopped_because == "tolerance"
    squares = run.history["gradient"]
    assert squares[-1] < 1e-4 <= squares[-2]
    before = seen.taken[-2]  # the last step's gradient is that of the parameters before it
    error = X @ before["dense1.weight"] + before["dense1.bias"] - Y
    by_hand = (X.T @ error / 20) ** 2
    assert squares[-1] == pytest.approx(by_hand.sum() + error.mean() ** 2, rel=1e-9)


def test_a_step_within_an_epoch_that_is_close_enough_ends_training_and_the_epoch_counts_the_rows_seen() -> None:
    network = nn.Network(nn.Dense(3), input_shape=3)
    run = us.fit(network, (X, np.arange(20) % 3), batch_size=6, tolerance=us.Tolerance(loss=100.0))
    assert (run.steps, run.epochs) == (1, 1)
    assert run.history["loss"][0] < 100
    assert run.history["accuracy"][0] * 6 == pytest.approx(round(run.history["accuracy"][0] * 6))


def test_a_callback_may_stop_after_an_epoch() -> None:
    class Stop(us.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
            self.run.stop_training = epoch == 2

    run = us.fit(linear(), (X, Y), epochs=10, callbacks=[Stop()])
    assert (run.epochs, run.stopped_because) == (3, "callback")


def test_a_callback_may_stop_after_a_batch_and_the_figures_are_those_of_the_rows_seen() -> None:
    losses: list[float] = []

    class Stop(us.Callback):
        def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
            losses.append(logs["loss"])
            self.run.stop_training = batch == 1

    run = us.fit(linear(), (X, Y), batch_size=8, epochs=10, callbacks=[Stop()])
    assert (run.epochs, run.steps, run.stopped_because) == (1, 2, "callback")
    assert run.history["loss"] == [pytest.approx(np.mean(losses))]


@pytest.mark.parametrize(
    "hook", ["on_train_batch_begin", "on_train_batch_end", "on_epoch_begin", "on_epoch_end", "on_train_begin"]
)
def test_ctrl_c_keeps_what_was_learnt(hook: str) -> None:
    calls = []

    def interrupt(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == (1 if hook == "on_train_begin" else 3):
            raise KeyboardInterrupt

    steps: list[dict[str, np.ndarray]] = []

    class Watch(us.Callback):
        def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
            steps.append({k: p.copy() for k, p in self.run.network.parameters.items()})

    network = linear()
    start = {k: p.copy() for k, p in network.parameters.items()}
    run = us.fit(network, (X, Y), batch_size=10, epochs=9, callbacks=[Watch(), us.LambdaCallback(**{hook: interrupt})])
    assert run.interrupted
    assert run.stopped_because == "interrupted"
    assert run.steps == len(steps)
    assert is_at(network, steps[-1] if steps else start)
    assert np.isfinite(network.predict(X)).all()


def test_ctrl_c_with_early_stopping_keeps_the_best_epoch() -> None:
    def interrupt(epoch: int, logs: dict[str, Any]) -> None:
        if epoch == 30:
            raise KeyboardInterrupt

    network, seen = linear(weight_init=0.0), Snapshots()
    run = us.fit(
        network, (X, Y), validation=(X, Y / 2), optimizer=us.SGD(0.05), batch_size=None, epochs=100, early_stopping=90,
        callbacks=[seen, us.LambdaCallback(on_epoch_begin=interrupt)],
    )  # fmt: skip
    best = int(np.argmin(run.history["validation_loss"]))
    assert best < 29
    assert is_at(network, seen.taken[best])
