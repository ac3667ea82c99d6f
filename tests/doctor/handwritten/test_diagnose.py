"""The gradient check of small programs: the healthy twin passes, the faulty one is named at its line and mended."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pytest

from unstuck.doctor.handwritten.compare import compare
from unstuck.doctor.handwritten.examine import Examination, examine
from unstuck.doctor.handwritten.program import from_text
from unstuck.doctor.handwritten.repair import search
from unstuck.doctor.handwritten.session import Session
from unstuck.doctor.handwritten.update import accumulation, frozen

HEALTHY = """
import numpy as np
rng = np.random.default_rng(0)
x = rng.normal(size=(24, 3))
t = np.tanh(x @ rng.normal(size=(3, 2)))
w1, b1 = rng.normal(size=(3, 5)) * 0.5, np.zeros(5)
w2, b2 = rng.normal(size=(5, 2)) * 0.5, np.zeros(2)
for step in range(40):
    h = np.tanh(x @ w1 + b1)
    out = h @ w2 + b2
    loss = np.mean(np.sum((out - t) ** 2, axis=1))
    d2 = 2 * (out - t) / len(x)
    d1 = (d2 @ w2.T) * (1 - h ** 2)
    w2 -= 0.1 * h.T @ d2
    b2 -= 0.1 * d2.sum(axis=0)
    w1 -= 0.1 * x.T @ d1
    b1 -= 0.1 * d1.sum(axis=0)
print("loss", loss)
"""


def session_of(text: str, folder: Path) -> Session:
    return Session(from_text(textwrap.dedent(text), folder, "network.py"))


def examined(session: Session) -> tuple[Examination, int]:
    found = examine(session, session.program, session.scout(patience=0.3))
    assert found is not None
    return found[0], found[1]


def test_a_healthy_program_passes_with_every_parameter_and_its_rate(tmp_path: Path) -> None:
    with session_of(HEALTHY, tmp_path) as session:
        found, _ = examined(session)
    assert found.state == "right" and found.worst < 1e-6
    assert found.best is not None and found.best.factor == pytest.approx(-0.1, rel=1e-6)
    assert {p.path for p in found.known.parameters} == {"w1", "b1", "w2", "b2"}


@pytest.mark.parametrize(
    ("old", "new", "wrong", "line"),
    [
        (" * (1 - h ** 2)", "", {"w1", "b1"}, 14),  # derivative of the activation missing
        ("(d2 @ w2.T)", "(d2 @ (0.1 * h.T @ d2).T)", {"w1", "b1"}, 14),  # the update instead of the weights
        ("0.1 * h.T @ d2", "0.1 * h.T @ (out - t ** 2)", {"w2"}, 15),
    ],
)
def test_the_parameters_below_a_fault_are_wrong_and_the_others_right(
    tmp_path: Path, old: str, new: str, wrong: set[str], line: int
) -> None:
    assert old in HEALTHY
    with session_of(HEALTHY.replace(old, new), tmp_path) as session:
        found, _ = examined(session)
    assert found.state == "wrong" and found.best is not None
    assert {v.path for v in found.best.of("wrong")} == wrong


def test_the_missing_derivative_is_mended_at_its_line(tmp_path: Path) -> None:
    with session_of(HEALTHY.replace(" * (1 - h ** 2)", ""), tmp_path) as session:
        found, loop = examined(session)
        mended = next(search(session, session.program, loop, found, seconds=120.0))
    assert mended.complete and mended.edit.cause == "activation-derivative-missing"
    assert mended.edit.line <= 14 <= mended.edit.end_line + 1
    assert mended.examination.worst < 1e-6


def test_gradients_that_pile_up_are_told_from_momentum(tmp_path: Path) -> None:
    summed = HEALTHY.replace("for step", "g = np.zeros_like(w2)\nfor step").replace(
        "w2 -= 0.1 * h.T @ d2", "g = KEEP * g + h.T @ d2\n    w2 = w2 - 0.1 * g"
    )
    small = summed.replace("b2 -= 0.1 * d2.sum(axis=0)", "").replace(
        "    w1 -= 0.1 * x.T @ d1\n    b1 -= 0.1 * d1.sum(axis=0)\n", ""
    )
    for keep, piles in (("1.0", True), ("0.9", False)):
        with session_of(small.replace("KEEP", keep), tmp_path) as session:
            found, loop = examined(session)
            assert found.state == "right"
            assert (accumulation(session, session.program, loop, found) is not None) == piles


def test_a_bias_whose_gradient_is_computed_and_not_applied_is_found(tmp_path: Path) -> None:
    text = HEALTHY.replace("b1 -= 0.1 * d1.sum(axis=0)", "db1 = d1.sum(axis=0)\n    new_b1 = b1 - 0.1 * db1")
    with session_of(text, tmp_path) as session:
        found, loop = examined(session)
        beside = frozen(session, session.program, loop, found)
    assert beside is not None and beside.paths == ["b1"] and beside.computed


def test_weights_to_which_an_error_is_sent_back_and_that_have_no_gradient_are_found(tmp_path: Path) -> None:
    text = HEALTHY.replace("    w1 -= 0.1 * x.T @ d1\n", "")
    with session_of(text, tmp_path) as session:
        found, loop = examined(session)
        beside = frozen(session, session.program, loop, found)
    assert beside is not None and beside.paths == ["w1"] and not beside.computed


def test_features_that_are_never_trained_on_purpose_are_no_fault(tmp_path: Path) -> None:
    text = HEALTHY.replace("    w1 -= 0.1 * x.T @ d1\n    b1 -= 0.1 * d1.sum(axis=0)\n", "")
    text = text.replace("    d1 = (d2 @ w2.T) * (1 - h ** 2)\n", "")
    with session_of(text, tmp_path) as session:
        found, loop = examined(session)
        assert found.state == "right"
        assert frozen(session, session.program, loop, found) is None


def test_comparing_leaves_the_judgement_to_the_numbers_not_to_the_names(tmp_path: Path) -> None:
    renamed = HEALTHY
    for name, other in (("loss", "banana"), ("d1", "w9"), ("d2", "grad"), ("out", "delta"), ("b1", "x1")):
        renamed = renamed.replace(name, other)
    with session_of(renamed, tmp_path) as session:
        found, _ = examined(session)
        best = compare(found.known, found.derivatives)[0]
    assert found.state == "right" and best.clean and np.isfinite(best.factor)
