"""A loss with a penalty of the weights, under momentum: is the step of every layer the gradient of the whole loss?"""

from __future__ import annotations

from pathlib import Path

import pytest

from unstuck.doctor.handwritten import diagnose, penalised
from unstuck.doctor.handwritten.examine import examine
from unstuck.doctor.handwritten.program import from_text
from unstuck.doctor.handwritten.session import Session

PROGRAM = """\
import numpy as np

rng = np.random.default_rng(7)
X = rng.normal(size=(120, 3))
T = np.tanh(X @ rng.normal(size=(3, 1)) + 0.5 * X[:, :1] ** 2)
w1, b1 = rng.normal(0, 0.6, (3, 8)), np.zeros((1, 8))
w2, b2 = rng.normal(0, 0.4, (8, 1)), np.zeros((1, 1))
v1, v2, u1, u2 = np.zeros_like(w1), np.zeros_like(w2), np.zeros_like(b1), np.zeros_like(b2)
lam = 0.001
for epoch in range(1, 101):
    for k in range(0, 120, 20):
        x, t = X[k:k + 20], T[k:k + 20]
        h = np.tanh(x @ w1 + b1)
        out = h @ w2 + b2
        loss = 0.5 * np.sum((out - t) ** 2) / len(x) + 0.5 * lam * (np.sum(w1 ** 2) + np.sum(w2 ** 2))
        d2 = (out - t) / len(x)
        g2 = h.T @ d2
        c2 = d2.sum(axis=0, keepdims=True)
        d1 = d2 @ w2.T * (1 - h ** 2)
        g1 = x.T @ d1
        c1 = d1.sum(axis=0, keepdims=True)
        g1 += lam * w1
        g2 += lam * w2
        v1 = 0.9 * v1 - 0.03 * g1
        w1 += v1
        v2 = 0.9 * v2 - 0.03 * g2
        w2 += v2
        u1 = 0.9 * u1 - 0.03 * c1
        b1 += u1
        u2 = 0.9 * u2 - 0.03 * c2
        b2 += u2
    if epoch % 20 == 0:
        print("epoch", epoch, "loss", round(float(loss), 5))
"""


def faults(folder: Path, source: str) -> list[tuple[str, int | None]]:
    path = folder / "net.py"
    path.write_text(source)
    return [(f.cause, f.line) for f in diagnose.diagnose(path, budget_seconds=90).findings if f.is_fault]


@pytest.mark.parametrize(
    ("right", "wrong", "cause", "line"),
    [
        ("        g1 += lam * w1\n", "", "penalty-gradient-wrong", 22),
        ("g2 = h.T @ d2\n", "g2 = h.T @ d2 / len(x)\n", "gradient-scale-wrong", 17),
    ],
)
def test_what_one_layer_lacks_of_the_loss_is_named(
    tmp_path: Path, right: str, wrong: str, cause: str, line: int
) -> None:
    assert right in PROGRAM
    found = faults(tmp_path, PROGRAM.replace(right, wrong))
    assert found and found[0][0] == cause and abs((found[0][1] or 0) - line) <= 1


def test_a_penalty_in_every_step_is_no_fault(tmp_path: Path) -> None:
    assert not faults(tmp_path, PROGRAM)


def test_beside_tiny_biases_a_penalty_is_rounding(tmp_path: Path) -> None:
    plain = PROGRAM.replace("np.zeros((1, 8))\n", "np.full((1, 8), 1e-7) * np.arange(1, 9)\n", 1)
    with Session(from_text(plain, tmp_path, "net.py")) as session:
        found = examine(session, session.program, session.scout(seconds=10.0, patience=0.3))
    assert found is not None
    steps = penalised.judge(found[0])
    assert steps is not None and not steps.wrong and steps.parts["w1"].expected > 0
