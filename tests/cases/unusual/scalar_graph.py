"""A regression on a graph of single numbers that differentiates itself; sixty rounds, and it still gains a little."""
import math, random
random.seed(3)
class Value:
    def __init__(self, data, parents=(), back=None):
        self.data, self.grad, self.parents, self.back = data, 0.0, parents, back
    def __add__(self, o):
        o = o if isinstance(o, Value) else Value(o)
        r = Value(self.data + o.data, (self, o))
        def back():
            self.grad += r.grad; o.grad += r.grad
        r.back = back
        return r
    def __mul__(self, o):
        o = o if isinstance(o, Value) else Value(o)
        r = Value(self.data * o.data, (self, o))
        def back():
            self.grad += o.data * r.grad; o.grad += self.data * r.grad
        r.back = back
        return r
    def tanh(self):
        t = math.tanh(self.data)
        r = Value(t, (self,))
        def back():
            self.grad += (1 - t * t) * r.grad
        r.back = back
        return r
    __radd__ = __add__
    __rmul__ = __mul__
    def __sub__(self, o): return self + (-1) * o if not isinstance(o, Value) else self + o * -1
def backward(root):
    order, seen = [], set()
    def visit(v):
        if id(v) not in seen:
            seen.add(id(v))
            for p in v.parents: visit(p)
            order.append(v)
    visit(root)
    root.grad = 1.0
    for v in reversed(order):
        if v.back: v.back()
class Neuron:
    def __init__(self, n): self.w = [Value(random.gauss(0, 0.7)) for _ in range(n)]; self.b = Value(0.0)
    def __call__(self, x, last=False):
        s = self.b
        for w, xi in zip(self.w, x): s = s + w * xi
        return s if last else s.tanh()
hidden = [Neuron(2) for _ in range(5)]
out = Neuron(5)
params = [p for n in hidden + [out] for p in n.w + [n.b]]
data = [((a, b), a * b) for a in (-1, -0.5, 0.5, 1) for b in (-1, 0, 1)]
for epoch in range(60):
    loss = Value(0.0)
    for x, t in data:
        e = out([h(x) for h in hidden], last=True) - t
        loss = loss + e * e * (1 / len(data))
    for p in params: p.grad = 0.0
    backward(loss)
    for p in params: p.data -= 0.2 * p.grad
    if epoch % 15 == 0: print(epoch, loss.data)
print("end", loss.data)
