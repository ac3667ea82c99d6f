import numpy as np
from sklearn.datasets import load_diabetes


def build(n_in, n_hid, lam, seed):
    r = np.random.RandomState(seed)
    W = [r.uniform(-1, 1, (n_in, n_hid)) / np.sqrt(n_in), r.uniform(-1, 1, (n_hid, 1)) / np.sqrt(n_hid)]
    c = [np.zeros(n_hid), np.zeros(1)]

    def forward(x):
        hid = np.tanh(x @ W[0] + c[0])
        return hid, hid @ W[1] + c[1]

    def loss(x, t):
        data = 0.5 * np.mean((forward(x)[1] - t) ** 2)
        return data + 0.5 * lam * sum(np.sum(w * w) for w in W)

    def learn(x, t, rate):
        hid, out = forward(x)
        d1 = (out - t) / len(x)
        d0 = d1 @ W[1].T * (1 - hid ** 2)
        gW = [x.T @ d0 + lam * W[0], hid.T @ d1 + lam * W[1]]
        gc = [d0.sum(0), d1.sum(0)]
        for k in (0, 1):
            W[k] -= rate * gW[k]
            c[k] -= rate * gc[k]

    def explained(x, t):
        return 1 - np.sum((forward(x)[1] - t) ** 2) / np.sum((t - t.mean()) ** 2)

    return learn, loss, explained


x, t = load_diabetes(return_X_y=True)
mix = np.random.RandomState(2).permutation(len(x))
x, t = x[mix] / x.std(axis=0), t[mix, None]
t = (t - t[:320].mean()) / t[:320].std()
learn, loss, explained = build(10, 8, lam=0.02, seed=5)
shuffle = np.random.RandomState(6)
for epoch in range(1, 201):
    rows = shuffle.permutation(320)
    for k in range(0, 320, 32):
        learn(x[rows[k:k + 32]], t[rows[k:k + 32]], 0.1)
    if epoch % 40 == 0:
        print("epoch", epoch, "loss", round(loss(x[:320], t[:320]), 4))
print("R2 train %.3f test %.3f" % (explained(x[:320], t[:320]), explained(x[320:], t[320:])))
