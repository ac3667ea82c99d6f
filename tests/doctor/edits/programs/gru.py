# fmt: off
# ruff: noqa
import numpy as np
np.random.seed(0)
n = 3
params = dict(Wz=np.random.randn(n, n), Uz=np.random.randn(n, n), Wh=np.random.randn(n, n), Uh=np.random.randn(n, n), V=np.random.randn(n, n))
sig = lambda a: 1 / (1 + np.exp(-a))

def step(xs, target):
    hs, zs, cs = [np.zeros(n)], [], []
    for x in xs:
        z = sig(params['Wz'] @ x + params['Uz'] @ hs[-1])
        c = np.tanh(params['Wh'] @ x + params['Uh'] @ hs[-1])
        hs.append((1 - z) * hs[-1] + z * c)
        zs.append(z)
        cs.append(c)
    out = params['V'] @ hs[-1]
    err = out - target
    grads = {k: np.zeros_like(v) for k, v in params.items()}
    grads['V'] = np.outer(err, hs[-1])
    dh = params['V'].T @ err
    for t in range(len(xs) - 1, -1, -1):
        dz = dh * (cs[t] - hs[t]) * zs[t] * (1 - zs[t])
        dc = dh * zs[t] * (1 - cs[t] ** 2)
        grads['Wz'] += np.outer(dz, xs[t])
        grads['Uz'] += np.outer(dz, hs[t])
        grads['Wh'] += np.outer(dc, xs[t])
        grads['Uh'] += np.outer(dc, hs[t])
        dh = dh * (1 - zs[t]) + params['Uz'].T @ dz + params['Uh'].T @ dc
    return grads

xs = np.random.randn(4, n)
target = np.random.randn(n)
for it in range(3):
    g = step(xs, target)
    for k in params:
        params[k] -= 0.1 * g[k]
result = [params[k] for k in sorted(params)]
