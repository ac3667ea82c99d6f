# fmt: off
# ruff: noqa
import numpy as np
rng = np.random.RandomState(3)
V, D, C = 6, 4, 6
table = rng.randn(V, D)
proj = rng.randn(D, C)
bias = np.zeros(C)
docs = np.array([[0, 1, 1], [2, 3, 0], [4, 4, 5]])
labels = np.array([1, 0, 2])

def softmax(s):
    s = np.exp(s - np.max(s, axis=1, keepdims=True))
    return s / np.sum(s, axis=1, keepdims=True)

def loss_grad(docs, labels):
    emb = table[docs].mean(axis=1)
    act = np.tanh(emb)
    probs = softmax(act.dot(proj) + bias)
    probs[range(len(labels)), labels] -= 1
    probs /= len(labels)
    d_proj = np.dot(act.T, probs)
    d_bias = np.sum(probs, axis=0)
    d_act = np.dot(probs, proj.T)
    d_emb = d_act * (1 - np.square(act))
    d_table = np.zeros_like(table)
    np.add.at(d_table, docs, d_emb[:, None, :] / docs.shape[1])
    return d_table, d_proj, d_bias

lr = 0.5
for it in range(4):
    d_table, d_proj, d_bias = loss_grad(docs, labels)
    table -= lr * d_table
    proj -= lr * d_proj
    bias -= lr * d_bias
result = [table, proj, bias]
