"""The sentence about the network says what the recorded values tell, whatever the style, and nothing else."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from unstuck.doctor.handwritten.describe import network_sentence
from unstuck.doctor.handwritten.examine import examine
from unstuck.doctor.handwritten.program import from_text
from unstuck.doctor.handwritten.session import Session

START = """
import numpy as np
rng = np.random.default_rng(0)
x = rng.normal(size=(24, 3))
"""
ROWS = """
t = np.eye(2)[(x[:, 0] > 0).astype(int)]
w1, b1 = rng.normal(size=(3, 5)), np.zeros(5)
w2, b2 = rng.normal(size=(5, 2)), np.zeros(2)
rate = 0.3
for step in range(30):
    h = np.tanh(x @ w1 + b1)
    e = np.exp(h @ w2 + b2)
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.mean(np.sum(t * np.log(p), axis=1))
    d2 = (p - t) / len(x)
    d1 = (d2 @ w2.T) * (1 - h ** 2)
    w2 -= rate * h.T @ d2
    b2 -= rate * d2.sum(axis=0)
    w1 -= rate * x.T @ d1
    b1 -= rate * d1.sum(axis=0)
"""
COLUMNS = """
x, t = x.T, (x[:, :1].T > 0) * 1.0
w1, b1 = rng.normal(size=(5, 3)), np.zeros((5, 1))
w2, b2 = rng.normal(size=(1, 5)), np.zeros((1, 1))
for step in range(30):
    h = np.maximum(w1 @ x + b1, 0)
    p = 1 / (1 + np.exp(-(w2 @ h + b2)))
    d2 = (p - t) / 24
    d1 = (w2.T @ d2) * (h > 0)
    w2 = w2 - 0.5 * d2 @ h.T
    b2 = b2 - 0.5 * d2.sum(axis=1, keepdims=True)
    w1 = w1 - 0.5 * d1 @ x.T
    b1 = b1 - 0.5 * d1.sum(axis=1, keepdims=True)
"""
SAMPLES = """
t = np.tanh(x @ rng.normal(size=(3, 2)))
w1 = rng.normal(size=(3, 5))
w2 = rng.normal(size=(5, 2))
for epoch in range(3):
    for row, target in zip(x, t):
        h = 1 / (1 + np.exp(-(row @ w1)))
        out = h @ w2
        d2 = out - target
        d1 = (w2 @ d2) * h * (1 - h)
        w2 -= 0.05 * np.outer(h, d2)
        w1 -= 0.05 * np.outer(row, d1)
"""
NARROW = """
t = (x[:, :1] > 0) * 1.0
w1, b1 = rng.normal(size=(3, 4)), np.zeros((1, 4))
w2, b2 = rng.normal(size=(4, 1)), np.zeros((1, 1))
rate = 0.5
for step in range(30):
    h = 1 / (1 + np.exp(-(x @ w1 + b1)))
    p = 1 / (1 + np.exp(-(h @ w2 + b2)))
    d2 = (p - t) * p * (1 - p)
    d1 = d2 @ w2.T * h * (1 - h)
    w2 -= rate * h.T @ d2
    b2 -= rate * d2.sum(axis=0, keepdims=True)
    w1 -= rate * x.T @ d1
    b1 -= rate * d1.sum(axis=0, keepdims=True)
"""
LOOPS = """
import math
rows = x.tolist()
wants = [[1.0 if r[0] > 0 else 0.0, 0.0 if r[0] > 0 else 1.0] for r in rows]
w1, w2 = rng.normal(size=(5, 4)).tolist(), rng.normal(size=(2, 6)).tolist()
for epoch in range(4):
    for row, want in zip(rows, wants):
        given = [*row, -1.0]
        h = []
        for j in range(5):
            z = 0.0
            for i in range(4):
                z += w1[j][i] * given[i]
            h.append(1 / (1 + math.exp(-z)))
        h.append(-1.0)
        out = []
        for k in range(2):
            z = 0.0
            for j in range(6):
                z += w2[k][j] * h[j]
            out.append(1 / (1 + math.exp(-z)))
        d2 = [(out[k] - want[k]) * out[k] * (1 - out[k]) for k in range(2)]
        d1 = [sum(d2[k] * w2[k][j] for k in range(2)) * h[j] * (1 - h[j]) for j in range(5)]
        for k in range(2):
            for j in range(6):
                w2[k][j] -= 0.25 * d2[k] * h[j]
        for j in range(5):
            for i in range(4):
                w1[j][i] -= 0.25 * d1[j] * given[i]
"""


def said(body: str, folder: Path) -> str | None:
    with Session(from_text(textwrap.dedent(START + body), folder, "network.py")) as session:
        found = examine(session, session.program, session.scout(patience=0.3))
        assert found is not None
        return network_sentence(session, session.program, found[0])


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (ROWS, "3 → 5 tanh → 2 softmax, cross-entropy, SGD 0.3, batch 24"),
        (COLUMNS, "3 → 5 ReLU → 1 sigmoid, binary cross-entropy, SGD 0.5, batch 24"),
        (SAMPLES, "3 → 5 sigmoid → 2, squared error, SGD 0.05, batch 1"),
        (NARROW, "3 → 4 sigmoid → 1 sigmoid, squared error, SGD 0.5 on the summed gradient, batch 24"),
        (LOOPS, "3 → 5 sigmoid → 2 sigmoid, squared error, SGD 0.25, batch 1"),
        (ROWS.replace("np.tanh(x @ w1 + b1)", "np.sin(x @ w1 + b1)").replace("1 - h ** 2", "np.cos(x @ w1 + b1)"),
         "3 → 5 → 2 softmax, cross-entropy, SGD 0.3, batch 24"),
        (ROWS.replace("rate * x.T @ d1", "0.1 * x.T @ d1"), "3 → 5 tanh → 2 softmax, cross-entropy, own update rule, batch 24"),
    ],
    ids=["rows", "columns", "sample by sample", "one output", "loops over units with a bias unit",
         "an activation that is not known is left out", "two rates are no SGD"],
)  # fmt: skip
def test_the_sentence_says_layers_loss_rate_and_batch(body: str, sentence: str, tmp_path: Path) -> None:
    assert said(body, tmp_path) == sentence
