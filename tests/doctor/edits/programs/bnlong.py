# fmt: off
# ruff: noqa
import numpy as np
rng = np.random.default_rng(0)

def affine_forward(x, w, b):
    return x.dot(w) + b, (x, w, b)

def affine_backward(dout, cache):
    x, w, b = cache
    dx = dout.dot(w.T)
    dw = x.T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db

def relu_forward(x):
    return np.maximum(0, x), x

def relu_backward(dout, cache):
    x = cache
    dx = dout * (x > 0)
    return dx

def bn_forward(x, gamma, beta, eps=1e-5):
    mu = np.mean(x, axis=0)
    var = np.var(x, axis=0)
    xhat = (x - mu) / np.sqrt(var + eps)
    return gamma * xhat + beta, (x, xhat, mu, var, gamma, eps)

def bn_backward(dout, cache):
    x, xhat, mu, var, gamma, eps = cache
    N = x.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    dvar = np.sum(dxhat * (x - mu), axis=0) * -0.5 * (var + eps) ** -1.5
    dmu = np.sum(-dxhat / np.sqrt(var + eps), axis=0) + dvar * np.mean(-2 * (x - mu), axis=0)
    dx = dxhat / np.sqrt(var + eps) + dvar * 2 * (x - mu) / N + dmu / N
    return dx, dgamma, dbeta

def svm_loss(scores, y):
    N = scores.shape[0]
    correct = scores[np.arange(N), y]
    margins = np.maximum(0, scores - correct[:, None] + 1.0)
    margins[np.arange(N), y] = 0
    dx = (margins > 0).astype(float)
    dx[np.arange(N), y] -= np.sum(margins > 0, axis=1)
    return dx / N

x = rng.normal(size=(5, 5))
y = rng.integers(0, 5, 5)
P = {'w1': rng.normal(size=(5, 5)), 'b1': np.zeros(5), 'gamma': np.ones(5), 'beta': np.zeros(5), 'w2': rng.normal(size=(5, 5)), 'b2': np.zeros(5)}
vel = {k: np.zeros_like(v) for k, v in P.items()}
for it in range(3):
    a, c1 = affine_forward(x, P['w1'], P['b1'])
    bnout, c2 = bn_forward(a, P['gamma'], P['beta'])
    h, c3 = relu_forward(bnout)
    s, c4 = affine_forward(h, P['w2'], P['b2'])
    ds = svm_loss(s, y)
    G = {}
    dh, G['w2'], G['b2'] = affine_backward(ds, c4)
    dbn = relu_backward(dh, c3)
    da, G['gamma'], G['beta'] = bn_backward(dbn, c2)
    _, G['w1'], G['b1'] = affine_backward(da, c1)
    for k in P:
        prev = vel[k]
        vel[k] = 0.9 * vel[k] - 0.05 * G[k]
        P[k] += -0.9 * prev + (1 + 0.9) * vel[k]
result = [P[k] for k in sorted(P)]
