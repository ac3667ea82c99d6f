import math
import random

random.seed(1046067)
N_IN, N_HID, N_OUT = 2, 8, 1
learning_rate = 0.04


def samples(count):
    output = []
    for _ in range(count):
        x = [random.uniform(-1, 1) for i in range(N_IN)]
        output.append((x, [math.sin(2 * sum(x))]))
    return output


weights1 = [[random.gauss(0, 1) for i in range(N_IN)] for j in range(N_HID)]
biases1 = [random.gauss(0, 0.3) for j in range(N_HID)]
weights2 = [[random.gauss(0, 0.4) for j in range(N_HID)] for k in range(N_OUT)]
biases2 = [0.0] * N_OUT
m_weights1 = [[0.0] * N_IN for j in range(N_HID)]
m_weights2 = [[0.0] * N_HID for k in range(N_OUT)]


def feed_forward(x):
    activation = []
    for j in range(N_HID):
        total = biases1[j]
        for i in range(N_IN):
            total += weights1[j][i] * x[i]
        activation.append(1 / (1 + math.exp(-total)))
    output = []
    for k in range(N_OUT):
        total = biases2[k]
        for j in range(N_HID):
            total += weights2[k][j] * activation[j]
        output.append(total)
    return activation, output


def fit_one(x, goal):
    activation, output = feed_forward(x)
    cost = 0.5 * sum((o - g) ** 2 for g, o in zip(goal, output))
    delta2 = [0.0] * N_OUT
    for k in range(N_OUT):
        delta2[k] = (output[k] - goal[k])
    delta1 = [0.0] * N_HID
    for j in range(N_HID):
        total = 0.0
        for k in range(N_OUT):
            total += delta2[k] * weights2[k][j]
        delta1[j] = total * activation[j] * (1 - activation[j])
    for k in range(N_OUT):
        for j in range(N_HID):
            m_weights2[k][j] = 0.9 * m_weights2[k][j] - learning_rate * delta2[k] * activation[j]
            weights2[k][j] += m_weights2[k][j]
        biases2[k] -= learning_rate * delta2[k]
    for j in range(N_HID):
        for i in range(N_IN):
            m_weights1[j][i] = 0.9 * m_weights1[j][i] - learning_rate * delta1[j] * x[i]
            weights1[j][i] += m_weights1[j][i]
        biases1[j] -= learning_rate * delta1[j]
    return cost


learn, check = samples(160), samples(80)
for epoch in range(1, 101):
    random.shuffle(learn)
    cost = sum(fit_one(x, goal) for x, goal in learn) / len(learn)
    if epoch % 20 == 0:
        print("epoch", epoch, "cost", round(cost, 5))
rest = sum((o - g) ** 2 for x, goal in learn for o, g in zip(feed_forward(x)[1], goal))
mean = sum(sum(goal) for x, goal in learn) / len(learn) / N_OUT
print("learn", round(1 - rest / sum((g - mean) ** 2 for x, goal in learn for g in goal), 4))
rest = sum((o - g) ** 2 for x, goal in check for o, g in zip(feed_forward(x)[1], goal))
mean = sum(sum(goal) for x, goal in check) / len(check) / N_OUT
print("check", round(1 - rest / sum((g - mean) ** 2 for x, goal in check for g in goal), 4))
