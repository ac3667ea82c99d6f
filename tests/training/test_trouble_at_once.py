"""Trouble is told while the epoch in which it shows is still going on: through the hook, in the progress, and by what is done."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.cli.progress import PlainProgress
from unstuck.presets import PRESETS
from unstuck.training import trouble
from unstuck.training.stepping import Stepping
from unstuck.training.trouble import Watch

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30_000, 4)).astype(np.float32)
CLASSES = (X @ RNG.normal(size=(4, 3))).argmax(axis=1)
NUMBERS = X @ RNG.normal(size=(4, 1))


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets a test say after how many steps their results are looked at; otherwise the clock says it."""

    def every(steps: int) -> None:
        monkeypatch.setattr(Stepping, "at_a_look", lambda self: steps)

    every(50)
    return every


def steep(**settings: Any) -> us.Run:
    """1,500 steps an epoch with a rate far beyond what goes; the loss grows a hundredfold and stays finite."""
    network = nn.Network(nn.Dense(32), nn.ReLU(), nn.Dense(32), nn.ReLU(), nn.Dense(3))
    return us.fit(network, (X, CLASSES), optimizer=us.Adam(3.0), batch_size=20, **settings)


def stuck(rate: float = 1e-9, answers: Any = CLASSES, **settings: Any) -> us.Run:
    """1,500 steps an epoch, none of which changes anything."""
    network = nn.Network(nn.Dense(3, weight_init="zeros"))
    return us.fit(network, (X, answers), optimizer=us.SGD(rate), batch_size=20, **{"epochs": 1, **settings})


class Notes(us.Callback):
    """What is called, in its order, with the number of steps behind it."""

    def __init__(self, *, stop: bool = False) -> None:
        self.calls: list[tuple[str, int]] = []
        self.stop = stop

    def on_trouble(self, trouble: us.training.trouble.Trouble) -> None:
        self.calls.append((trouble.kind, self.run.steps))
        self.run.stop_training = self.stop

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        self.calls.append(("epoch", self.run.steps))


def test_a_loss_that_explodes_is_told_at_the_next_look_and_once(looks: Any) -> None:
    notes = Notes()
    run = steep(epochs=2, callbacks=[notes])
    told = run.troubles[0]
    assert notes.calls[0][0] == "explodes"
    assert told.step <= notes.calls[0][1] < told.step + 50 < 1500
    assert [name for name, _ in notes.calls].count("explodes") == 1


def test_a_loss_that_sits_at_ln_k_is_told_within_the_first_epoch_and_once(looks: Any) -> None:
    notes = Notes()
    run = stuck(epochs=5, callbacks=[notes], answers=np.arange(30_000) % 3)
    assert notes.calls == [("stands still", 1000), *(("epoch", 1500 * k) for k in range(1, 6))]
    (told,) = run.troubles
    assert (told.epoch, told.step) == (1, 1000)
    assert told.what == "the loss sits at 1.099 for 500 steps now: about ln 3, what guessing costs"
    assert told.likely.cause == "lr-too-low"
    assert run.history.row(0)["trouble"] == str(told)
    assert "trouble" not in run.history.row(1)


@pytest.mark.parametrize("answer", ["warn", "stop", "lower_rate"])
def test_what_is_said_and_done_does_not_depend_on_when_it_was_looked_at(looks: Any, answer: str) -> None:
    runs = []
    for steps in (7, 333, 10**6):
        looks(steps)
        runs.append([stuck(on_trouble=answer), saturated(answer)])
    for first, *others in zip(*runs, strict=True):
        for other in others:
            assert [str(t) for t in first.troubles] == [str(t) for t in other.troubles] != []
            assert first.steps == other.steps
            np.testing.assert_equal(first.network.parameters, other.network.parameters)


def test_without_a_cause_to_be_seen_it_takes_four_times_as_many_steps(
    looks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trouble, "FIRST_CHECK_STEPS", 300)
    monkeypatch.setattr(trouble, "FIRST_CHECK_ROWS", 1)
    (told,) = stuck(0.01, np.random.default_rng(5).integers(0, 3, 30_000)).troubles
    assert (told.step, told.likely.cause) == (1200, "plateau")
    assert [t.step for t in stuck(answers=np.arange(30_000) % 3).troubles] == [300]


def saturated(answer: str, callbacks: Any = ()) -> us.Run:
    """A rate so high that the hidden units are driven to where they are flat."""
    network = nn.Network(nn.Dense(16), nn.Tanh(), nn.Dense(3), nn.Sigmoid())
    return us.fit(
        network, (X, CLASSES), loss="squared_error", optimizer=us.Adam(100.0), batch_size=20, epochs=1, on_trouble=answer,
        callbacks=callbacks,
    )  # fmt: skip


def test_stop_ends_within_the_epoch(looks: Any) -> None:
    run = stuck(on_trouble="stop", epochs=3)
    assert (run.stopped_because, run.steps, run.epochs) == ("trouble", 1000, 0)


def test_lower_rate_goes_back_within_the_epoch_until_the_loss_moves(looks: Any) -> None:
    notes = Notes()
    run = saturated("lower_rate", [notes])
    assert {name for name, _ in notes.calls[:-1]} == {"stands still"}
    assert notes.calls[-1] == ("epoch", 1500)
    assert run.history["loss"][-1] < 0.6
    assert run.history.row(0)["learning_rate"] == pytest.approx(1)


@pytest.mark.parametrize("answer", ["warn", "lower_rate"])
def test_the_hook_may_end_training_at_once(looks: Any, answer: str) -> None:
    notes = Notes(stop=True)
    run = saturated(answer, [notes])
    assert run.stopped_because == "callback"
    assert [name for name, steps in notes.calls] == ["stands still", *(["epoch"] if answer == "warn" else [])]
    assert run.steps == (1000 if answer == "warn" else 0)


def test_the_progress_of_the_command_shows_it_before_the_epoch_is_over(
    looks: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = []
    note = us.LambdaCallback(on_trouble=lambda trouble: shown.append(capsys.readouterr().err))
    steep(epochs=1, callbacks=[PlainProgress(1), note])
    text = shown[0]
    assert text.startswith("trouble: the loss explodes")
    assert text.endswith("unstuck explain lr-too-high\n")
    assert capsys.readouterr().err.startswith("epoch 1/1")
    assert len(shown) == len(set(shown))


def test_short_epochs_that_are_run_many_at_once_are_asked_too() -> None:
    settings: dict[str, Any] = {"answers": np.arange(30_000) % 3, "epochs": 4}
    at_once, watched = stuck(**settings), stuck(**settings, callbacks=[Notes()])
    assert [str(t) for t in at_once.troubles] == [str(t) for t in watched.troubles] != []
    assert at_once.history["loss"] == watched.history["loss"]


def test_part_of_an_epoch_says_nothing_where_rows_keep_their_order(looks: Any) -> None:
    assert stuck(shuffle=False, epochs=2).troubles == []


def watch(classes: int = 1000) -> Watch:
    labels = np.arange(2 * classes) % classes
    found = Watch(nn.CrossEntropy(), labels, None, classes, batch=20)
    found.first = float(np.log(classes))
    return found


def test_a_loss_that_falls_slowly_but_surely_stands_not_still() -> None:
    """Of a thousand classes: a hundredth a thousand steps, which is as much as the loss of a step scatters."""
    falling = [
        watch().sits(np.log(1000) - 2e-5 * np.arange(1000) + 0.01 * np.random.default_rng(k).normal(size=1000))
        for k in range(300)
    ]
    assert not any(falling)


def test_a_loss_that_stands_still_is_found_by_the_third_check_nearly_always() -> None:
    missed = 0
    for k in range(300):
        losses = np.log(1000) + 0.01 * np.random.default_rng(k).normal(size=4000)
        missed += not any(watch().sits(losses[:steps]) for steps in (1000, 2000, 4000))
    assert missed <= 6


def test_only_as_many_steps_make_it_certain_as_show_enough_rows() -> None:
    checks = [Watch(nn.CrossEntropy(), CLASSES, None, 3, batch=batch).next_check(0) for batch in (1, 20, 128)]
    assert checks == [20_000, 1000, 1000]
    assert Watch(nn.CrossEntropy(), CLASSES, None, 3, batch=20).next_check(1000) == 2000


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_healthy_runs_of_every_preset_are_told_nothing_even_five_times_as_early(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trouble, "FIRST_CHECK_STEPS", 200)
    monkeypatch.setattr(trouble, "FIRST_CHECK_ROWS", 1)
    preset, rng = PRESETS[name], np.random.default_rng(1)
    if preset.reads == "text":
        inputs = np.cumsum(rng.integers(1, 3, size=(1700, 17)), axis=1) % 12
        x, y, classes, batch = inputs[:, :-1], inputs[:, 1:], 12, 4
    else:
        digits = us.datasets.load("mnist").train
        x, y, classes, batch = digits.inputs[:4000], digits.targets[:4000], 10, 10
    kind = {"adam": us.Adam, "momentum": us.Momentum, "sgd": us.SGD}[preset.training["optimizer"]]
    optimizer = kind(preset.training["learning_rate"])
    run = us.fit(
        nn.Network(*preset.layers(classes)), (x, y), optimizer=optimizer, batch_size=batch, epochs=1,
        clip_norm=preset.training.get("clip_norm"), preprocessing="none" if preset.reads == "text" else "pixels",
    )  # fmt: skip
    assert run.troubles == []
    assert run.steps >= 400
    assert run.history["loss"][0] < 0.9 * np.log(classes)
