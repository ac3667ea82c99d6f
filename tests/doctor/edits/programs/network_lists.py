# fmt: off
# ruff: noqa
import numpy as np


class Network:
    def __init__(self, widths, seed):
        rng = np.random.default_rng(seed)
        self.weights = [rng.normal(size=(a, b)) for a, b in zip(widths[:-1], widths[1:])]
        self.biases = [np.zeros(b) for b in widths[1:]]

    def softmax(self, z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def forward(self, x):
        self.acts = [x]
        for i in range(len(self.weights)):
            z = self.acts[i] @ self.weights[i] + self.biases[i]
            if i < len(self.weights) - 1:
                self.acts.append(np.maximum(z, 0))
            else:
                self.acts.append(self.softmax(z))
        return self.acts[-1]

    def backward(self, t):
        dw = [None] * len(self.weights)
        db = [None] * len(self.biases)
        delta = (self.acts[-1] - t) / len(t)
        for i in range(len(self.weights) - 1, -1, -1):
            dw[i] = self.acts[i].T @ delta
            db[i] = delta.sum(axis=0)
            if i > 0:
                delta = delta @ self.weights[i].T * (self.acts[i] > 0)
        return dw, db

    def train(self, x, t, epochs, size, rate):
        n = len(x)
        for epoch in range(epochs):
            for start in range(0, n, size):
                batch = x[start:start + size]
                labels = t[start:start + size]
                self.forward(batch)
                dw, db = self.backward(labels)
                for i in range(len(self.weights)):
                    self.weights[i] -= rate * dw[i]
                    self.biases[i] -= rate * db[i]


rng = np.random.default_rng(3)
data = rng.normal(size=(10, 5))
targets = np.eye(5)[rng.integers(0, 5, 10)]
net = Network([5, 5, 5, 5], 1)
net.train(data, targets, 2, 5, 0.2)
result = net.weights + net.biases
