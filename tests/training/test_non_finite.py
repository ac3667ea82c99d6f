"""The first NaN or infinity: which step, which value, and a network that is still usable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn

RNG = np.random.default_rng(8)
X = RNG.normal(size=(12, 3))
Y = RNG.normal(size=(12, 1))


def failed(network: nn.Network, data: Any = (X, Y), **settings: Any) -> us.NonFiniteError:
    settings = {"batch_size": 4, "shuffle": False, "preprocessing": "none", **settings}
    with pytest.raises(us.NonFiniteError) as error:
        us.fit(network, data, **settings)
    assert all(np.isfinite(p).all() for p in network.parameters.values())
    assert np.isfinite(network.predict(data[0])).all()
    assert error.value.run.network is network  # type: ignore[attr-defined]
    assert error.value.run.stopped_because == "not finite"  # type: ignore[attr-defined]
    return error.value


def where(error: us.NonFiniteError) -> str:
    return str(error).split("; likely")[0].removeprefix("training met a NaN or an infinity at ")


def test_the_sentence_says_step_epoch_value_rate_and_what_to_do() -> None:
    error = failed(nn.Network(nn.Dense(1)), optimizer=us.SGD(1e25))
    assert str(error) == (
        "training met a NaN or an infinity at step 2 (epoch 1), first in the square in loss; likely the learning rate 1e+25 is "
        "too high: one step changes dense1.weight by 7.73e+25 times its size (lr-too-high). Try 1e+24, scaled inputs, or "
        "clip_norm=1.0. The parameters are those of the start of that epoch."
    )


def test_a_logarithm_of_a_negative_number_is_not_blamed_on_the_rate() -> None:
    x = np.abs(X) + 0.1
    x[9, 1] = -1
    network = nn.Network(nn.Function(np.log, name="logarithm"), nn.Dense(1))
    with pytest.raises(us.NonFiniteError, match=r"likely a logarithm is taken of 0 or less \(log-of-zero\)"):
        us.fit(network, (x, Y), batch_size=4, shuffle=False, preprocessing="none", optimizer=us.SGD(1e-3))


def test_a_huge_rate_in_a_deeper_network_is_found_where_the_values_overflow() -> None:
    network = nn.Network(nn.Dense(8), nn.ReLU(), nn.Dense(8), nn.ReLU(), nn.Dense(1))
    error = failed(network, optimizer=us.SGD(1e18), epochs=3)
    assert where(error) == "step 2 (epoch 1), first in the matmul in dense3"


def test_the_log_of_a_users_layer_is_named_at_the_step_whose_row_it_was() -> None:
    """Row 9 alone has a negative input: unshuffled, it comes in the third step."""
    x = np.abs(X) + 0.1
    x[9, 1] = -1
    network = nn.Network(nn.Function(np.log, name="logarithm"), nn.Dense(1))
    with pytest.raises(us.NonFiniteError) as error:
        us.fit(network, (x, Y), batch_size=4, shuffle=False, preprocessing="none", optimizer=us.SGD(1e-3))
    assert where(error.value) == "step 3 (epoch 1), first in the log in logarithm1"


def test_an_infinity_of_the_update_in_the_last_step_of_an_epoch_is_found_in_that_step() -> None:
    """A gradient too large for the rate: the loss is still finite, only the updated weight is not."""

    def loss(outputs: Any, targets: Any) -> Any:
        return np.sum(outputs * targets, axis=-1)

    y = np.full((12, 1), 1e-6)
    y[8:] = 3e37
    network = nn.Network(nn.Dense(1, bias=False, weight_init=0.01), input_shape=3)
    start = {k: p.copy() for k, p in network.parameters.items()}
    error = failed(network, (X, y), loss=loss, optimizer=us.SGD(100.0), epochs=5)
    assert where(error) == "step 3 (epoch 1), first in the multiply in update of dense1.weight"
    assert all(np.array_equal(network.parameters[k], p) for k, p in start.items())


def test_an_infinite_slot_of_the_optimiser_stops_although_parameters_stay_finite() -> None:
    """g² overflows, g / √∞ is 0: training would stand still for ever."""

    def loss(outputs: Any, targets: Any) -> Any:
        return np.sum(outputs * 1e25, axis=-1)

    error = failed(nn.Network(nn.Dense(1)), loss=loss, optimizer=us.Adagrad(0.1))
    assert where(error) == "step 1 (epoch 1), first in the square in update of dense1.weight"


def test_a_gradient_that_is_nan_while_the_loss_is_finite_is_named_at_its_step() -> None:
    def hidden(x: Any) -> Any:
        return np.where(x > 0, np.sqrt(np.abs(x)), 0.0)  # its derivative at 0 is 0 · ∞

    x = X.copy()
    x[5] = 0
    network = nn.Network(nn.Dense(1, bias=False), nn.Function(hidden, name="root"), input_shape=3)
    error = failed(network, (x, Y), optimizer=us.SGD(1e-3))
    assert where(error) == "step 2 (epoch 1), first in the divide in gradient of root1"


def test_an_infinity_that_nobody_uses_is_not_blamed() -> None:
    """The unchosen branch of where is infinite in every step; what breaks training is the rate."""

    def safe(x: Any) -> Any:
        return np.where(x > 1e30, 1.0 / np.where(x > 1e30, 0.0 * x, 0.0 * x), x)

    network = nn.Network(nn.Function(safe, name="safe"), nn.Dense(1))
    assert us.fit(network, (X, Y), epochs=1).stopped_because == "epochs"
    error = failed(nn.Network(nn.Function(safe, name="safe"), nn.Dense(1)), optimizer=us.SGD(1e25))
    assert where(error) == "step 2 (epoch 1), first in the square in loss"


def test_a_later_epoch_goes_back_to_its_own_start() -> None:
    snapshots = []
    network = nn.Network(nn.Dense(1), dtype="float64")
    note = us.LambdaCallback(on_epoch_end=lambda e, logs: snapshots.append(network.parameters["dense1.weight"].copy()))
    error = failed(
        network, optimizer=us.SGD(us.schedules.Step(0.01, every=2, factor=1e160)), epochs=9, callbacks=[note], seed=3
    )
    assert "(epoch 3)" in str(error)
    assert "the learning rate 1e+158 is too high" in str(error)
    assert np.array_equal(network.parameters["dense1.weight"], snapshots[1])
    assert error.run.epochs == 2  # type: ignore[attr-defined]
    assert error.run.steps == 6  # type: ignore[attr-defined]


def test_with_dropout_and_shuffling_the_run_again_is_the_same_run() -> None:
    sentences = set()
    for _ in range(2):
        network = nn.Network(nn.Dense(8), nn.Dropout(0.5), nn.Dense(1))
        sentences.add(str(failed(network, optimizer=us.SGD(3.0), epochs=200, shuffle=True, batch_size=3)))
    (sentence,) = sentences
    assert "a value" not in where(us.NonFiniteError(sentence))


def test_ctrl_c_while_values_are_bad_leaves_finite_parameters() -> None:
    def interrupt(batch: int, logs: dict[str, Any]) -> None:
        if batch == 2:
            raise KeyboardInterrupt

    def loss(outputs: Any, targets: Any) -> Any:
        return np.sum(np.where(outputs > 0, outputs, 0.0) * 1e30, axis=-1)  # hides a NaN

    network = nn.Network(nn.Dense(1, weight_init=1.0), input_shape=3)
    stop = us.LambdaCallback(on_train_batch_begin=interrupt)
    run = us.fit(network, (np.abs(X), Y), loss=loss, optimizer=us.SGD(1e20), batch_size=4, callbacks=[stop])
    assert run.interrupted
    assert np.isfinite(network.predict(X)).all()
