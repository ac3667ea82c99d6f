# fmt: off
# ruff: noqa
import numpy as np


def init(n, m, k):
    rng = np.random.default_rng(5)
    W1 = rng.standard_normal((m, n))
    b1 = np.zeros((m, 1))
    W2 = rng.standard_normal((k, m))
    b2 = np.zeros((k, 1))
    return W1, b1, W2, b2


def forward_prop(W1, b1, W2, b2, X):
    Z1 = W1.dot(X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = W2.dot(A1) + b2
    A2 = np.exp(Z2) / np.sum(np.exp(Z2), axis=0)
    return Z1, A1, Z2, A2


def back_prop(Z1, A1, A2, W2, X, Y):
    m = Y.shape[1]
    dZ2 = A2 - Y
    dW2 = 1 / m * dZ2.dot(A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = W2.T.dot(dZ2) * (Z1 > 0)
    dW1 = 1 / m * dZ1.dot(X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return dW1, db1, dW2, db2


def update(W1, b1, W2, b2, dW1, db1, dW2, db2, alpha):
    W1 = W1 - alpha * dW1
    b1 = b1 - alpha * db1
    W2 = W2 - alpha * dW2
    b2 = b2 - alpha * db2
    return W1, b1, W2, b2


def descend(X, Y, alpha, steps):
    W1, b1, W2, b2 = init(4, 4, 4)
    for i in range(steps):
        Z1, A1, Z2, A2 = forward_prop(W1, b1, W2, b2, X)
        dW1, db1, dW2, db2 = back_prop(Z1, A1, A2, W2, X, Y)
        W1, b1, W2, b2 = update(W1, b1, W2, b2, dW1, db1, dW2, db2, alpha)
    return W1, b1, W2, b2


rng = np.random.default_rng(1)
X = rng.normal(size=(4, 4))
Y = np.eye(4)[:, rng.integers(0, 4, 4)]
result = list(descend(X, Y, 0.2, 3))
