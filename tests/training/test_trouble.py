"""on_trouble: what is said of a loss that explodes, is not finite or stands still, and what is done about it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.training.trouble import guessing

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 5))
CLASSES = (X @ RNG.normal(size=(5, 3))).argmax(axis=1)
NUMBERS = X @ RNG.normal(size=(5, 1))


def steep(rate: float = 1.2, **settings: Any) -> us.Run:
    """A linear regression whose rate is far beyond what its curvature allows."""
    return us.fit(nn.Network(nn.Dense(1)), (X, NUMBERS), optimizer=us.SGD(rate), batch_size=20, **settings)


def dead(**settings: Any) -> us.Run:
    """A hidden layer that no row wakes up."""
    network = nn.Network(nn.Dense(8, bias_init=-100.0), nn.ReLU(), nn.Dense(3))
    return us.fit(network, (X, CLASSES), optimizer=us.SGD(0.1), epochs=12, **settings)


def test_a_loss_that_explodes_is_said_with_its_cause_and_training_goes_on() -> None:
    run = steep(epochs=1)
    (trouble,) = run.troubles
    assert (trouble.kind, trouble.epoch, trouble.likely.cause) == ("explodes", 1, "lr-too-high")
    assert 5 <= trouble.step <= 20
    assert run.history["trouble"] == [str(trouble)]
    assert "the learning rate 1.2 is too high: one step changes dense1.weight by" in str(trouble)
    assert str(trouble).endswith("Try 0.12, scaled inputs, or clip_norm=1.0.")
    assert run.stopped_because == "epochs"


def test_stop_ends_before_the_epoch_that_exploded() -> None:
    network = nn.Network(nn.Dense(1), input_shape=5)
    start = {name: p.copy() for name, p in network.parameters.items()}
    run = us.fit(network, (X, NUMBERS), optimizer=us.SGD(1.2), batch_size=20, epochs=3, on_trouble="stop")
    assert (run.stopped_because, run.epochs, run.steps) == ("trouble", 0, 0)
    assert all(np.array_equal(network.parameters[name], p) for name, p in start.items())
    assert "Training ends with the parameters of the start of epoch 1" in str(run.troubles[0])


def test_lower_rate_gives_what_the_lower_rate_gives_from_the_start() -> None:
    cured, plain = steep(epochs=3, on_trouble="lower_rate"), steep(0.12, epochs=3)
    assert [t.kind for t in cured.troubles] == ["explodes"]
    assert cured.history["loss"] == pytest.approx(plain.history["loss"], rel=1e-5)
    assert cured.history["learning_rate"] == pytest.approx([0.12] * 3)
    said = cured.history.row(0)["trouble"]
    assert said.endswith("Back to the start of epoch 1, from there with the rate 0.12.")
    assert "trouble" not in cured.history.row(1)


def test_lower_rate_goes_back_to_the_optimisers_state_of_the_epoch_that_went_bad() -> None:
    """The rate jumps in epoch 3: what follows is what a rate without the jump would have given, from epoch 2's momentum on."""
    settings: dict[str, Any] = {"batch_size": 20, "epochs": 4}
    jump = us.schedules.Step(0.01, every=2, factor=100.0)
    low = us.schedules.Step(0.01, every=2, factor=10.0)
    runs = [
        us.fit(nn.Network(nn.Dense(1)), (X, NUMBERS), optimizer=us.SGD(s, momentum=0.9), on_trouble=answer, **settings)
        for s, answer in ((jump, "lower_rate"), (low, "warn"))
    ]
    assert [t.epoch for t in runs[0].troubles] == [3]
    np.testing.assert_allclose(runs[0].history["loss"], runs[1].history["loss"], rtol=1e-4)


def test_going_back_brings_the_running_statistics_back() -> None:
    """They would remember the activations of the steps that are undone."""
    jump = us.schedules.Step(1e-3, every=1, factor=1e8)
    network = nn.Network(nn.Dense(4), nn.BatchNorm(), nn.Dense(1))
    kept = []
    note = us.LambdaCallback(on_epoch_end=lambda e, logs: kept.append(network.parameters["batchnorm1.variance"].copy()))
    run = us.fit(network, (X, NUMBERS), optimizer=us.SGD(jump), epochs=2, on_trouble="stop", callbacks=[note])
    assert run.stopped_because == "trouble"
    assert len(kept) == 1
    np.testing.assert_array_equal(network.parameters["batchnorm1.variance"], kept[0])


def test_a_value_that_is_not_finite_is_an_error_unless_something_is_done_about_it() -> None:
    def run(answer: str) -> us.Run:
        network = nn.Network(nn.Dense(16), nn.ReLU(), nn.Dense(1))
        return us.fit(network, (X, NUMBERS), optimizer=us.SGD(1e4), epochs=2, on_trouble=answer)

    with pytest.raises(us.NonFiniteError, match=r"likely the learning rate 10000 is too high"):
        run("warn")
    stopped, lowered = run("stop"), run("lower_rate")
    assert stopped.stopped_because == "trouble"
    assert np.isfinite(stopped.network.predict(X)).all()
    assert lowered.history["loss"][-1] < 1
    assert [t.kind for t in lowered.troubles] == ["not finite"] * len(lowered.troubles)
    assert len(lowered.troubles) >= 4


def test_what_no_rate_can_mend_is_an_error_after_six_tries() -> None:
    def broken(x: Any) -> Any:
        return np.log(x - 100)

    with np.errstate(all="ignore"), pytest.raises(us.NonFiniteError, match="log-of-zero"):
        us.fit(nn.Network(nn.Function(broken), nn.Dense(1)), (X, NUMBERS), epochs=1, on_trouble="lower_rate")


def test_dead_units_are_named_where_the_loss_sits_at_ln_k() -> None:
    run = dead()
    (trouble,) = run.troubles
    assert trouble.kind == "stands still"
    assert trouble.likely.cause == "dead-relu"
    assert "100 % of the units of relu1 are zero for every row" in str(trouble)
    assert run.epochs == 12
    stopped = dead(on_trouble="stop")
    assert stopped.stopped_because == "trouble"
    assert stopped.epochs == trouble.epoch


def test_a_gradient_that_fades_is_named_with_its_two_ends() -> None:
    hidden = [layer for _ in range(6) for layer in (nn.Dense(16), nn.Sigmoid())]
    run = us.fit(nn.Network(*hidden, nn.Dense(3)), (X, CLASSES), optimizer=us.SGD(0.05), epochs=12)
    assert [t.likely.cause for t in run.troubles] == ["vanishing-gradient"]
    assert "in dense7.weight" in str(run.troubles[0]) and "in dense1.weight" in str(run.troubles[0])


def test_ln_10_is_called_by_its_name() -> None:
    y = np.arange(400) % 10
    run = us.fit(nn.Network(nn.Dense(10, weight_init="zeros")), (X, y), optimizer=us.SGD(1e-6), epochs=12)
    assert "the loss sits at 2.303" in str(run.troubles[0]) and "about ln 10" in str(run.troubles[0])


@pytest.mark.parametrize(
    ("targets", "network", "optimizer"),
    [
        (CLASSES, [nn.Dense(8), nn.Tanh(), nn.Dense(3)], us.Adam(0.01)),
        (CLASSES, [nn.Dense(8), nn.Sigmoid(), nn.Dense(3), nn.Sigmoid()], us.SGD(0.5)),
        ((CLASSES == 0).astype(int), [nn.Dense(1)], us.Adam(0.02)),
        (NUMBERS, [nn.Dense(8), nn.ReLU(), nn.Dense(1)], us.Adam(0.01)),
        (np.exp(NUMBERS), [nn.Dense(8), nn.ReLU(), nn.Dense(1)], us.Adam(0.01)),
        (NUMBERS, [nn.Dense(1)], us.SGD(0.01)),
    ],
)
def test_a_training_that_learns_has_no_trouble(
    targets: Any, network: list[nn.Layer], optimizer: us.training.Optimizer
) -> None:
    for batch_size in (1, 16, None):
        run = us.fit(nn.Network(*network), (X, targets), optimizer=optimizer, batch_size=batch_size, epochs=20)
        assert run.troubles == []
        assert "trouble" not in run.history


def test_full_batches_that_are_run_many_at_once_are_watched_too() -> None:
    run = us.fit(
        nn.Network(nn.Dense(1)),
        (X, NUMBERS),
        optimizer=us.SGD(1.2),
        batch_size=None,
        epochs=300,
        on_trouble="lower_rate",
    )
    (trouble,) = run.troubles
    assert run.history["loss"][-1] < 1e-6
    assert [row["epoch"] for row in run.history if "trouble" in row] == [trouble.epoch]
    assert run.history["epoch"] == list(range(1, 301))
    still = us.fit(nn.Network(nn.Dense(3)), (X * 0, CLASSES), optimizer=us.SGD(0.1), batch_size=None, epochs=400)
    assert [t.kind for t in still.troubles] == ["stands still"]


def test_the_same_seed_has_the_same_troubles() -> None:
    first, second = (steep(epochs=3, on_trouble="lower_rate") for _ in range(2))
    assert [str(t) for t in first.troubles] == [str(t) for t in second.troubles]
    assert first.history["loss"] == second.history["loss"]


@pytest.mark.parametrize("width", [1, 3])
def test_what_guessing_costs_is_the_smallest_loss_of_a_constant_answer(width: int) -> None:
    targets = CLASSES if width == 3 else (CLASSES == 1).astype(int)
    losses: list[nn.Loss] = [nn.SquaredError(), nn.SquaredError(outputs="mean", half=True)]
    losses += [nn.CrossEntropy(), nn.BinaryCrossEntropy()] if width == 3 else [nn.BinaryCrossEntropy()]
    for loss in losses:
        network = nn.Network(nn.Dense(width), dtype="float64")
        run = us.fit(
            network, (np.zeros((400, 1)), targets), loss=loss, optimizer=us.SGD(0.5), batch_size=None, epochs=600
        )
        assert guessing(loss, targets, None, width) == pytest.approx(run.history["loss"][-1], rel=1e-4)


def test_progress_of_plain_text_shows_it_too() -> None:
    stream = io.StringIO()
    steep(epochs=1, callbacks=[us.PrintProgress(stream)])
    assert "the loss explodes" in stream.getvalue()


def test_an_unknown_answer_is_refused() -> None:
    with pytest.raises(
        us.InputError, match=r"unknown answer to trouble \(on_trouble\) 'lower'; did you mean 'lower_rate'\?"
    ):
        steep(on_trouble="lower")
