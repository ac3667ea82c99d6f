import numpy as np

rng = np.random.default_rng(960030)
eingabe = rng.uniform(-1, 1, (240, 2))
soll = (np.sum(eingabe ** 2, axis=1, keepdims=True) < 0.6).astype(float)
eingabe, eingabe_test = eingabe[:160], eingabe[160:]
soll, soll_test = soll[:160], soll[160:]
soll, soll_test = soll[:, 0], soll_test[:, 0]
gewicht = rng.normal(0, 1, (10, 2))
schwelle = rng.normal(0, 0.5, 10)
top = rng.normal(0, 0.4, 10)
offset = np.zeros(1)
m_top, m_gewicht = np.zeros(10), np.zeros((10, 2))


def vorwaerts(x):
    aktiv = [np.where((x @ gewicht[j] + schwelle[j]) > 0, (x @ gewicht[j] + schwelle[j]), 0.1 * (x @ gewicht[j] + schwelle[j])) for j in range(10)]
    total = offset[0]
    for j in range(10):
        total = total + top[j] * aktiv[j]
    return aktiv, 1 / (1 + np.exp(-total))


for epoche in range(150):
    for zeilen in np.array_split(rng.permutation(160), 8):
        x, goal = eingabe[zeilen], soll[zeilen]
        aktiv, antwort = vorwaerts(x)
        miss = antwort - goal
        fehler = -np.mean(goal * np.log(antwort + 1e-12) + (1 - goal) * np.log(1 - antwort + 1e-12))
        g_top = [np.mean(miss * aktiv[j]) for j in range(10)]
        for j in range(10):
            back = miss * top[j]
            delta = back * np.where(aktiv[j] > 0, 1.0, 0.1)
            g_gewicht = np.array([np.mean(delta * x[:, i]) for i in range(2)])
            schwelle[j] -= 0.06 * np.mean(delta)
            m_gewicht[j] = 0.9 * m_gewicht[j] - 0.06 * g_gewicht
            gewicht[j] += m_gewicht[j]
            m_top[j] = 0.9 * m_top[j] - 0.06 * g_top[j]
            top[j] += m_top[j]
        offset[0] -= 0.06 * np.mean(miss)
    if epoche % 30 == 0:
        print("epoche", epoche, "fehler", round(float(fehler), 5))

print("train", round(float(np.mean((vorwaerts(eingabe)[1] > 0.5) == (soll > 0.5))), 4))
print("test", round(float(np.mean((vorwaerts(eingabe_test)[1] > 0.5) == (soll_test > 0.5))), 4))
