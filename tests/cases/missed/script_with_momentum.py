import numpy as np


def softmax(s):
    e = np.exp(s - s.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


rng = np.random.default_rng(930000)
angle = rng.uniform(0, 2 * np.pi, 240)
radius = rng.uniform(0.4, 1.2, 240)
X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
T = np.eye(3)[(angle // (2 * np.pi / 3)).astype(int)]
X, X_test = X[:160].T, X[160:].T
T, T_test = T[:160].T, T[160:].T
W1 = rng.normal(0, np.sqrt(1 / 2), (12, 2))
b1 = np.zeros((12, 1))
W2 = rng.normal(0, np.sqrt(1 / 12), (3, 12))
b2 = np.zeros((3, 1))
v_W1, v_b1 = np.zeros_like(W1), np.zeros_like(b1)
v_W2, v_b2 = np.zeros_like(W2), np.zeros_like(b2)
rate = 0.9
EPOCHS = 900
n = X.shape[1]
for epoch in range(1, EPOCHS + 1):
    a0, goal, m = X, T, n
    z1 = W1 @ a0 + b1
    a1 = 1 / (1 + np.exp(-z1))
    z2 = W2 @ a1 + b2
    a2 = softmax(z2)
    loss = 0.5 * np.sum((a2 - goal) ** 2) / m
    d2 = a2 * (a2 - goal - np.sum((a2 - goal) * a2, axis=0, keepdims=True)) / m
    dW2 = d2 @ a1.T
    db2 = d2.sum(axis=1, keepdims=True)
    d1 = (W2.T @ d2) * a1 * (1 - a1)
    dW1 = d1 @ a0.T
    db1 = d1.sum(axis=1, keepdims=True)
    v_W1 = 0.9 * v_W1 - rate * dW1
    W1 += v_W1
    v_b1 = 0.9 * v_b1 - rate * db1
    b1 += v_b1
    v_W2 = 0.9 * v_W2 - rate * dW2
    W2 += v_W2
    v_b2 = 0.9 * v_b2 - rate * db2
    b2 += v_b2
    if epoch % (EPOCHS // 5) == 0:
        print("epoch", epoch, "loss", round(float(loss), 5))

a = X
z = W1 @ a + b1
a = 1 / (1 + np.exp(-z))
z = W2 @ a + b2
a = softmax(z)
print("train", round(float(np.mean(a.argmax(axis=0) == T.argmax(axis=0))), 4))
a = X_test
z = W1 @ a + b1
a = 1 / (1 + np.exp(-z))
z = W2 @ a + b2
a = softmax(z)
print("test", round(float(np.mean(a.argmax(axis=0) == T_test.argmax(axis=0))), 4))
