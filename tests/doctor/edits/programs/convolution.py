# fmt: off
# ruff: noqa
import numpy as np

rng = np.random.default_rng(8)
K = 2
x = rng.normal(size=(3, 5, 5))
t = rng.normal(size=(3, 4, 4))
kernel = rng.normal(size=(K, K))
second = rng.normal(size=(4, 4))


def forward(x, kernel):
    out = np.zeros((len(x), 4, 4))
    for i in range(4):
        for j in range(4):
            out[:, i, j] = np.sum(x[:, i:i + K, j:j + K] * kernel, axis=(1, 2))
    return out


def backward(x, kernel, grad):
    d_kernel = np.zeros_like(kernel)
    d_x = np.zeros_like(x)
    for i in range(4):
        for j in range(4):
            d_kernel += np.einsum("n,nab->ab", grad[:, i, j], x[:, i:i + K, j:j + K])
            d_x[:, i:i + K, j:j + K] += grad[:, i, j][:, None, None] * kernel
    return d_kernel, d_x


for step in range(3):
    z = forward(x, kernel)
    y = np.tanh(z) * second
    grad = (y - t) / len(x)
    d_second = np.sum(grad * np.tanh(z), axis=0)
    d_z = grad * second * (1 - np.tanh(z) ** 2)
    d_kernel, d_x = backward(x, kernel, d_z)
    kernel -= 0.1 * d_kernel
    second -= 0.1 * d_second
    x -= 0.01 * d_x

result = [kernel, second, x]
