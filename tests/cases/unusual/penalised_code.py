"""Autoencoder with tied weights, L1 on the code."""
import numpy as np
rng = np.random.default_rng(6)
basis = rng.normal(size=(3, 10))
X = rng.normal(size=(200, 3)) @ basis / 2
W = rng.normal(0, 0.2, (10, 3)); b = np.zeros(3); c = np.zeros(10)
for epoch in range(300):
    H = np.tanh(X @ W + b)
    R = H @ W.T + c
    E = (R - X) / len(X)
    dH = E @ W + 1e-4 * np.sign(H) / len(X)
    dZ = dH * (1 - H ** 2)
    gW = X.T @ dZ + E.T @ H
    W -= 0.1 * gW; b -= 0.1 * dZ.sum(0); c -= 0.1 * E.sum(0)
    if epoch % 100 == 0: print("error", ((R - X) ** 2).mean())
print("error", ((R - X) ** 2).mean(), "of", (X ** 2).mean())
