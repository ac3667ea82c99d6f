import numpy as np
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

rs = np.random.RandomState(48)
X, y = make_classification(n_samples=2000, n_features=8, n_informative=5, n_redundant=0, weights=[0.89], class_sep=2.0, n_clusters_per_class=1,
                           flip_y=0.0, random_state=48)
X_a, X_c, y_a, y_c = train_test_split(X, y, test_size=300, stratify=y, random_state=1)
X_a, X_b, y_a, y_b = train_test_split(X_a, y_a, test_size=300, stratify=y_a, random_state=2)
RARE = 6.0


def start():
    return [rs.randn(8, 14) * 0.35, np.zeros(14), rs.randn(14) * 0.25, 0.0]


def probability(net, x):
    h = np.tanh(x @ net[0] + net[1])
    return h, 1 / (1 + np.exp(-(h @ net[2] + net[3])))


def weights_of(t):
    return np.where(t == 1, RARE, 1.0)


def loss(net, x, t):
    p = np.clip(probability(net, x)[1], 1e-10, 1 - 1e-10)
    return np.mean(weights_of(t) * -(t * np.log(p) + (1 - t) * np.log(1 - p)))


def slopes(net, x, t):
    h, p = probability(net, x)
    d = weights_of(t) * (p - t) / len(t)
    dh = np.outer(d, net[2]) * (1 - h ** 2)
    return [x.T @ dh, dh.sum(axis=0), h.T @ d, d.sum()]


def balanced(net, x, t):
    guess = probability(net, x)[1] > 0.5
    return 0.5 * (np.mean(guess[t == 1]) + np.mean(~guess[t == 0]))


net = start()
best, best_net, patience = np.inf, None, 0
for epoch in range(1, 301):
    for rows in np.array_split(rs.permutation(len(y_a)), 18):
        net = [w - 0.2 * g for w, g in zip(net, slopes(net, X_a[rows], y_a[rows]))]
    now = loss(net, X_b, y_b)
    patience += 1
    if now < best:
        best, best_net, patience = now, list(net), 0
    if epoch % 20 == 0:
        print("epoch", epoch, "train %.4f validation %.4f" % (loss(net, X_a, y_a), now))
    if patience == 25:
        break
print("best validation loss %.4f, balanced accuracy on test %.3f" % (best, balanced(best_net, X_c, y_c)))
