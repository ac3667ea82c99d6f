# fmt: off
# ruff: noqa
import math
import random

random.seed(4)
N_IN, N_HID, N_OUT = 3, 3, 3
RATE = 0.4


def sigmoid(v):
    return 1.0 / (1.0 + math.exp(-v))


w_in = [[random.uniform(-1, 1) for _ in range(N_HID)] for _ in range(N_IN)]
w_out = [[random.uniform(-1, 1) for _ in range(N_OUT)] for _ in range(N_HID)]
bias_h = [random.uniform(-1, 1) for _ in range(N_HID)]
bias_o = [random.uniform(-1, 1) for _ in range(N_OUT)]
hid = [0.0] * N_HID
out = [0.0] * N_OUT
d_hid = [0.0] * N_HID
d_out = [0.0] * N_OUT


def forward(x):
    for j in range(N_HID):
        total = bias_h[j]
        for i in range(N_IN):
            total += x[i] * w_in[i][j]
        hid[j] = sigmoid(total)
    for k in range(N_OUT):
        total = bias_o[k]
        for j in range(N_HID):
            total += hid[j] * w_out[j][k]
        out[k] = sigmoid(total)


def backward(x, target):
    for k in range(N_OUT):
        d_out[k] = (out[k] - target[k]) * out[k] * (1 - out[k])
    for j in range(N_HID):
        err = 0.0
        for k in range(N_OUT):
            err += d_out[k] * w_out[j][k]
        d_hid[j] = err * hid[j] * (1 - hid[j])
    for j in range(N_HID):
        for k in range(N_OUT):
            w_out[j][k] -= RATE * d_out[k] * hid[j]
    for k in range(N_OUT):
        bias_o[k] -= RATE * d_out[k]
    for i in range(N_IN):
        for j in range(N_HID):
            w_in[i][j] -= RATE * d_hid[j] * x[i]
    for j in range(N_HID):
        bias_h[j] -= RATE * d_hid[j]


rows = [[random.random() for _ in range(N_IN)] for _ in range(5)]
wanted = [[random.random() for _ in range(N_OUT)] for _ in range(5)]
for epoch in range(2):
    for x, t in zip(rows, wanted):
        forward(x)
        backward(x, t)

result = w_in + w_out + [bias_h, bias_o]
