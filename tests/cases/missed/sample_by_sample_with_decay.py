import numpy as np


class Jaal:
    def __init__(self, sizes):
        self.L = len(sizes)
        self.jhukaav = [np.zeros((b, 1)) for b in sizes[1:]]
        self.bhaar = [rng.normal(0, np.sqrt(1 / a), (b, a)) for a, b in zip(sizes[:-1], sizes[1:])]

    def aage(self, sakriya):
        for b, w in zip(self.jhukaav[:-1], self.bhaar[:-1]):
            sakriya = kriya(w @ sakriya + b)
        yog = self.bhaar[-1] @ sakriya + self.jhukaav[-1]
        return yog

    def peeche(self, x, y):
        sakriya_all, yog_all = [x], []
        for b, w in zip(self.jhukaav, self.bhaar):
            yog_all.append(w @ sakriya_all[-1] + b)
            sakriya_all.append(kriya(yog_all[-1]))
        uttar = yog_all[-1]
        value = 0.5 * np.sum((uttar - y) ** 2)
        nabla_b = [np.zeros(b.shape) for b in self.jhukaav]
        nabla_w = [np.zeros(w.shape) for w in self.bhaar]
        antar = (uttar - y)
        nabla_b[-1] = antar
        nabla_w[-1] = antar @ sakriya_all[-2].T
        for l in range(2, self.L):
            antar = (self.bhaar[-l + 1].T @ antar) * kriya_dhaal(sakriya_all[-l])
            nabla_b[-l] = antar
            nabla_w[-l] = antar @ sakriya_all[-l - 1].T
        return nabla_b, nabla_w, value

    def sudhaar(self, chunk, dar):
        nabla_b = [np.zeros(b.shape) for b in self.jhukaav]
        nabla_w = [np.zeros(w.shape) for w in self.bhaar]
        total = 0.0
        for x, y in chunk:
            delta_b, delta_w, value = self.peeche(x, y)
            total += value / len(chunk)
            nabla_b = [nb + db for nb, db in zip(nabla_b, delta_b)]
            nabla_w = [nw + dw for nw, dw in zip(nabla_w, delta_w)]
        self.bhaar = [(1 - dar * 0.001) * w - (dar / len(chunk)) * nw for w, nw in zip(self.bhaar, nabla_w)]
        self.jhukaav = [b - (dar / len(chunk)) * nb for b, nb in zip(self.jhukaav, nabla_b)]
        return total + 0.5 * 0.001 * sum(np.sum(w ** 2) for w in self.bhaar)


def kriya(v):
    return np.tanh(v)


def kriya_dhaal(v):
    return (1 - v ** 2)


rng = np.random.RandomState(960004)
nivesh = rng.uniform(-1, 1, (240, 1))
lakshya = np.sin(2 * nivesh.sum(axis=1, keepdims=True))
nivesh, nivesh_test = nivesh[:160], nivesh[160:]
lakshya, lakshya_test = lakshya[:160], lakshya[160:]
pairs = [(x.reshape(-1, 1), y.reshape(-1, 1)) for x, y in zip(nivesh, lakshya)]
net = Jaal([1, 14, 1])
for chakkar in range(40):
    kram = rng.permutation(len(pairs))
    haani = 0.0
    for k in range(0, len(pairs), 16):
        chunk = [pairs[i] for i in kram[k:k + 16]]
        haani += net.sudhaar(chunk, 0.25) * 16 / len(pairs)
    if chakkar % 8 == 7:
        print("chakkar", chakkar + 1, "haani", round(float(haani), 5))
answers = np.array([net.aage(x.reshape(-1, 1)).ravel() for x in nivesh])
print("train", round(float(1 - np.sum((answers - lakshya) ** 2) / np.sum((lakshya - lakshya.mean()) ** 2)), 4))
answers = np.array([net.aage(x.reshape(-1, 1)).ravel() for x in nivesh_test])
print("test", round(float(1 - np.sum((answers - lakshya_test) ** 2) / np.sum((lakshya_test - lakshya_test.mean()) ** 2)), 4))
