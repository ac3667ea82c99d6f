# fmt: off
# ruff: noqa
import numpy as np

rng = np.random.default_rng(10)
x = rng.normal(size=(5, 3))
t = rng.normal(size=(5, 3))
w = [rng.normal(size=(3, 3)) for _ in range(3)]
speed = [np.zeros((3, 3)) for _ in range(3)]
acts = [np.empty((5, 3)) for _ in range(3)]
history = []
best = None

for step in range(3):
    below = x
    for i in range(3):
        np.matmul(below, w[i], out=acts[i])
        acts[i] += 0.1
        below = np.tanh(acts[i])
        acts[i][...] = below
    history.append(acts[2].copy())
    delta = (acts[2] - t) * (1 - acts[2] ** 2)
    for i in (2, 1, 0):
        source = acts[i - 1].copy() if i else x
        gradient = source.T @ delta
        delta = delta @ w[i].T * (1 - source ** 2)
        speed[i] *= 0.9
        speed[i] += gradient
        w[i] -= 0.02 * speed[i]
    if step == 1:
        best = [m.copy() for m in w]

result = [*w, *best, *history]
