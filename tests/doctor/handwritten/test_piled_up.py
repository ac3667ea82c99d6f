"""Sums of gradients that nobody clears, with a momentum on top, and by a method that should clear them and does nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from unstuck.doctor.handwritten import diagnose

PROGRAM = """\
import numpy as np

rng = np.random.default_rng(3)


class Dense:
    def __init__(self, a, b):
        self.w, self.b = rng.normal(0, a ** -0.5, (a, b)), np.zeros((1, b))
        self.gw, self.gb = np.zeros_like(self.w), np.zeros_like(self.b)
        self.vw, self.vb = np.zeros_like(self.w), np.zeros_like(self.b)

    def forward(self, x):
        self.x = x
        return x @ self.w + self.b

    def backward(self, d):
        self.gw += self.x.T @ d
        self.gb += d.sum(axis=0, keepdims=True)
        return d @ self.w.T

    def clear(self):
        self.gw[...] = 0
        self.gb[...] = 0

    def step(self, rate):
        self.vw = 0.9 * self.vw - rate * self.gw
        self.vb = 0.9 * self.vb - rate * self.gb
        self.w += self.vw
        self.b += self.vb


X = rng.normal(size=(100, 3))
T = np.tanh(X @ rng.normal(size=(3, 1)))
one, two = Dense(3, 6), Dense(6, 1)
for epoch in range(1, 61):
    for k in range(0, 100, 20):
        x, t = X[k:k + 20], T[k:k + 20]
        h = np.tanh(one.forward(x))
        out = two.forward(h)
        loss = 0.5 * np.sum((out - t) ** 2) / len(x)
        for layer in (one, two):
            layer.clear()
        one.backward(two.backward((out - t) / len(x)) * (1 - h ** 2))
        for layer in (one, two):
            layer.step(0.01)
    if epoch % 20 == 0:
        print("epoch", epoch, "loss", round(float(loss), 5))
"""


def faults(folder: Path, source: str) -> list[str]:
    path = folder / "net.py"
    path.write_text(source)
    return [f.cause for f in diagnose.diagnose(path, budget_seconds=90).findings if f.is_fault]


@pytest.mark.parametrize(
    "wrong",
    [
        PROGRAM.replace("        self.gw[...] = 0\n        self.gb[...] = 0\n", "        pass\n"),
        PROGRAM.replace("            layer.clear()\n", "            pass\n"),
    ],
)
def test_sums_that_nobody_clears_are_named_under_a_momentum(tmp_path: Path, wrong: str) -> None:
    assert wrong != PROGRAM
    assert faults(tmp_path, wrong)[:1] == ["gradient-not-reset"]


def test_cleared_sums_are_no_fault(tmp_path: Path) -> None:
    assert not faults(tmp_path, PROGRAM)
