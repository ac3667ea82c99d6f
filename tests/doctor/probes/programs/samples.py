import numpy as np

rng = np.random.default_rng(5)


def blobs(n):
    y = rng.integers(0, 3, n)
    centres = np.array([[2.0, 0.0], [-1.5, 1.5], [-1.0, -2.0]])
    return centres[y] + rng.normal(0, 0.5, (n, 2)), y


class Net:
    def __init__(self, sizes):
        self.w = [rng.normal(0, 0.6, (b, a)) for a, b in ((sizes[0], sizes[1]), (sizes[1], sizes[2]))]
        self.b = [np.zeros((n, 1)) for n in sizes[1:]]
        self.a = [np.zeros((n, 1)) for n in sizes]

    def forward(self, point):
        self.a[0] = point
        for i in range(len(self.w)):
            self.a[i + 1] = 1 / (1 + np.exp(-(self.w[i] @ self.a[i] + self.b[i])))

    def learn(self, target, rate):
        delta = (self.a[2] - target) * self.a[2] * (1 - self.a[2])
        below = self.w[1].T @ delta * self.a[1] * (1 - self.a[1])
        self.w[1] -= rate * (delta @ self.a[1].T)
        self.b[1] -= rate * delta
        self.w[0] -= rate * (below @ self.a[0].T)
        self.b[0] -= rate * below

    def test(self, samples):
        right = 0
        for point, target in samples:
            self.forward(point)
            if np.argmax(self.a[-1]) == np.argmax(target):
                right += 1
        return right / len(samples)


x, y = blobs(160)
samples = [(p.reshape(2, 1), np.eye(3)[c].reshape(3, 1)) for p, c in zip(x, y, strict=True)]
net = Net([2, 6, 3])
for _ in range(12):
    for point, target in samples[:120]:
        net.forward(point)
        net.learn(target, 1.0)
print("accuracy", net.test(samples[:120]))
print("new accuracy", net.test(samples[120:]))
