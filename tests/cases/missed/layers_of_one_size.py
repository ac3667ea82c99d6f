import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

rng = np.random.default_rng(55)
X, y = load_digits(return_X_y=True)
Xtr, Xte, ytr, yte = train_test_split(X / 16, y, test_size=300, random_state=55)
Ttr = np.eye(10)[ytr]

n = 20
W1 = rng.normal(0, np.sqrt(2 / 64), (64, n)); b1 = np.zeros(n)
W2 = rng.normal(0, np.sqrt(2 / n), (n, n)); b2 = np.zeros(n)
W3 = rng.normal(0, np.sqrt(2 / n), (n, n)); b3 = np.zeros(n)
W4 = rng.normal(0, np.sqrt(2 / n), (n, 10)); b4 = np.zeros(10)


def leaky(z):
    return np.where(z > 0, z, 0.1 * z)


def d_leaky(z):
    return np.where(z > 0, 1.0, 0.1)


def netz(x):
    Z1 = x @ W1 + b1; A1 = leaky(Z1)
    Z2 = A1 @ W2 + b2; A2 = leaky(Z2)
    Z3 = A2 @ W3 + b3; A3 = leaky(Z3)
    Z4 = A3 @ W4 + b4
    E = np.exp(Z4 - Z4.max(axis=1, keepdims=True))
    return Z1, A1, Z2, A2, Z3, A3, E / E.sum(axis=1, keepdims=True)


rate = 0.15
for epoche in range(20):
    folge = rng.permutation(len(Xtr))
    verlust = 0
    for k in range(0, len(folge), 50):
        x, t = Xtr[folge[k:k + 50]], Ttr[folge[k:k + 50]]
        Z1, A1, Z2, A2, Z3, A3, P = netz(x)
        verlust -= np.sum(np.log(P[t > 0]))
        D4 = (P - t) / len(x)
        D3 = D4 @ W4.T * d_leaky(Z3)
        D2 = D3 @ W3.T * d_leaky(Z2)
        D1 = D2 @ W2.T * d_leaky(Z1)
        dW4, db4 = A3.T @ D4, D4.sum(axis=0)
        dW3, db3 = A2.T @ D3, D3.sum(axis=0)
        dW2, db2 = A1.T @ D2, D2.sum(axis=0)
        dW1, db1 = x.T @ D1, D1.sum(axis=0)
        W4 -= rate * dW4; b4 -= rate * db4
        W3 -= rate * dW3; b3 -= rate * db3
        W2 -= rate * dW2; b2 -= rate * db2
        W1 -= rate * dW1; b1 -= rate * db1
    if epoche % 4 == 3:
        print(f"Epoche {epoche + 1}: Verlust {verlust / len(Xtr):.4f}")
print("Training", np.mean(netz(Xtr)[-1].argmax(1) == ytr).round(3), " Test", np.mean(netz(Xte)[-1].argmax(1) == yte).round(3))
