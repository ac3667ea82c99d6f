# fmt: off
# ruff: noqa
import numpy as np

rng = np.random.default_rng(12)
x = rng.normal(size=(8, 4))
t = rng.normal(size=(8, 2))
w1 = rng.normal(size=(4, 5))
w2 = rng.normal(size=(5, 2))
gamma, beta = np.ones(5), np.zeros(5)
lam = 0.1
keep = 0.8
losses = []

for step in range(3):
    z = x @ w1
    mu = z.mean(axis=0)
    std = np.sqrt(z.var(axis=0) + 1e-5)
    norm = (z - mu) / std
    h = np.tanh(gamma * norm + beta)
    mask = (rng.random(h.shape) < keep) / keep
    dropped = h * mask
    out = dropped @ w2
    losses.append(0.5 * np.sum((out - t) ** 2) / len(x) + 0.5 * lam * (np.sum(w1 ** 2) + np.sum(w2 ** 2)))
    delta = (out - t) / len(x)
    gw2 = dropped.T @ delta + lam * w2
    d_h = delta @ w2.T * mask
    d_scaled = d_h * (1 - h ** 2)
    g_gamma = (d_scaled * norm).sum(axis=0)
    g_beta = d_scaled.sum(axis=0)
    d_norm = d_scaled * gamma
    d_z = (d_norm - d_norm.mean(axis=0) - norm * (d_norm * norm).mean(axis=0)) / std
    gw1 = x.T @ d_z + lam * w1
    w1 -= 0.1 * gw1
    w2 -= 0.1 * gw2
    gamma -= 0.1 * g_gamma
    beta -= 0.1 * g_beta

result = [w1, w2, gamma, beta]
