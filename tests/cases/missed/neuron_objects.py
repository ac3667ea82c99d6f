from math import exp, log, sin, tanh
from random import Random

chance = Random(930008)


class Neuron:
    def __init__(self, n, last):
        self.poids = [chance.gauss(0, 1.2 / n ** 0.5) for _ in range(n)]
        self.biais = chance.uniform(-0.5, 0.5)
        self.last = last
        self.ecart = 0.0
        self.grad_w, self.grad_b = [0.0] * n, 0.0

    def fire(self, x):
        self.x = x
        v = sum(a * b for a, b in zip(self.poids, x)) + self.biais
        self.out = (1 / (1 + exp(-v))) if self.last else (tanh(v))
        return self.out

    def derivee(self):
        return 1 - self.out ** 2

    def collect(self):
        for i, x in enumerate(self.x):
            self.grad_w[i] += self.ecart * x
        self.grad_b += self.ecart

    def corriger(self, pas):
        for i in range(len(self.poids)):
            self.poids[i] -= pas * self.grad_w[i]
            self.grad_w[i] = 0.0
        self.biais -= pas * self.grad_b
        self.grad_b = 0.0


class Reseau:
    def __init__(self, sizes):
        self.layers = []
        for a, b in zip(sizes, sizes[1:]):
            self.layers.append([Neuron(a, len(self.layers) == len(sizes) - 2) for _ in range(b)])

    def propager(self, x):
        for layer in self.layers:
            x = [n.fire(x) for n in layer]
        return x

    def retropropager(self, goal):
        for n, g in zip(self.layers[-1], goal):
            n.ecart = (n.out - g) * n.out * (1 - n.out)
        for k in range(len(self.layers) - 2, -1, -1):
            for j, n in enumerate(self.layers[k]):
                s = sum(m.ecart * m.poids[j] for m in self.layers[k + 1])
                n.ecart = s * n.derivee()
        for layer in self.layers:
            for n in layer:
                n.collect()


def points(count):
    found = []
    for _ in range(count):
        x = [chance.uniform(-1, 1) for _ in range(2)]
        found.append((x, [1.0 if sum(u * u for u in x) < 0.6 else 0.0]))
    return found


net = Reseau([2, 8, 1])
seen, unseen = points(160), points(80)
for tour in range(60):
    chance.shuffle(seen)
    cout = 0.0
    for start in range(0, 160, 16):
        chunk = seen[start:start + 16]
        part = 0.0
        for x, goal in chunk:
            said = net.propager(x)
            part += 0.5 * sum((o - g) ** 2 for o, g in zip(said, goal))
            net.retropropager(goal)
        for layer in net.layers:
            for n in layer:
                n.corriger(2.4 / len(chunk))
        cout += part / 160
    if tour % 12 == 0:
        print("tour", tour, "cout", round(float(cout), 5))
print("seen", sum((net.propager(x)[0] > 0.5) == (goal[0] > 0.5) for x, goal in seen) / len(seen))
print("unseen", sum((net.propager(x)[0] > 0.5) == (goal[0] > 0.5) for x, goal in unseen) / len(unseen))
