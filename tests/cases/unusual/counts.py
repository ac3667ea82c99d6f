"""Poisson regression: the exponential of the output is the rate of the counts."""
import numpy as np
rng = np.random.default_rng(2)
X = rng.normal(size=(300, 3)); w_true = np.array([0.4, -0.3, 0.2])
counts = rng.poisson(np.exp(0.5 + X @ w_true))
w, b = np.zeros(3), 0.0
for step in range(500):
    mu = np.exp(X @ w + b)
    nll = np.mean(mu - counts * (X @ w + b))
    w -= 0.1 * X.T @ (mu - counts) / 300
    b -= 0.1 * np.mean(mu - counts)
    if step % 100 == 0: print("nll", nll)
print("weights", w, b)
