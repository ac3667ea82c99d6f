from math import exp, log
from random import Random

azar = Random(12)


def sigma(v):
    if v < -60:
        return 0.0
    return 1 / (1 + exp(-v))


def vector(n, ancho):
    return [azar.uniform(-ancho, ancho) for _ in range(n)]


def matriz(filas, columnas, ancho):
    return [vector(columnas, ancho) for _ in range(filas)]


def punto(a, b):
    return sum(p * q for p, q in zip(a, b))


oculta = matriz(6, 3, 1.5)      # dos entradas y el sesgo
salida = vector(7, 1.0)


def evaluar(p):
    e = p + [1.0]
    h = [sigma(punto(fila, e)) for fila in oculta] + [1.0]
    return e, h, sigma(punto(salida, h))


def aprender(p, clase, eta):
    e, h, y = evaluar(p)
    d = y - clase
    dh = [d * salida[j] * h[j] * (1 - h[j]) for j in range(len(oculta))]
    for j in range(len(salida)):
        salida[j] -= eta * d * h[j]
    for j, fila in enumerate(oculta):
        for i in range(len(fila)):
            fila[i] -= eta * dh[j] * e[i]
    return -log(max(1e-12, y if clase else 1 - y))


def datos(n):
    lista = []
    for _ in range(n):
        x, y = azar.uniform(-1, 1), azar.uniform(-1, 1)
        lista.append(([x, y], 1 if x * y > 0 else 0))
    return lista


entreno, prueba = datos(200), datos(200)
for epoca in range(1, 151):
    azar.shuffle(entreno)
    perdida = sum(aprender(p, c, 0.4) for p, c in entreno) / len(entreno)
    if epoca % 30 == 0:
        print("época", epoca, "pérdida", round(perdida, 4))
print("aciertos en prueba:", sum((evaluar(p)[2] > 0.5) == (c == 1) for p, c in prueba) / 200)
