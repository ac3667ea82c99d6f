"""Schedules: closed forms, and what a real fit makes of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.training.schedules import SCHEDULES, Schedule, schedule

S = us.schedules
X = np.random.default_rng(0).normal(size=(30, 3))
Y = X @ [1.0, -2.0, 0.5]


def rates(rule: Schedule, **settings: object) -> list[float]:
    """The rate at the last step of each epoch of a full-batch fit."""
    run = us.fit(nn.Network(nn.Dense(1)), (X, Y), optimizer=us.SGD(rule), batch_size=None, **settings)  # type: ignore[arg-type]
    return run.history["learning_rate"]


def test_schedules_are_their_closed_forms() -> None:
    for epoch in np.linspace(0, 20, 81):
        assert S.Constant(0.3).at(epoch, 20) == 0.3
        assert S.Step(0.3, every=4, factor=0.5).at(epoch, 20) == pytest.approx(0.3 * 0.5 ** (epoch // 4))
        assert S.Exponential(0.3, 0.9).at(epoch, 20) == pytest.approx(0.3 * 0.9**epoch)
        assert S.Cosine(0.3, 0.1).at(epoch, 20) == pytest.approx(0.2 + 0.1 * math.cos(math.pi * epoch / 20))
    assert S.Cosine(0.3, 0.1).at(0, 20) == 0.3
    assert S.Cosine(0.3, 0.1).at(20, 20) == pytest.approx(0.1)


def test_warm_up_rises_along_a_line_and_hands_over() -> None:
    rule = S.WarmUp(0.3, epochs=4)
    assert [rule.at(e, 20) for e in (4, 5, 20)] == [0.3, 0.3, 0.3]
    for epoch in (0.5, 1, 2, 3.5):
        assert rule.at(epoch, 20) == pytest.approx(0.3 * epoch / 4, rel=0.01)
    assert 0 < rule.at(0, 20) < 0.001
    later = S.WarmUp(0.3, 4, then=S.Exponential(0.2, 0.9))
    assert later.at(2, 20) == pytest.approx(0.2 * 0.9**2 / 2, rel=0.01)
    assert later.at(10, 20) == pytest.approx(0.2 * 0.9**10)


def test_fit_uses_the_rate_of_each_step() -> None:
    assert rates(S.Step(0.1, every=2, factor=0.5), epochs=5) == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.025])
    assert rates(S.Cosine(0.1), epochs=4) == pytest.approx([0.05 * (1 + math.cos(math.pi * e / 4)) for e in range(4)])
    run = us.fit(nn.Network(nn.Dense(1)), (X, Y), optimizer=us.SGD(S.Exponential(0.1, 0.5)), batch_size=10, epochs=2)
    assert run.history["learning_rate"] == pytest.approx([0.1 * 0.5 ** (2 / 3), 0.1 * 0.5 ** (5 / 3)])


def test_the_plateau_rule_counts_epochs_without_improvement() -> None:
    rule = S.ReduceOnPlateau(1.0, factor=0.5, patience=2, least_improvement=0.01)
    assert rule.plateau_factor([3, 2, 1]) == 1
    assert rule.plateau_factor([1, 1]) == 1
    assert rule.plateau_factor([1, 1, 1]) == 0.5
    assert rule.plateau_factor([1, 0.995, 0.992]) == 0.5  # less than one per cent better is not better
    assert rule.plateau_factor([1, 1, 0.9, 0.9, 0.9]) == 0.5
    assert rule.plateau_factor([1, 1, 1, 1, 1]) == 0.25
    assert rule.plateau_factor([-1, -1.5, -2]) == 1  # negative losses improve too
    assert rule.plateau_factor([float("nan"), 1.0, 0.5]) == 1


def test_reduce_on_plateau_lowers_the_rate_of_a_real_fit_whose_loss_stands_still() -> None:
    """A rate of 2/λ makes the bowl's loss stand still exactly: only the reduced rate can end that."""
    network = nn.Network(nn.Dense(1, bias=False, weight_init=1.0), input_shape=1)
    data = (np.array([[1.0], [-1.0]]), np.array([0.0, 0.0]))
    run = us.fit(
        network, data, loss="half_squared_error", optimizer=us.SGD(S.ReduceOnPlateau(2.0, factor=0.1, patience=3)),
        batch_size=None, epochs=10,
    )  # fmt: skip
    assert run.history["learning_rate"] == pytest.approx([2.0] * 4 + [0.2] * 6)
    assert run.history["loss"][:5] == pytest.approx([0.5] * 5)
    assert run.history["loss"][-1] == pytest.approx(0.5 * 0.8**10)


def test_reduce_on_plateau_watches_the_validation_loss_where_there_is_one_also_behind_a_warm_up() -> None:
    worse = (X, -Y)  # the better the fit, the worse this gets
    rule = S.WarmUp(0.01, 0.5, then=S.ReduceOnPlateau(0.01, 0.5, patience=2))
    found = rates(rule, epochs=6, validation=worse)
    assert found[-1] == pytest.approx(0.01 * 0.25)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_survives_its_stored_form(name: str) -> None:
    rule = SCHEDULES[name](0.25)
    assert schedule(rule.to_dict()) == rule
    assert str(rule).startswith("0.25")
