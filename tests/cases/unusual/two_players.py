"""Two players: one learns to tell made numbers from real ones, the other to make them; their losses pull apart."""
import numpy as np
rng = np.random.default_rng(0)
s = lambda z: 1 / (1 + np.exp(-z))
g = {"a": 1.0, "b": 0.0}
d = {"w1": rng.normal(0, .5, (2, 8)), "b1": np.zeros(8), "w2": rng.normal(0, .5, (8, 1)), "b2": np.zeros(1)}
def features(x):
    return np.hstack([x, x ** 2 / 4])
def disc(x):
    f = features(x)
    h = np.tanh(f @ d["w1"] + d["b1"])
    return f, h, s(h @ d["w2"] + d["b2"])
for it in range(2000):
    z = rng.normal(size=(32, 1))
    fake = g["a"] * z + g["b"]
    real = rng.normal(3, 1.5, size=(32, 1))
    x = np.vstack([real, fake])
    y = np.vstack([np.ones((32, 1)), np.zeros((32, 1))])
    f, h, p = disc(x)
    e = (p - y) / len(x)
    gw2, gb2 = h.T @ e, e.sum(0)
    eh = e @ d["w2"].T * (1 - h ** 2)
    gw1, gb1 = f.T @ eh, eh.sum(0)
    d["w2"] -= 0.1 * gw2; d["b2"] -= 0.1 * gb2; d["w1"] -= 0.1 * gw1; d["b1"] -= 0.1 * gb1
    z = rng.normal(size=(32, 1))
    fake = g["a"] * z + g["b"]
    f, h, p = disc(fake)
    e = (p - 1) / len(z)
    ef = (e @ d["w2"].T * (1 - h ** 2)) @ d["w1"].T
    ex = ef[:, :1] + ef[:, 1:] * fake / 2
    g["a"] -= 0.1 * float((ex * z).sum())
    g["b"] -= 0.1 * float(ex.sum())
    if it % 400 == 0:
        print(it, g["a"], g["b"], float(p.mean()))
print("mean", g["b"], "std", abs(g["a"]))
