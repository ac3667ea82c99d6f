import numpy as np
from sklearn.datasets import load_digits

azar = np.random.RandomState(7)


class Red:
    """Perceptrón multicapa: capas sigmoides, error cuadrático, una imagen por vez."""

    def __init__(self, tamanos, tasa=0.5):
        self.tasa = tasa
        self.pesos = [azar.normal(0, n ** -0.5, (m, n)) for n, m in zip(tamanos, tamanos[1:])]
        self.sesgos = [np.zeros(m) for m in tamanos[1:]]
        self.act = [np.zeros(n) for n in tamanos]

    def propagar(self, x):
        self.act[0] = x
        for c in range(len(self.pesos)):
            z = self.pesos[c] @ self.act[c] + self.sesgos[c]
            self.act[c + 1] = 1 / (1 + np.exp(-z))
        return self.act[-1]

    def retropropagar(self, objetivo):
        salida = self.act[-1]
        error = (salida - objetivo) * salida * (1 - salida)
        for c in reversed(range(len(self.pesos))):
            anterior = self.act[c]
            siguiente_error = (self.pesos[c].T @ error) * anterior * (1 - anterior)
            self.pesos[c] -= self.tasa * np.outer(error, anterior)
            self.sesgos[c] -= self.tasa * error
            error = siguiente_error

    def entrenar(self, imagenes, objetivos):
        for i in azar.permutation(len(imagenes)):
            self.propagar(imagenes[i])
            self.retropropagar(objetivos[i])

    def evaluar(self, imagenes, objetivos):
        aciertos, coste = 0, 0.0
        for x, t in zip(imagenes, objetivos):
            s = self.propagar(x)
            aciertos += s.argmax() == t.argmax()
            coste += 0.5 * ((s - t) ** 2).sum()
        return aciertos / len(imagenes), coste / len(imagenes)


cifras = load_digits()
orden = azar.permutation(len(cifras.target))
X = cifras.data[orden] / 16
T = np.eye(10)[cifras.target[orden]]
red = Red([64, 20, 10])
for epoca in range(1, 16):
    red.entrenar(X[:1300], T[:1300])
    if epoca % 3 == 0:
        acierto, coste = red.evaluar(X[:1300], T[:1300])
        print(f"época {epoca:2d}  coste {coste:.4f}  acierto {acierto:.3f}")
print("acierto en prueba: %.3f" % red.evaluar(X[1300:], T[1300:])[0])
