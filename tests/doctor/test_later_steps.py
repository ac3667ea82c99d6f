"""A gradient that is right in the first step and wrong later is found, and what helps is tried with other seeds."""

from __future__ import annotations

from pathlib import Path

from unstuck.doctor.handwritten.diagnose import diagnose

PROGRAM = """
import numpy as np

rng = np.random.default_rng(1)
x = rng.uniform(-1, 1, (200, 3))
y = np.sin(2 * x.sum(axis=1, keepdims=True))
w1 = rng.standard_normal((3, 12))
b1 = np.zeros((1, 12))
w2 = rng.standard_normal((12, 1)) * 0.3
b2 = np.zeros((1, 1))
kept = w2.copy()
rate = 0.1
for step in range(400):
    rows = rng.integers(0, 200, 40)
    h = np.tanh(x[rows] @ w1 + b1)
    out = h @ w2 + b2
    delta = (out - y[rows]) / 40
    down = delta @ kept.T * (1 - h**2)
    w2 -= rate * h.T @ delta
    b2 -= rate * delta.sum(axis=0, keepdims=True)
    w1 -= rate * x[rows].T @ down
    b1 -= rate * down.sum(axis=0, keepdims=True)
out = np.tanh(x @ w1 + b1) @ w2 + b2
print("final loss", round(0.5 * float(np.mean((out - y) ** 2)), 5))
"""
LINE = 1 + next(n for n, text in enumerate(PROGRAM.splitlines()) if "kept.T" in text)


def test_weights_that_were_copied_before_training_are_found_in_the_backward_pass(tmp_path: Path) -> None:
    path = tmp_path / "network.py"
    path.write_text(PROGRAM)
    report = diagnose(path, budget_seconds=60)
    faults = [f for f in report.findings if f.is_fault]
    assert [(f.cause, f.line) for f in faults] == [("backprop-weights-wrong", LINE)]
    proof = faults[0].proof
    assert proof is not None and proof.gradient_after is not None and proof.gradient_after < 1e-6
    assert proof.seeds >= 2


def test_a_program_with_right_gradients_is_checked_again_after_some_steps(tmp_path: Path) -> None:
    path = tmp_path / "network.py"
    path.write_text(PROGRAM.replace("kept.T", "w2.T"))
    report = diagnose(path, budget_seconds=60)
    assert report.verdict == "healthy"
    assert [row.what for row in report.checked if "later" in row.what] == [
        "worst relative error 1 step later",
        "worst relative error 20 steps later",
    ]
