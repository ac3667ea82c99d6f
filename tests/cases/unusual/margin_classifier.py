"""A margin classifier, one sample at a time: rows beyond the margin only let the weights shrink."""
import numpy as np
rng = np.random.default_rng(5)
n = 400
X = np.vstack([rng.normal([1, 1], 1, (n // 2, 2)), rng.normal([-1, -1], 1, (n // 2, 2))])
y = np.r_[np.ones(n // 2), -np.ones(n // 2)]
w, b, lam, t = np.zeros(2), 0.0, 0.01, 0
for epoch in range(5):
    for i in rng.permutation(n):
        t += 1
        eta = 1 / (lam * (t + 100))
        if y[i] * (X[i] @ w + b) < 1:
            w = (1 - eta * lam) * w + eta * y[i] * X[i]
            b += 0.01 * y[i]
        else:
            w = (1 - eta * lam) * w
    acc = np.mean(np.sign(X @ w + b) == y)
    print(f"epoch {epoch} accuracy {acc:.3f}")
