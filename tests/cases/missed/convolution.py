import numpy as np


def softmax(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


rng = np.random.default_rng(960011)
PATTERNS = np.array([[1.0, 1.0, -1.0, -1.0], [-1.0, 1.0, 1.0, -1.0], [-1.0, -1.0, 1.0, 1.0]]) * 1.5


def signals(n):
    x = 0.2 * rng.normal(size=(n, 20))
    c = rng.permutation(n) % 3
    for i in range(n):
        start = rng.permutation(17)[0]
        x[i, start:start + 4] += PATTERNS[c[i]]
    return x, np.eye(3)[c]


gewicht_c = rng.normal(0, 0.5, (5, 4))
schwelle_c = np.zeros(5)
gewicht_d = rng.normal(0, np.sqrt(2 / 5), (5, 3))
schwelle_d = np.zeros(3)


def vorwaerts(x):
    summe = np.zeros((len(x), 5, 17))
    for i in range(17):
        summe[:, :, i] = x[:, i:i + 4] @ gewicht_c.T + schwelle_c
    aktiv = np.where(summe > 0, summe, 0.1 * summe)
    pooled = aktiv.mean(axis=2)
    return aktiv, pooled, softmax(pooled @ gewicht_d + schwelle_d)


def rueckwaerts(x, aktiv, pooled, antwort, goal):
    delta = (antwort - goal) / len(x)
    g_wd, g_bd = pooled.T @ delta, delta.sum(axis=0)
    down = delta @ gewicht_d.T
    spread = np.ones_like(aktiv) * down[:, :, None] / 17
    delta = spread * np.where(aktiv > 0, 1.0, 0.1)
    g_wc = np.zeros_like(gewicht_c)
    for j in range(4):
        g_wc[:, j] = np.sum(delta * x[:, None, j:j + 17], axis=(0, 2))
    g_bc = delta.sum(axis=(0, 2))
    return [g_wc, g_bc, g_wd, g_bd]


params = [gewicht_c, schwelle_c, gewicht_d, schwelle_d]
eingabe, soll = signals(240)
eingabe_test, soll_test = signals(120)
for epoche in range(1, 101):
    fehler = 0.0
    for zeilen in np.array_split(rng.permutation(240), 12):
        x, goal = eingabe[zeilen], soll[zeilen]
        aktiv, pooled, antwort = vorwaerts(x)
        value = -np.sum(goal * np.log(antwort + 1e-12)) / len(x)
        fehler += value * len(x) / 240
        grads = rueckwaerts(x, aktiv, pooled, antwort, goal)
        for q, g in zip(params, grads):
            q -= 0.8 * g
    if epoche % 20 == 0:
        print("epoche", epoche, "fehler", round(float(fehler), 5))
print("train", np.mean(vorwaerts(eingabe)[2].argmax(axis=1) == soll.argmax(axis=1)).round(4))
print("test", np.mean(vorwaerts(eingabe_test)[2].argmax(axis=1) == soll_test.argmax(axis=1)).round(4))
