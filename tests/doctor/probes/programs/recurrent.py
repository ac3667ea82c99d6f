import numpy as np

rng = np.random.default_rng(4)
STEPS, HIDDEN = 6, 8
wx = rng.normal(0, 0.5, (HIDDEN, 1))
wh = rng.normal(0, 0.3, (HIDDEN, HIDDEN))
wo = rng.normal(0, 0.5, (1, HIDDEN))
loss_sum = 0.0
for step in range(1, 601):
    signal = rng.integers(0, 2, STEPS).astype(float)
    h = [np.zeros(HIDDEN)]
    outputs = []
    for t in range(STEPS):
        h.append(np.tanh(wx[:, 0] * signal[t] + wh @ h[-1]))
        outputs.append(1 / (1 + np.exp(-(wo @ h[-1])[0])))
    wanted = np.concatenate([[0.0], signal[:-1]])
    gx, gh, go = np.zeros_like(wx), np.zeros_like(wh), np.zeros_like(wo)
    later = np.zeros(HIDDEN)
    for t in reversed(range(STEPS)):
        d = outputs[t] - wanted[t]
        go += d * h[t + 1][None, :]
        inside = (wo[0] * d + later) * (1 - h[t + 1] ** 2)
        gx[:, 0] += inside * signal[t]
        gh += np.outer(inside, h[t])
        later = wh.T @ inside
    for weight, gradient in ((wx, gx), (wh, gh), (wo, go)):
        weight -= 0.05 * gradient
    loss_sum += np.mean([(o - w) ** 2 for o, w in zip(outputs, wanted, strict=True)])
    if step % 200 == 0:
        print("step", step, "squared error", loss_sum / 200)
        loss_sum = 0.0
