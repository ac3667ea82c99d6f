import numpy as np

rng = np.random.default_rng(5)


def blobs(n):
    y = rng.integers(0, 3, n)
    centres = np.array([[2.0, 0.0], [-1.5, 1.5], [-1.0, -2.0]])
    return centres[y] + rng.normal(0, 0.5, (n, 2)), y


x, y = blobs(300)
x_train, y_train, x_test, y_test = x[:240], y[:240], x[240:], y[240:]
t_train = np.eye(3)[y_train]
w1 = rng.normal(0, 0.5, (2, 8))
b1 = np.zeros(8)
w2 = rng.normal(0, 0.5, (8, 3))
b2 = np.zeros(3)
rate = 0.3


def forward(x):
    hidden = np.tanh(x @ w1 + b1)
    scores = hidden @ w2 + b2
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return hidden, e / e.sum(axis=1, keepdims=True)


def accuracy(x, y):
    return np.mean(np.argmax(forward(x)[1], axis=1) == y)


for epoch in range(20):
    order = rng.permutation(len(x_train))
    for start in range(0, len(order), 20):
        rows = order[start : start + 20]
        hidden, p = forward(x_train[rows])
        d2 = (p - t_train[rows]) / len(rows)
        d1 = d2 @ w2.T * (1 - hidden**2)
        w2 -= rate * (hidden.T @ d2)
        b2 -= rate * d2.sum(axis=0)
        w1 -= rate * (x_train[rows].T @ d1)
        b1 -= rate * d1.sum(axis=0)
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1} accuracy {accuracy(x_train, y_train):.3f}")
print(f"test accuracy {accuracy(x_test, y_test):.3f}")
