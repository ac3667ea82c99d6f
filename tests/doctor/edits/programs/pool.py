# fmt: off
# ruff: noqa
import numpy as np
rng = np.random.RandomState(5)
img = rng.randn(2, 6, 6)
filt = rng.randn(3, 3, 3)
fc = rng.randn(12, 4)
t = np.eye(4)[[1, 3]]
for it in range(2):
    conv = np.zeros((2, 3, 4, 4))
    for n in range(2):
        for f in range(3):
            for r in range(4):
                for c in range(4):
                    conv[n, f, r, c] = np.sum(img[n, r:r + 3, c:c + 3] * filt[f])
    relu = np.maximum(conv, 0)
    pooled = np.zeros((2, 3, 2, 2))
    where = np.zeros_like(relu)
    for r in range(2):
        for c in range(2):
            win = relu[:, :, 2 * r:2 * r + 2, 2 * c:2 * c + 2]
            pooled[:, :, r, c] = win.max(axis=(2, 3))
            where[:, :, 2 * r:2 * r + 2, 2 * c:2 * c + 2] = win == pooled[:, :, r, c][:, :, None, None]
    flat = pooled.reshape(2, -1)
    s = flat @ fc
    p = np.exp(s) / np.exp(s).sum(1, keepdims=True)
    ds = (p - t) / 2
    dfc = flat.T @ ds
    dpool = (ds @ fc.T).reshape(2, 3, 2, 2)
    dconv = np.zeros_like(conv)
    for r in range(2):
        for c in range(2):
            dconv[:, :, 2 * r:2 * r + 2, 2 * c:2 * c + 2] = where[:, :, 2 * r:2 * r + 2, 2 * c:2 * c + 2] * dpool[:, :, r, c][:, :, None, None]
    dconv *= conv > 0
    dfilt = np.zeros_like(filt)
    for f in range(3):
        for r in range(4):
            for c in range(4):
                dfilt[f] += (img[:, r:r + 3, c:c + 3] * dconv[:, f, r, c][:, None, None]).sum(0)
    fc -= 0.05 * dfc
    filt -= 0.05 * dfilt
result = [fc, filt]
