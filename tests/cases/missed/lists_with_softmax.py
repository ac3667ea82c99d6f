import numpy as np


def softmax(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def activar(v):
    return np.maximum(v, 0)


def derivada(v):
    return (v > 0)


class Red:
    def __init__(self, sizes, tasa):
        self.tasa = tasa
        self.peso = [rng.normal(0, np.sqrt(2 / a), (a, b)) for a, b in zip(sizes, sizes[1:])]
        self.sesgo = [np.zeros((1, b)) for b in sizes[1:]]

    def propagar(self, x):
        self.suma = []
        self.activa = [x]
        for k in range(len(self.peso)):
            suma = self.activa[k] @ self.peso[k] + self.sesgo[k]
            self.suma.append(suma)
            if k < len(self.peso) - 1:
                self.activa.append(activar(suma))
            else:
                self.activa.append(softmax(suma))
        return self.activa[-1]

    def retropropagar(self, goal):
        m = len(goal)
        salida = self.activa[-1]
        grad_w = [None] * len(self.peso)
        grad_b = [None] * len(self.sesgo)
        error_ = salida * (salida - goal - np.sum((salida - goal) * salida, axis=1, keepdims=True))
        for k in range(len(self.peso) - 1, -1, -1):
            grad_w[k] = self.activa[k].T @ error_ / m + 0.001 * self.peso[k]
            grad_b[k] = error_.sum(axis=0, keepdims=True) / m
            if k > 0:
                error_ = error_ @ self.peso[k].T * derivada(self.activa[k])
        return grad_w, grad_b

    def ajustar(self, grad_w, grad_b):
        for k in range(len(self.peso)):
            self.peso[k] -= self.tasa * grad_w[k]
            self.sesgo[k] -= self.tasa * grad_b[k]

    def entrenar(self, entrada, meta, EPOCAS, LOTE):
        for epoca in range(EPOCAS):
            orden = rng.permutation(len(entrada))
            costo = 0.0
            for start in range(0, len(entrada), LOTE):
                filas = orden[start:start + LOTE]
                goal = meta[filas]
                salida = self.propagar(entrada[filas])
                value = 0.5 * np.sum((salida - goal) ** 2) / len(filas) + 0.5 * 0.001 * sum(np.sum(w ** 2) for w in self.peso)
                costo += value * len(filas) / len(entrada)
                grad_w, grad_b = self.retropropagar(goal)
                self.ajustar(grad_w, grad_b)
            if epoca % 24 == 23:
                print("epoca", epoca + 1, "costo", round(float(costo), 5))


rng = np.random.RandomState(930001)
angle = rng.uniform(0, 2 * np.pi, 240)
radius = rng.uniform(0.4, 1.2, 240)
entrada = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
meta = np.eye(3)[(angle // (2 * np.pi / 3)).astype(int)]
entrada, entrada_test = entrada[:160], entrada[160:]
meta, meta_test = meta[:160], meta[160:]
net = Red([2, 14, 3], 0.6)
net.entrenar(entrada, meta, 120, 20)
print("train", round(float(np.mean(net.propagar(entrada).argmax(axis=1) == meta.argmax(axis=1))), 4))
print("test", round(float(np.mean(net.propagar(entrada_test).argmax(axis=1) == meta_test.argmax(axis=1))), 4))
