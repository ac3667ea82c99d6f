# fmt: off
# ruff: noqa
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(4, 4))
Y = rng.uniform(0.1, 0.9, size=(4, 4))
w1 = rng.normal(size=(4, 4))
b1 = np.zeros((1, 4))
w2 = rng.normal(size=(4, 4))
b2 = np.zeros((1, 4))
rate = 0.3


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def sigmoid_slope(s):
    return s * (1 - s)


for step in range(3):
    z1 = X @ w1 + b1
    h = np.tanh(z1)
    z2 = h @ w2 + b2
    out = sigmoid(z2)
    n = len(X)
    # backward
    delta2 = 2 * (out - Y) * sigmoid_slope(out) / n
    delta1 = delta2 @ w2.T * (1 - h ** 2)
    gw2 = h.T @ delta2
    gb2 = delta2.sum(axis=0, keepdims=True)
    gw1 = X.T @ delta1
    gb1 = delta1.sum(axis=0, keepdims=True)
    w2 -= rate * gw2
    b2 -= rate * gb2
    w1 -= rate * gw1
    b1 -= rate * gb1

result = [w1, b1, w2, b2]
