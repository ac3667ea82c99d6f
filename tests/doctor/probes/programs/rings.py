import numpy as np

rng = np.random.default_rng(5)


def rings(n):
    y = rng.integers(0, 2, n)
    angle = rng.uniform(0, 2 * np.pi, n)
    radius = 0.6 + 1.2 * y + rng.normal(0, 0.1, n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), y


x, y = rings(260)
t = y.reshape(-1, 1).astype(float)
x_train, t_train, x_test, t_test = x[:200], t[:200], x[200:], t[200:]
UNITS = 12
w1 = rng.normal(0, 1.0, (2, UNITS))
b1 = np.zeros(UNITS)
w2 = rng.normal(0, 0.3, (UNITS, 1))
b2 = np.zeros(1)
rate = 0.5
before = np.inf
TOLERANCE = 1e-7


def forward(x):
    hidden = np.tanh(x @ w1 + b1)
    return hidden, hidden @ w2 + b2


def accuracy(x, t):
    return np.mean((forward(x)[1] > 0) == t)


for epoch in range(60):
    for start in range(0, 200, 10):
        xb, tb = x_train[start : start + 10], t_train[start : start + 10]
        hidden, z = forward(xb)
        d2 = (1 / (1 + np.exp(-z)) - tb) / len(xb)
        d1 = d2 @ w2.T * (1 - hidden**2)
        w2 -= rate * (hidden.T @ d2)
        b2 -= rate * d2.sum(axis=0)
        w1 -= rate * (xb.T @ d1)
        b1 -= rate * d1.sum(axis=0)
    z = forward(x_train)[1]
    loss = np.mean(np.maximum(z, 0) - z * t_train + np.log1p(np.exp(-np.abs(z))))
    if abs(before - loss) < TOLERANCE:
        break
    before = loss
    if epoch % 20 == 19:
        print(f"epoch {epoch + 1} loss {loss:.4f}")
print(f"train accuracy {accuracy(x_train, t_train):.3f}")
print(f"test accuracy {accuracy(x_test, t_test):.3f}")
