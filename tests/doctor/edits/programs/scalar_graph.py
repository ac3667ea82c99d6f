# fmt: off
# ruff: noqa
import math
import random

random.seed(1)


class Value:
    def __init__(self, data, parents=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.push = lambda: None

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other))

        def push():
            self.grad += out.grad
            other.grad += out.grad

        out.push = push
        return out

    def __mul__(self, other):
        out = Value(self.data * other.data, (self, other))

        def push():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.push = push
        return out

    def tanh(self):
        t = math.tanh(self.data)
        out = Value(t, (self,))

        def push():
            self.grad += (1 - t ** 2) * out.grad

        out.push = push
        return out

    def backward(self):
        order, seen = [], set()

        def visit(v):
            if v not in seen:
                seen.add(v)
                for parent in v.parents:
                    visit(parent)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            v.push()


weights = [Value(random.uniform(-1, 1)) for _ in range(3)]
for step in range(3):
    loss = Value(0.0)
    for a, b, want in ((0.5, -0.2, 0.3), (0.1, 0.9, -0.4)):
        s = (weights[0] * Value(a) + weights[1] * Value(b)).tanh()
        miss = s * weights[2] + s + Value(-want)
        loss = loss + miss * miss
    for w in weights:
        w.grad = 0.0
    loss.backward()
    for w in weights:
        w.data -= 0.1 * w.grad

result = [[w.data for w in weights]]
