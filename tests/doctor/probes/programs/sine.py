import numpy as np

rng = np.random.default_rng(5)
x = rng.uniform(-2, 2, (200, 1))
y = np.sin(2 * x) + 0.05 * rng.normal(size=x.shape)
w1 = rng.normal(0, 1.0, (1, 16))
b1 = rng.normal(0, 1.0, 16)
w2 = rng.normal(0, 0.3, (16, 1))
b2 = np.full(1, 0.1)


def cost(out, y):
    return np.mean((out - y) ** 2)


def run(x):
    hidden = np.tanh(x @ w1 + b1)
    return hidden, hidden @ w2 + b2


for epoch in range(2000):
    hidden, out = run(x)
    d2 = (out - y) / len(x)
    d1 = d2 @ w2.T * (1 - hidden**2)
    w2 -= 0.1 * (hidden.T @ d2)
    b2 -= 0.1 * d2.sum(axis=0)
    w1 -= 0.1 * (x.T @ d1)
    b1 -= 0.1 * d1.sum(axis=0)
    if epoch % 200 == 199:
        print("epoch", epoch + 1, "cost", cost(run(x)[1], y))
