# fmt: off
# ruff: noqa
import numpy as np


class Dense:
    def __init__(self, n_in, n_out, rng):
        self.w = rng.normal(size=(n_in, n_out))
        self.b = np.zeros(n_out)
        self.dw = np.zeros_like(self.w)
        self.db = np.zeros_like(self.b)

    def zero_grad(self):
        self.dw = np.zeros_like(self.w)
        self.db = np.zeros_like(self.b)

    def forward(self, x):
        self.x = x
        return x @ self.w + self.b

    def backward(self, grad):
        self.dw += self.x.T @ grad
        self.db += grad.sum(axis=0)
        return grad @ self.w.T


class LeakyReLU:
    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, 0.1 * x)

    def backward(self, grad):
        return grad * np.where(self.x > 0, 1.0, 0.1)


class Softmax:
    def forward(self, x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def backward(self, grad):
        return self.p * (grad - np.sum(grad * self.p, axis=1, keepdims=True))


class Momentum:
    def __init__(self, layers, rate, mu=0.9):
        self.layers = layers
        self.rate = rate
        self.mu = mu
        self.vw = [np.zeros_like(l.w) for l in layers]
        self.vb = [np.zeros_like(l.b) for l in layers]

    def step(self):
        for i, layer in enumerate(self.layers):
            self.vw[i] = self.mu * self.vw[i] - self.rate * layer.dw
            self.vb[i] = self.mu * self.vb[i] - self.rate * layer.db
            layer.w += self.vw[i]
            layer.b += self.vb[i]


rng = np.random.default_rng(2)
first, act, second, soft = Dense(3, 3, rng), LeakyReLU(), Dense(3, 3, rng), Softmax()
layers = [first, act, second, soft]
opt = Momentum([first, second], 0.1)
x = rng.normal(size=(6, 3))
t = np.eye(3)[rng.integers(0, 3, 6)]
for epoch in range(2):
    for s in range(0, 6, 3):
        first.zero_grad()
        second.zero_grad()
        out = x[s:s + 3]
        for layer in layers:
            out = layer.forward(out)
        grad = -t[s:s + 3] / out / 3
        for layer in reversed(layers):
            grad = layer.backward(grad)
        opt.step()

result = [first.w, first.b, second.w, second.b]
