"""A program that prints no figure with a name is proved by a figure that is computed from its recorded values."""

from __future__ import annotations

from pathlib import Path

import pytest

from unstuck.doctor.handwritten.diagnose import diagnose
from unstuck.doctor.handwritten.outcomes import gained

SILENT = """
import numpy as np

rng = np.random.default_rng(1)
x = rng.uniform(-2, 2, (60, 1))
y = np.sin(2 * x)
w1, b1 = rng.normal(0, 1.0, (1, 12)), rng.normal(0, 1.0, 12)
w2, b2 = rng.normal(0, 0.3, (12, 1)), np.zeros(1)
for step in range(600):
    h = np.tanh(x @ w1 + b1)
    d2 = (h @ w2 + b2 - y) / len(x)
    d1 = d2 @ w2.T * (1 - h)
    w2 -= 0.2 * h.T @ d2
    b2 -= 0.2 * d2.sum(axis=0)
    w1 -= 0.2 * x.T @ d1
    b1 -= 0.2 * d1.sum(axis=0)
print(step, h.mean())
"""


def test_the_proof_is_computed_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "silent.py"
    path.write_text(SILENT)
    report = diagnose(path, budget_seconds=60.0)
    finding = report.findings[0]
    assert finding.cause.startswith("activation-derivative")
    assert finding.proof is not None
    assert finding.proof.metric == "training R², computed from its outputs"
    assert finding.proof.before is not None and finding.proof.after is not None
    assert finding.proof.after > finding.proof.before


@pytest.mark.parametrize(
    ("figure", "before", "after", "better"),
    [
        ("training accuracy, computed from its outputs", 0.5, 0.9, True),
        ("training accuracy, computed from its outputs", 0.9, 0.91, False),
        ("loss, computed from its values", 2.0, 0.5, True),
        ("loss, computed from its values", 0.5, 2.0, False),
        ("loss, computed from its values", float("nan"), 2.0, True),
        ("loss, computed from its values", 2.0, float("nan"), False),
    ],
)
def test_the_name_of_a_figure_tells_which_way_is_better(figure: str, before: float, after: float, better: bool) -> None:
    assert gained(figure, before, after) is better
