import numpy as np
from sklearn.datasets import load_digits
rng = np.random.default_rng(3)
X, y = load_digits(return_X_y=True); X = X / 16; T = np.eye(10)[y]
sizes = [64, 24, 24, 24, 10]
W1 = rng.normal(0, .2, (64, 24)); W2 = rng.normal(0, .2, (24, 24)); W3 = rng.normal(0, .2, (24, 24)); W4 = rng.normal(0, .2, (24, 10))
m1 = m2 = m3 = m4 = 0.0
v1 = v2 = v3 = v4 = 0.0
t = 0
for ep in range(15):
    order = rng.permutation(1400); total = 0.0
    for k in range(0, 1400, 50):
        x, tt = X[order[k:k + 50]], T[order[k:k + 50]]
        A1 = np.tanh(x @ W1); A2 = np.tanh(A1 @ W2); A3 = np.tanh(A2 @ W3)
        Z = A3 @ W4
        E = np.exp(Z - Z.max(1, keepdims=True)); P = E / E.sum(1, keepdims=True)
        total -= np.log(P[tt > 0]).sum()
        D4 = (P - tt) / 50
        D3 = D4 @ W4.T * (1 - A3 ** 2)
        D2 = D3 @ W3.T * (1 - A2 ** 2)
        D1 = D2 @ W2.T * (1 - A1 ** 2)
        g1, g2, g3, g4 = x.T @ D1, A1.T @ D2, A2.T @ D3, A3.T @ D4
        t += 1
        m1 = .9 * m1 + .1 * g1; v1 = .999 * v1 + .001 * g1 ** 2
        m2 = .9 * m2 + .1 * g2; v2 = .999 * v2 + .001 * g2 ** 2
        m3 = .9 * m3 + .1 * g3; v3 = .999 * v3 + .001 * g3 ** 2
        m4 = .9 * m4 + .1 * g4; v4 = .999 * v4 + .001 * g4 ** 2
        c1, c2 = 1 - .9 ** t, 1 - .999 ** t
        W1 -= .002 * (m1 / c1) / (np.sqrt(v1 / c2) + 1e-8)
        W2 -= .002 * (m2 / c1) / (np.sqrt(v2 / c2) + 1e-8)
        W3 -= .002 * (m3 / c1) / (np.sqrt(v3 / c2) + 1e-8)
        W4 -= .002 * (m4 / c1) / (np.sqrt(v4 / c2) + 1e-8)
    print(f"epoch {ep} loss {total / 1400:.4f}")
H = np.tanh(np.tanh(np.tanh(X[1400:] @ W1) @ W2) @ W3)
print("test accuracy", np.mean((H @ W4).argmax(1) == y[1400:]))
