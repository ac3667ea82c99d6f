import numpy as np
from sklearn.datasets import load_digits

MICRO, ACCUMULATE = 10, 4
rng = np.random.default_rng(73)


class Param:
    def __init__(self, value):
        self.value = value
        self.grad = np.zeros_like(value)


class Model:
    def __init__(self, *widths):
        self.W = [Param(rng.normal(0, np.sqrt(2 / a), (a, b))) for a, b in zip(widths, widths[1:])]
        self.b = [Param(np.zeros(b)) for b in widths[1:]]

    def all(self):
        return self.W + self.b

    def scores(self, x):
        self.seen = []
        for k, (W, b) in enumerate(zip(self.W, self.b)):
            self.seen.append(x)
            x = x @ W.value + b.value
            if k < len(self.W) - 1:
                x = np.maximum(x, 0)
        return x

    def accumulate(self, g):
        for k in range(len(self.W) - 1, -1, -1):
            self.W[k].grad += self.seen[k].T @ g
            self.b[k].grad += g.sum(axis=0)
            g = g @ self.W[k].value.T * (self.seen[k] > 0)


def softmax(s):
    s = np.exp(s - s.max(axis=1, keepdims=True))
    return s / s.sum(axis=1, keepdims=True)


X, y = load_digits(return_X_y=True)
order = rng.permutation(len(y))
X, y = X[order] / 16, y[order]
model = Model(64, 32, 10)
for epoch in range(1, 26):
    perm = rng.permutation(1400)
    loss, waiting = 0.0, 0
    for s in range(0, 1400, MICRO):
        rows = perm[s:s + MICRO]
        p = softmax(model.scores(X[rows]))
        loss -= np.log(p[np.arange(MICRO), y[rows]] + 1e-12).sum() / 1400
        p[np.arange(MICRO), y[rows]] -= 1
        model.accumulate(p / (MICRO * ACCUMULATE))
        waiting += 1
        if waiting == ACCUMULATE:
            for q in model.all():
                q.value -= 0.3 * q.grad
                q.grad[...] = 0
            waiting = 0
    if epoch % 5 == 0:
        print(f"epoch {epoch} loss {loss:.4f}")
print("test", np.mean(model.scores(X[1400:]).argmax(axis=1) == y[1400:]))
