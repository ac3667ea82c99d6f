# fmt: off
# ruff: noqa
import numpy as np

rng = np.random.default_rng(6)
H = 3
p = {
    "U": rng.normal(size=(H, H)) * 0.5,
    "R": rng.normal(size=(H, H)) * 0.5,
    "c": np.zeros((H, 1)),
    "O": rng.normal(size=(H, H)) * 0.5,
    "d": np.zeros((H, 1)),
}


def run(xs, ts):
    h = {-1: np.zeros((H, 1))}
    y = {}
    for t in range(len(xs)):
        h[t] = np.tanh(p["U"] @ xs[t] + p["R"] @ h[t - 1] + p["c"])
        y[t] = p["O"] @ h[t] + p["d"]
    g = {k: np.zeros_like(v) for k, v in p.items()}
    carried = np.zeros((H, 1))
    for t in reversed(range(len(xs))):
        dy = y[t] - ts[t]
        g["O"] += dy @ h[t].T
        g["d"] += dy
        dh = p["O"].T @ dy + carried
        dz = dh * (1 - h[t] ** 2)
        g["U"] += dz @ xs[t].T
        g["R"] += dz @ h[t - 1].T
        g["c"] += dz
        carried = p["R"].T @ dz
    return g


xs = [rng.normal(size=(H, 1)) for _ in range(4)]
ts = [rng.normal(size=(H, 1)) for _ in range(4)]
for step in range(3):
    g = run(xs, ts)
    for k in p:
        p[k] -= 0.05 * g[k]

result = [p[k] for k in sorted(p)]
