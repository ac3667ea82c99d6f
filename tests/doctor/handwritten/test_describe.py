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

ONE_INPUT = """
x = x[:, :1]
t = np.tanh(2 * x)
w1, b1 = rng.normal(size=6), rng.normal(size=6)
w2, b2 = rng.normal(size=6), 0.1
for step in range(30):
    h = [np.tanh(w1[j] * x + b1[j]) for j in range(6)]
    out = sum(w2[j] * h[j] for j in range(6)) + b2
    d = 2 * (out - t) / len(x)
    for j in range(6):
        back = d * w2[j] * (1 - h[j] ** 2)
        w2[j] -= 0.1 * np.sum(d * h[j])
        w1[j] -= 0.1 * np.sum(back * x)
        b1[j] -= 0.1 * np.sum(back)
    b2 -= 0.1 * np.sum(d)
"""
RECURRENT = """
wi, wh, bh = rng.normal(size=(2, 5)), 0.4 * rng.normal(size=(5, 5)), np.zeros(5)
wo, bo = rng.normal(size=(5, 3)), np.zeros(3)
words = rng.normal(size=(30, 7, 2))
wants = rng.integers(0, 3, 30)
for word, want in zip(words, wants):
    states = [np.zeros(5)]
    for letter in word:
        states.append(np.tanh(letter @ wi + states[-1] @ wh + bh))
    e = np.exp(states[-1] @ wo + bo)
    p = e / e.sum()
    loss = -np.log(p[want])
    d = p - np.eye(3)[want]
    back = wo @ d
    gi, gh, gb = np.zeros_like(wi), np.zeros_like(wh), np.zeros_like(bh)
    for k in range(7, 0, -1):
        z = back * (1 - states[k] ** 2)
        gi += np.outer(word[k - 1], z)
        gh += np.outer(states[k - 1], z)
        gb += z
        back = wh @ z
    wo -= 0.1 * np.outer(states[-1], d)
    bo -= 0.1 * d
    wi -= 0.1 * gi
    wh -= 0.1 * gh
    bh -= 0.1 * gb
"""
CONVOLUTION = """
pictures = rng.normal(size=(20, 6, 6))
t = np.eye(2)[(pictures[:, 2:4, 2:4].sum((1, 2)) > 0).astype(int)]
k, c = rng.normal(size=(3, 3, 3)), np.full(3, 0.1)
w, b = rng.normal(size=(12, 2)), np.zeros(2)
for step in range(30):
    z = np.zeros((20, 3, 4, 4))
    for i in range(4):
        for j in range(4):
            z[:, :, i, j] = np.tensordot(pictures[:, i:i + 3, j:j + 3], k, axes=([1, 2], [1, 2])) + c
    a = np.maximum(z, 0)
    blocks = a.reshape(20, 3, 2, 2, 2, 2)
    top = blocks.max(axis=(3, 5))
    flat = top.reshape(20, 12)
    e = np.exp(flat @ w + b)
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.mean(np.sum(t * np.log(p), axis=1))
    d = (p - t) / 20
    back = (d @ w.T).reshape(20, 3, 2, 2)
    mask = blocks == top[:, :, :, None, :, None]
    dz = (mask * back[:, :, :, None, :, None]).reshape(20, 3, 4, 4) * (z > 0)
    gk = np.zeros_like(k)
    for i in range(3):
        for j in range(3):
            gk[:, i, j] = np.einsum("nfab,nab->f", dz, pictures[:, i:i + 4, j:j + 4])
    w -= 0.2 * flat.T @ d
    b -= 0.2 * d.sum(axis=0)
    k -= 0.2 * gk
    c -= 0.2 * dz.sum(axis=(0, 2, 3))
"""
GATED = """
wz, wh, wo = rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), rng.normal(size=3)
words = rng.normal(size=(30, 5))
for word in words:
    s, past = np.zeros(3), []
    for letter in word:
        v = np.append(s, letter)
        g, h = 1 / (1 + np.exp(-(v @ wz))), np.tanh(v @ wh)
        past.append((v, g, h, s))
        s = (1 - g) * s + g * h
    d = s @ wo - word[0]
    back = d * wo
    gz, gh = np.zeros_like(wz), np.zeros_like(wh)
    for v, g, h, old in reversed(past):
        dg, dh = back * (h - old) * g * (1 - g), back * g * (1 - h ** 2)
        gz += np.outer(v, dg)
        gh += np.outer(v, dh)
        back = back * (1 - g) + (wz @ dg + wh @ dh)[:3]
    wo -= 0.05 * d * s
    wz -= 0.05 * gz
    wh -= 0.05 * gh
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
        (ONE_INPUT, "1 → 6 tanh → 1, squared error, SGD 0.1, batch 24"),
        (RECURRENT, "7 steps of 2 → 5 tanh (recurrent) → 3 softmax, cross-entropy"),
        (CONVOLUTION, "3×3 convolution, 3 filters, ReLU → max pooling 2×2 → 2 softmax, cross-entropy, SGD 0.2, batch 20"),
        (GATED, "3 trained variables with 27 numbers (how they form layers was not understood)"),
    ],
    ids=["rows", "columns", "sample by sample", "one output", "loops over units with a bias unit",
         "an activation that is not known is left out", "two rates are no SGD",
         "one input, unit after unit", "a recurrence", "a convolution with pooling", "gates are not understood"],
)  # fmt: skip
def test_the_sentence_says_layers_loss_rate_and_batch(body: str, sentence: str, tmp_path: Path) -> None:
    found = said(body, tmp_path)
    assert found is not None
    if "(" in sentence:  # (of sequences the step is given in the program's own numbers)
        found = found.partition(", step")[0].partition(", own")[0].partition(", SGD")[0]
    assert found == sentence
