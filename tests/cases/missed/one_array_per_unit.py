import numpy as np

rng = np.random.default_rng(930006)
nivesh = rng.uniform(-1, 1, (240, 1))
lakshya = np.sin(2 * nivesh.sum(axis=1, keepdims=True))
nivesh, nivesh_test = nivesh[:160], nivesh[160:]
lakshya, lakshya_test = lakshya[:160], lakshya[160:]
lakshya, lakshya_test = lakshya[:, 0], lakshya_test[:, 0]
bhaar = rng.normal(0, 1, (10, 1))
jhukaav = rng.normal(0, 0.5, 10)
top = rng.normal(0, 0.4, 10)
offset = np.zeros(1)


def aage(x):
    sakriya = [np.where((x @ bhaar[j] + jhukaav[j]) > 0, (x @ bhaar[j] + jhukaav[j]), 0.1 * (x @ bhaar[j] + jhukaav[j])) for j in range(10)]
    total = offset[0]
    for j in range(10):
        total = total + top[j] * sakriya[j]
    return sakriya, total


for chakkar in range(150):
    for kataar in np.array_split(rng.permutation(160), 4):
        x, goal = nivesh[kataar], lakshya[kataar]
        sakriya, uttar = aage(x)
        miss = uttar - goal
        haani = 0.5 * np.mean(miss ** 2)
        g_top = [np.mean(miss * sakriya[j]) for j in range(10)]
        for j in range(10):
            back = miss * top[j]
            antar = back * np.where(sakriya[j] > 0, 1.0, 0.1)
            g_bhaar = np.array([np.mean(antar * x[:, i]) for i in range(1)])
            jhukaav[j] -= 0.125 * np.mean(antar)
            bhaar[j] -= 0.125 * g_bhaar
            top[j] -= 0.125 * g_top[j]
        offset[0] -= 0.125 * np.mean(miss)
    if chakkar % 30 == 0:
        print("chakkar", chakkar, "haani", round(float(haani), 5))

print("train", round(float(1 - np.sum((aage(nivesh)[1] - lakshya) ** 2) / np.sum((lakshya - lakshya.mean()) ** 2)), 4))
print("test", round(float(1 - np.sum((aage(nivesh_test)[1] - lakshya_test) ** 2) / np.sum((lakshya_test - lakshya_test.mean()) ** 2)), 4))
