"""A line through points: two single numbers in plain Python, trained point by point until the validation error stands."""
import random
random.seed(5)
data = [(x / 20, 3 * x / 20 - 1 + random.gauss(0, 0.1)) for x in range(-20, 21)]
random.shuffle(data)
train, valid = data[:30], data[30:]
w, b, best, wait = 0.0, 0.0, 1e9, 0
epoch = 0
while wait < 5 and epoch < 500:
    epoch += 1
    rate = 0.1 / (1 + 0.01 * epoch)
    random.shuffle(train)
    for x, t in train:
        e = w * x + b - t
        w -= rate * e * x
        b -= rate * e
    v = sum((w * x + b - t) ** 2 for x, t in valid) / len(valid)
    if v < best - 1e-6:
        best, wait = v, 0
    else:
        wait += 1
print("epochs", epoch, "validation error", best, "w", w, "b", b)
