# fmt: off
# ruff: noqa
import math
import random

random.seed(9)


class Neuron:
    def __init__(self, inputs):
        self.weights = [random.uniform(-1, 1) for _ in range(inputs)]
        self.bias = random.uniform(-1, 1)
        self.grads = [0.0] * inputs
        self.bias_grad = 0.0

    def activate(self, inputs):
        self.inputs = inputs
        self.output = math.tanh(sum(w * x for w, x in zip(self.weights, inputs)) + self.bias)
        return self.output

    def slope(self):
        return 1 - self.output * self.output


class Layer:
    def __init__(self, inputs, units):
        self.neurons = [Neuron(inputs) for _ in range(units)]

    def forward(self, x):
        return [neuron.activate(x) for neuron in self.neurons]


hidden = Layer(2, 2)
output = Layer(2, 2)


def propagate_back(target):
    for k, neuron in enumerate(output.neurons):
        neuron.delta = (neuron.output - target[k]) * neuron.slope()
    for j, neuron in enumerate(hidden.neurons):
        error = 0.0
        for upper in output.neurons:
            error += upper.weights[j] * upper.delta
        neuron.delta = error * neuron.slope()
    for layer in (hidden, output):
        for neuron in layer.neurons:
            for i in range(len(neuron.weights)):
                neuron.grads[i] += neuron.delta * neuron.inputs[i]
            neuron.bias_grad += neuron.delta


def apply(rate, count):
    for layer in (hidden, output):
        for neuron in layer.neurons:
            for i in range(len(neuron.weights)):
                neuron.weights[i] -= rate * neuron.grads[i] / count
                neuron.grads[i] = 0.0
            neuron.bias -= rate * neuron.bias_grad / count
            neuron.bias_grad = 0.0


rows = [([0.1, 0.9], [0.5, -0.5]), ([0.7, 0.2], [-0.3, 0.4]), ([0.4, 0.4], [0.1, 0.2])]
for epoch in range(3):
    for x, t in rows:
        output.forward(hidden.forward(x))
        propagate_back(t)
    apply(0.3, len(rows))

result = [n.weights + [n.bias] for layer in (hidden, output) for n in layer.neurons]
