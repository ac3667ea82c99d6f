# fmt: off
# ruff: noqa
import math, random
random.seed(3)

def matvec(M, v):
    return [sum(m * x for m, x in zip(row, v)) for row in M]

def transpose(M):
    return [list(col) for col in zip(*M)]

def outer(a, b):
    return [[p * q for q in b] for p in a]

def mean_grad(gs):
    return [[sum(g[i][j] for g in gs) / len(gs) for j in range(len(gs[0][0]))] for i in range(len(gs[0]))]

W1 = [[random.gauss(0, 1) for _ in range(3)] for _ in range(3)]
W2 = [[random.gauss(0, 1) for _ in range(3)] for _ in range(3)]
lr = 0.2
X = [[random.random() for _ in range(3)] for _ in range(4)]
Y = [[random.random() for _ in range(3)] for _ in range(4)]
for epoch in range(3):
    g1s, g2s = [], []
    for x, y in zip(X, Y):
        h = [math.tanh(a) for a in matvec(W1, x)]
        o = matvec(W2, h)
        d2 = [a - b for a, b in zip(o, y)]
        back = matvec(transpose(W2), d2)
        d1 = [b * (1 - a * a) for b, a in zip(back, h)]
        g2s.append(outer(d2, h))
        g1s.append(outer(d1, x))
    G1, G2 = mean_grad(g1s), mean_grad(g2s)
    W1 = [[w - lr * g for w, g in zip(wr, gr)] for wr, gr in zip(W1, G1)]
    W2 = [[w - lr * g for w, g in zip(wr, gr)] for wr, gr in zip(W2, G2)]
result = [W1, W2]
