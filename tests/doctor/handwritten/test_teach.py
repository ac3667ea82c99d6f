"""--teach shows a gradient fault with the program's own numbers: what the loss does, and what the gradient says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from unstuck.doctor.handwritten.diagnose import diagnose
from unstuck.doctor.handwritten.examine import examine
from unstuck.doctor.handwritten.program import from_text
from unstuck.doctor.handwritten.repair import search
from unstuck.doctor.handwritten.session import Session
from unstuck.doctor.handwritten.teach import mathematics

from .test_diagnose import HEALTHY


def test_both_slopes_and_their_agreement_after_the_fix_are_told(tmp_path: Path) -> None:
    text = HEALTHY.replace(" * (1 - h ** 2)", "")
    assert text != HEALTHY
    with Session(from_text(text, tmp_path, "network.py")) as session:
        found = examine(session, session.program, session.scout(patience=0.3))
        assert found is not None
        mended = next(search(session, session.program, found[1], found[0], seconds=30.0))
    told = mathematics(found[0], mended, mended.edit.cause)
    assert told is not None and "φ′(z_l)" in told
    number = r"(-?[\d.]+(?:e-?\d+)?)"
    true = re.search(rf"changes by {number} ± ", told)
    wrong = re.search(rf"adds, says {number}, {number} times", told)
    after = re.search(rf"After the fix the program's gradient says {number}, the loss {number}\.", told)
    assert true is not None and wrong is not None and after is not None
    assert float(wrong[1]) / float(true[1]) == pytest.approx(float(wrong[2]), rel=1e-3)
    assert abs(float(wrong[1]) / float(true[1]) - 1) > 1e-3
    assert float(after[1]) == pytest.approx(float(true[1]), rel=1e-4) == float(after[2])
    assert "the error enters on the way to" in told


def test_a_regression_whose_hidden_layer_is_not_trained_is_told_its_floor() -> None:
    case = Path(__file__).parents[2] / "cases" / "mission" / "regression-of-updates" / "faulty.py"
    report = diagnose(case)
    fault = report.faults[0]
    assert fault.cause in ("backprop-weights-wrong", "wrong-variable") and fault.line == 35
    shown = {row.what: row.measured for row in fault.evidence}
    floor = next(value for what, value in shown.items() if what.startswith("best least-squares fit on the 3 hidden"))
    reached = shown["summed squared error at the end"]
    assert isinstance(floor, float) and isinstance(reached, float) and 1.5 < floor <= reached
    assert fault.proof is not None and fault.proof.after is not None and fault.proof.after < floor
    assert any("cannot fall under" in note for note in fault.notes)
    assert "no-signal" in {f.cause for f in report.findings}  # and the targets are noise
