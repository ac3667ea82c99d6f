"""A training loop that lacks a call is offered that call, and a loop that has it is offered none."""

from __future__ import annotations

from pathlib import Path

import pytest

from unstuck.doctor.handwritten.edits.families.calls import propose
from unstuck.doctor.handwritten.edits.model import Facts
from unstuck.doctor.handwritten.edits.reading import Reading

MISSION = Path(__file__).parents[2] / "cases" / "mission"


def offered(name: str, file: str = "faulty.py") -> list[tuple[str, str]]:
    text = (MISSION / name / file).read_text(encoding="utf-8")
    return [(c.cause, c.summary) for c in propose(Reading(text, Facts()))]


def test_a_step_that_nobody_takes_is_taken_with_what_the_network_was_not_run_on() -> None:
    assert offered("mnist-step-never-called")[0] == (
        "step-missing",
        "call `self.gradient_step(labels.T)` in every round",
    )


def test_a_network_that_was_run_before_the_loop_is_run_on_each_batch() -> None:
    assert offered("mnist-stale-forward")[0] == ("wrong-variable", "run `self.forward(images.T)` first")


@pytest.mark.parametrize("name", ["mnist-step-never-called", "mnist-stale-forward", "regression-of-updates"])
def test_a_loop_that_makes_its_calls_is_offered_none(name: str) -> None:
    assert offered(name, "fixed.py") == []
