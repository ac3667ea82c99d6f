import numpy as np


def kriya(z):
    return 1 / (1 + np.exp(-z))


def kriya_dhaal(z):
    a = 1 / (1 + np.exp(-z))
    return a * (1 - a)


def aage(nivesh, params):
    cache = {"sakriya0": nivesh}
    cache["yog1"] = params["bhaar1"] @ cache["sakriya0"] + params["jhukaav1"]
    cache["sakriya1"] = kriya(cache["yog1"])
    cache["yog2"] = params["bhaar2"] @ cache["sakriya1"] + params["jhukaav2"]
    cache["sakriya2"] = 1 / (1 + np.exp(-(cache["yog2"])))
    return cache["sakriya2"], cache


def peeche(lakshya, params, cache):
    m = lakshya.shape[1]
    grads = {}
    antar = (cache["sakriya2"] - lakshya) * cache["sakriya2"] * (1 - cache["sakriya2"])
    grads["bhaar2"] = antar @ cache["sakriya1"].T / m
    grads["jhukaav2"] = antar.sum(axis=1, keepdims=True) / m
    antar = (params["bhaar2"].T @ antar) * kriya_dhaal(cache["yog1"])
    grads["bhaar1"] = antar @ cache["sakriya0"].T / m
    grads["jhukaav1"] = antar.sum(axis=1, keepdims=True) / m
    return grads


def sudhaar(params, grads, state, dar):
    state["t"] = state.get("t", 0) + 1
    for key in params:
        m, u = state.get(key, (0.0, 0.0))
        m = 0.9 * m + 0.1 * grads[key]
        u = 0.999 * u + 0.001 * grads[key] ** 2
        state[key] = (m, u)
        m_hat = m / (1 - 0.9 ** state["t"])
        u_hat = u / (1 - 0.999 ** state["t"])
        params[key] -= dar * m_hat / (np.sqrt(u_hat) + 1e-8)


rng = np.random.RandomState(930002)
nivesh = rng.uniform(-1, 1, (240, 2))
lakshya = (np.sum(nivesh ** 2, axis=1, keepdims=True) < 0.6).astype(float)
nivesh, nivesh_test = nivesh[:160].T, nivesh[160:].T
lakshya, lakshya_test = lakshya[:160].T, lakshya[160:].T
params = {}
params["bhaar1"] = rng.normal(0, np.sqrt(1 / 2), (8, 2))
params["jhukaav1"] = np.zeros((8, 1))
params["bhaar2"] = rng.normal(0, np.sqrt(1 / 8), (1, 8))
params["jhukaav2"] = np.zeros((1, 1))
state = {}
for chakkar in range(1, 101):
    kram = rng.permutation(nivesh.shape[1])
    sum_of_losses = 0.0
    for kataar in np.array_split(kram, nivesh.shape[1] // 8):
        part, goal = nivesh[:, kataar], lakshya[:, kataar]
        uttar, cache = aage(part, params)
        haani = 0.5 * np.sum((uttar - goal) ** 2) / part.shape[1]
        grads = peeche(goal, params, cache)
        sudhaar(params, grads, state, 0.02)
        sum_of_losses += haani * len(kataar)
    if chakkar % 20 == 0:
        print("chakkar", chakkar, "haani", round(float(sum_of_losses / nivesh.shape[1]), 5))
print("train", round(float(np.mean((aage(nivesh, params)[0] > 0.5) == (lakshya > 0.5))), 4))
print("test", round(float(np.mean((aage(nivesh_test, params)[0] > 0.5) == (lakshya_test > 0.5))), 4))
