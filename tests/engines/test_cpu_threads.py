"""How many threads a program gets: what is faster, found out in little time, and found out again when that changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.engines.cpu import threads
from unstuck.engines.cpu.threads import Choice

RNG = np.random.default_rng(5)
Cost = Callable[[int], float]


class Clock:
    """A machine on which a step takes as long as is said."""

    def __init__(self, monkeypatch: Any) -> None:
        self.now = 100.0
        self.steps: dict[int, int] = {}
        monkeypatch.setattr(threads, "time", self)
        monkeypatch.setattr("os.cpu_count", lambda: 2)
        monkeypatch.setattr(threads, "most_threads", lambda: 2)
        self.others = 0
        monkeypatch.setattr(threads, "others_running", lambda: self.others)

    def perf_counter(self) -> float:
        return self.now

    def run(self, choice: Choice, steps: int, cost: Cost, hiring: float = 0.0) -> float:
        """So many steps; gives the seconds of a step."""
        self.steps, begun, left = {1: 0, 2: 0}, self.now, steps
        while left:
            turn = choice.next(left)
            assert 0 < turn.steps <= left
            seconds = cost(turn.threads) * turn.steps + (hiring if turn.threads > 1 else 0)
            hiring = 0.0 if turn.threads > 1 else hiring
            self.now += seconds
            choice.tell(turn, turn.threads, seconds / turn.steps)
            self.steps[turn.threads] += turn.steps
            left -= turn.steps
        return (self.now - begun) / steps


@pytest.fixture
def clock(monkeypatch: Any) -> Clock:
    return Clock(monkeypatch)


def halved(n: int) -> float:
    return 64e-6 / n


def test_two_threads_are_taken_where_they_pay_though_the_first_time_hires_them(clock: Clock) -> None:
    choice = Choice(6e6)
    clock.run(choice, 1, halved)  # fit looks at the first step, and at the second
    clock.run(choice, 1, halved, hiring=0.01)
    assert clock.run(choice, 480, halved, hiring=0.01) < 64e-6 * 0.95  # with the hiring
    assert clock.run(choice, 480, halved) < 34e-6


def test_a_second_thread_that_does_not_pay_costs_little(clock: Clock) -> None:
    choice = Choice(6e6)
    assert clock.run(choice, 20_000, lambda n: 64e-6 * n) < 64e-6 * 1.04


def test_when_another_program_takes_the_second_processor_one_thread_goes_on(clock: Clock) -> None:
    choice = Choice(6e6)
    clock.run(choice, 5000, halved)
    clock.run(choice, 20_000, lambda n: 64e-6 if n == 1 else 500e-6)
    assert clock.steps[1] > 18_000
    assert clock.run(choice, 60_000, halved) < 40e-6  # and the second one is back when it is free


def test_while_others_want_the_processors_one_thread_is_taken(clock: Clock) -> None:
    choice, clock.others = Choice(6e6), 1
    clock.run(choice, 5000, halved)
    assert clock.steps == {1: 5000, 2: 0}
    clock.others = 0
    clock.run(choice, 5000, halved)
    assert clock.steps[2] > 4500


def test_what_runs_beside_us_is_counted_or_nothing_is_said() -> None:
    assert threads.others_running() >= 0


def test_small_steps_take_one_thread_and_never_try(clock: Clock) -> None:
    clock.run(Choice(1e5), 10_000, halved)
    assert clock.steps[2] == 0


def test_a_run_that_is_over_at_once_takes_one_thread(clock: Clock) -> None:
    choice = Choice(6e6)
    clock.run(choice, 5000, halved)
    clock.run(choice, 2, halved)
    assert clock.steps == {1: 2, 2: 0}


def test_what_was_learnt_is_kept_for_the_next_run_of_the_same_plan() -> None:
    assert threads.choice("a plan", 6e6) is threads.choice("a plan", 6e6)
    assert threads.choice("a plan", 6e6) is not threads.choice("another", 6e6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("clip_norm", [None, 0.5])
@pytest.mark.parametrize(("columns", "hidden", "rows"), [(144, 16, 100), (208, 33, 67), (128, 128, 64)])
def test_batches_split_by_columns_give_the_same_bits_and_what_the_reference_gives(
    columns: int, hidden: int, rows: int, dtype: Any, clip_norm: float | None
) -> None:
    pixels, kinds = RNG.integers(0, 256, (rows, columns), dtype=np.uint8), RNG.integers(0, 3, rows)

    def trained(engine: str) -> Any:
        network = nn.Network(nn.Dense(hidden), nn.Tanh(), nn.Dense(3), dtype=dtype)
        return us.fit(
            network, (pixels, kinds), batch_size=31, epochs=2, optimizer=us.SGD(0.1, momentum=0.9), engine=engine,
            preprocessing="pixels", clip_norm=clip_norm, l2=0.01,
        )  # fmt: skip

    right, runs = trained("reference"), []
    try:
        for count in (1, 2, 3):
            threads.set_threads(count)
            runs.append(trained("cpu"))
    finally:
        threads.set_threads(None)
    for name, expected in right.network.parameters.items():
        found = [run.network.parameters[name] for run in runs]
        assert np.allclose(found[0], expected, rtol=0, atol=1e-5 if dtype is np.float32 else 1e-12)
        assert np.array_equal(found[0], found[1])
        assert np.array_equal(found[0], found[2])
