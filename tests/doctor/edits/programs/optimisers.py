# fmt: off
# ruff: noqa
import numpy as np

rng = np.random.default_rng(7)
A = rng.normal(size=(6, 3))
y = rng.normal(size=6)


def gradient(w):
    return A.T @ (A @ w - y) / len(y)


class Adam:
    def __init__(self, size, rate, b1=0.9, b2=0.99, eps=1e-8):
        self.rate, self.b1, self.b2, self.eps = rate, b1, b2, eps
        self.m = np.zeros(size)
        self.v = np.zeros(size)
        self.t = 0

    def step(self, w, g):
        self.t += 1
        self.m = self.b1 * self.m + (1 - self.b1) * g
        self.v = self.b2 * self.v + (1 - self.b2) * g ** 2
        m_hat = self.m / (1 - self.b1 ** self.t)
        v_hat = self.v / (1 - self.b2 ** self.t)
        w -= self.rate * m_hat / (np.sqrt(v_hat) + self.eps)


def rmsprop(w, steps, rate=0.05, decay=0.9):
    cache = np.zeros_like(w)
    for _ in range(steps):
        g = gradient(w)
        cache = decay * cache + (1 - decay) * g * g
        w -= rate * g / (np.sqrt(cache) + 1e-8)


def momentum(w, steps, rate=0.05, mu=0.8):
    speed = np.zeros_like(w)
    for _ in range(steps):
        g = gradient(w)
        speed = mu * speed - rate * g
        w += speed


one, two, three = np.ones(3), np.ones(3), np.ones(3)
adam = Adam(3, 0.1)
for _ in range(4):
    adam.step(one, gradient(one))
rmsprop(two, 4)
momentum(three, 4)
result = [one, two, three]
