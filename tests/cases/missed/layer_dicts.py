import numpy as np
from sklearn.datasets import make_moons

rng = np.random.default_rng(31)
dimensioni = [2, 8, 8, 1]
strati = [
    {"pesi": rng.normal(0, 1 / np.sqrt(a), (a, b)), "soglie": np.zeros(b)}
    for a, b in zip(dimensioni, dimensioni[1:])
]
passo, giri, blocco = 0.3, 400, 40

X, y = make_moons(600, noise=0.12, random_state=2)
X = X * [1.0, 2.0] + [4.0, 0.0]
X = (X - X.mean(axis=0)) / X.std(axis=0)
y = y[:, None].astype(float)


def attraversa(x):
    uscite = [x]
    for s in strati[:-1]:
        uscite.append(np.tanh(uscite[-1] @ s["pesi"] + s["soglie"]))
    ultimo = strati[-1]
    uscite.append(1 / (1 + np.exp(-(uscite[-1] @ ultimo["pesi"] + ultimo["soglie"]))))
    return uscite


def errore(x, t):
    p = np.clip(attraversa(x)[-1], 1e-12, 1 - 1e-12)
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))


for giro in range(1, giri + 1):
    mescola = rng.permutation(400)
    for righe in (mescola[k:k + blocco] for k in range(0, 400, blocco)):
        uscite = attraversa(X[righe])
        d = (uscite[-1] - y[righe]) / blocco
        deltas = [d]
        for s, a in zip(strati[:0:-1], uscite[-2:0:-1]):
            d = d @ s["pesi"].T * (1 - a ** 2)
            deltas.insert(0, d)
        for s, a, d in zip(strati, uscite, deltas):
            s["pesi"] -= passo * a.T @ d
            s["soglie"] -= passo * d.sum(axis=0)
    if giro % 80 == 0:
        print(f"giro {giro}: errore {errore(X[:400], y[:400]):.4f}")

giuste = (attraversa(X[400:])[-1] > 0.5) == (y[400:] > 0.5)
print(f"giuste sui punti nuovi: {giuste.mean():.3f}")
