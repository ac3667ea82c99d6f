import numpy as np


class Reseau:
    def __init__(self, sizes):
        self.L = len(sizes)
        self.biais = [np.zeros((b, 1)) for b in sizes[1:]]
        self.poids = [rng.normal(0, np.sqrt(1 / a), (b, a)) for a, b in zip(sizes[:-1], sizes[1:])]

    def propager(self, sortie):
        for b, w in zip(self.biais[:-1], self.poids[:-1]):
            sortie = fonction(w @ sortie + b)
        somme = self.poids[-1] @ sortie + self.biais[-1]
        return somme

    def retropropager(self, x, y):
        sortie_all, somme_all = [x], []
        for b, w in zip(self.biais, self.poids):
            somme_all.append(w @ sortie_all[-1] + b)
            sortie_all.append(fonction(somme_all[-1]))
        reponse = somme_all[-1]
        value = 0.5 * np.sum((reponse - y) ** 2)
        nabla_b = [np.zeros(b.shape) for b in self.biais]
        nabla_w = [np.zeros(w.shape) for w in self.poids]
        ecart = (reponse - y)
        nabla_b[-1] = ecart
        nabla_w[-1] = ecart @ sortie_all[-2].T
        for l in range(2, self.L):
            ecart = (self.poids[-l + 1].T @ ecart) * derivee(sortie_all[-l])
            nabla_b[-l] = ecart
            nabla_w[-l] = ecart @ sortie_all[-l - 1].T
        return nabla_b, nabla_w, value

    def corriger(self, chunk, pas):
        nabla_b = [np.zeros(b.shape) for b in self.biais]
        nabla_w = [np.zeros(w.shape) for w in self.poids]
        total = 0.0
        for x, y in chunk:
            delta_b, delta_w, value = self.retropropager(x, y)
            total += value / len(chunk)
            nabla_b = [nb + db for nb, db in zip(nabla_b, delta_b)]
            nabla_w = [nw + dw for nw, dw in zip(nabla_w, delta_w)]
        self.poids = [w - (pas / len(chunk)) * nw for w, nw in zip(self.poids, nabla_w)]
        self.biais = [b - (pas / len(chunk)) * nb for b, nb in zip(self.biais, nabla_b)]
        return total


def fonction(v):
    return np.tanh(v)


def derivee(v):
    return (1 - v ** 2)


rng = np.random.RandomState(930016)
entree = rng.uniform(-1, 1, (240, 2))
cible = np.sin(2 * entree.sum(axis=1, keepdims=True))
entree, entree_test = entree[:160], entree[160:]
cible, cible_test = cible[:160], cible[160:]
pairs = [(x.reshape(-1, 1), y.reshape(-1, 1)) for x, y in zip(entree, cible)]
net = Reseau([2, 8, 8, 1])
for tour in range(40):
    hasard_ = rng.permutation(len(pairs))
    cout = 0.0
    for k in range(0, len(pairs), 8):
        chunk = [pairs[i] for i in hasard_[k:k + 8]]
        cout += net.corriger(chunk, 0.25) * 8 / len(pairs)
    if tour % 8 == 7:
        print("tour", tour + 1, "cout", round(float(cout), 5))
answers = np.array([net.propager(x.reshape(-1, 1)).ravel() for x in entree])
print("train", round(float(1 - np.sum((answers - cible) ** 2) / np.sum((cible - cible.mean()) ** 2)), 4))
answers = np.array([net.propager(x.reshape(-1, 1)).ravel() for x in entree_test])
print("test", round(float(1 - np.sum((answers - cible_test) ** 2) / np.sum((cible_test - cible_test.mean()) ** 2)), 4))
