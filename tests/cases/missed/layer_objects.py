import numpy as np


class Dense:
    def __init__(self, a, b):
        self.bhaar = rng.normal(0, np.sqrt(1 / a), (a, b))
        self.jhukaav = np.zeros((1, b))
        self.dhaal_w, self.dhaal_b = np.zeros_like(self.bhaar), np.zeros_like(self.jhukaav)

    def forward(self, x):
        self.x = x
        self.yog = x @ self.bhaar + self.jhukaav
        return self.yog

    def backward(self, antar):
        self.dhaal_w += self.x.T @ antar
        self.dhaal_b += antar.sum(axis=0, keepdims=True)
        return antar @ self.bhaar.T

    def params(self):
        return [(self.bhaar, self.dhaal_w), (self.jhukaav, self.dhaal_b)]

    def clear(self):
        self.dhaal_w[...] = 0
        self.dhaal_b[...] = 0


class Bend:
    def forward(self, yog):
        self.yog = yog
        self.sakriya = np.tanh(yog)
        return self.sakriya

    def backward(self, antar):
        return antar * (1 - self.sakriya ** 2)

    def params(self):
        return []


class Dropout:
    learning = True

    def forward(self, x):
        if not self.learning:
            return x
        self.mask = (rng.uniform(size=x.shape) < 0.9) / 0.9
        return x * self.mask

    def backward(self, d):
        return d * self.mask

    def params(self):
        return []


class Jaal:
    def __init__(self, layers):
        self.layers = layers

    def aage(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return 1 / (1 + np.exp(-x))

    def peeche(self, uttar, goal):
        antar = (uttar - goal) / len(goal)
        for layer in self.layers[::-1]:
            antar = layer.backward(antar)

    def params(self):
        return [pair for layer in self.layers for pair in layer.params()]


rng = np.random.default_rng(960003)
nivesh = rng.uniform(-1, 1, (240, 2))
lakshya = (np.sum(nivesh ** 2, axis=1, keepdims=True) < 0.6).astype(float)
nivesh, nivesh_test = nivesh[:160], nivesh[160:]
lakshya, lakshya_test = lakshya[:160], lakshya[160:]
net = Jaal([Dense(2, 12), Bend(), Dense(12, 8), Bend(), Dropout(), Dense(8, 1)])
speed = [np.zeros_like(q) for q, g in net.params()]
for chakkar in range(1, 101):
    kram = rng.permutation(len(nivesh))
    haani = 0.0
    for k in range(0, len(kram), 8):
        kataar = kram[k:k + 8]
        uttar = net.aage(nivesh[kataar])
        value = -np.sum(lakshya[kataar] * np.log(uttar + 1e-12) + (1 - lakshya[kataar]) * np.log(1 - uttar + 1e-12)) / len(kataar)
        haani += value * len(kataar) / len(nivesh)
        for layer in net.layers:
            if layer.params() and hasattr(layer, "clear"):
                layer.clear()
        net.peeche(uttar, lakshya[kataar])
        for (q, g), u in zip(net.params(), speed):
            u *= 0.9
            u -= 0.12 * g
            q += u
    if chakkar % 20 == 0:
        print("chakkar", chakkar, "haani", round(float(haani), 5))
for layer in net.layers:
    layer.learning = False
print("train", round(float(np.mean((net.aage(nivesh) > 0.5) == (lakshya > 0.5))), 4))
print("test", round(float(np.mean((net.aage(nivesh_test) > 0.5) == (lakshya_test > 0.5))), 4))
