"""A network for digits with backpropagation by hand that stays at 10 %: ask `unstuck diagnose stuck_network.py` why."""

from itertools import pairwise

import numpy as np
from sklearn.datasets import load_digits

rng = np.random.default_rng(3)

x, labels = load_digits(return_X_y=True)
x = x / 16
order = rng.permutation(len(x))
x, labels = x[order], labels[order]
y = np.eye(10)[labels]
train, test = slice(0, 1400), slice(1400, None)

sizes = [64, 24, 16, 10]
W = [rng.normal(0, 1 / np.sqrt(m), (m, n)) for m, n in pairwise(sizes)]
B = [np.zeros(n) for n in sizes[1:]]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(rows):
    activations = [rows]
    for w, b in zip(W, B, strict=True):
        activations.append(sigmoid(activations[-1] @ w + b))
    return activations


for epoch in range(60):
    for start in range(0, 1400, 20):
        a = forward(x[start : start + 20])
        delta = (a[-1] - y[start : start + 20]) * a[-1] * (1 - a[-1])
        for k in reversed(range(len(W))):
            gradient_w, gradient_b = a[k].T @ delta, delta.sum(axis=0)
            W[k] -= 0.3 * gradient_w
            B[k] -= 0.3 * gradient_b
            if k > 0:
                delta = (delta @ W[k].T) * a[k] * (1 - a[k])
    if epoch % 20 == 19:
        loss = np.sum((forward(x[train])[-1] - y[train]) ** 2) / 2800
        print(f"epoch {epoch + 1}: loss {loss:.4f}")

print("test accuracy", np.mean(forward(x[test])[-1].argmax(axis=1) == labels[test]))
