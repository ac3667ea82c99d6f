import numpy as np

rng = np.random.default_rng(8)
x = rng.normal(size=(150, 2)) @ rng.normal(size=(2, 6)) + 0.3 * rng.normal(size=(150, 6))
w = rng.normal(0, 0.4, (6, 2))
b = np.zeros(6)
for epoch in range(300):
    code = np.tanh(x @ w)
    back = code @ w.T + b
    error = (back - x) / len(x)
    slope = error @ w * (1 - code**2)
    w -= 0.1 * (x.T @ slope + error.T @ code)
    b -= 0.1 * error.sum(axis=0)
    if epoch % 100 == 99:
        print("epoch", epoch + 1, "error", round(float(np.mean((back - x) ** 2)), 4))
