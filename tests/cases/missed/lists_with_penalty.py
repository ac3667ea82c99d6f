import numpy as np


def softmax(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def activate(v):
    return 1 / (1 + np.exp(-v))


def activate_derivative(v):
    return v * (1 - v)


class NeuralNetwork:
    def __init__(self, sizes, learning_rate):
        self.learning_rate = learning_rate
        self.weights = [rng.normal(0, np.sqrt(1 / a), (a, b)) for a, b in zip(sizes, sizes[1:])]
        self.biases = [np.zeros((1, b)) for b in sizes[1:]]

    def feed_forward(self, x):
        self.net_input = []
        self.activation = [x]
        for k in range(len(self.weights)):
            net_input = self.activation[k] @ self.weights[k] + self.biases[k]
            self.net_input.append(net_input)
            if k < len(self.weights) - 1:
                self.activation.append(activate(net_input))
            else:
                self.activation.append(softmax(net_input))
        return self.activation[-1]

    def back_propagate(self, goal):
        m = len(goal)
        output = self.activation[-1]
        grad_w = [None] * len(self.weights)
        grad_b = [None] * len(self.biases)
        delta = output * (output - goal - np.sum((output - goal) * output, axis=1, keepdims=True)) / m
        for k in range(len(self.weights) - 1, -1, -1):
            grad_w[k] = self.activation[k].T @ delta + 0.001 * self.weights[k]
            grad_b[k] = delta.sum(axis=0, keepdims=True)
            if k > 0:
                delta = delta @ self.weights[k].T * activate_derivative(self.activation[k])
        return grad_w, grad_b

    def apply_gradients(self, grad_w, grad_b):
        for k in range(len(self.weights)):
            self.weights[k] -= self.learning_rate * grad_w[k]
            self.biases[k] -= self.learning_rate * grad_b[k]

    def fit(self, inputs, targets, num_epochs, batch_size):
        for epoch in range(num_epochs):
            order = rng.permutation(len(inputs))
            cost = 0.0
            for start in range(0, len(inputs), batch_size):
                batch_rows = order[start:start + batch_size]
                goal = targets[batch_rows]
                output = self.feed_forward(inputs[batch_rows])
                value = 0.5 * np.sum((output - goal) ** 2) / len(batch_rows) + 0.5 * 0.001 * sum(np.sum(w ** 2) for w in self.weights)
                cost += value * len(batch_rows) / len(inputs)
                grad_w, grad_b = self.back_propagate(goal)
                self.apply_gradients(grad_w, grad_b)
            if epoch % 24 == 23:
                print("epoch", epoch + 1, "cost", round(float(cost), 5))


rng = np.random.RandomState(930013)
angle = rng.uniform(0, 2 * np.pi, 240)
radius = rng.uniform(0.4, 1.2, 240)
inputs = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
targets = np.eye(3)[(angle // (2 * np.pi / 3)).astype(int)]
inputs, inputs_test = inputs[:160], inputs[160:]
targets, targets_test = targets[:160], targets[160:]
net = NeuralNetwork([2, 16, 16, 3], 3.0)
net.fit(inputs, targets, 120, 16)
print("train", round(float(np.mean(net.feed_forward(inputs).argmax(axis=1) == targets.argmax(axis=1))), 4))
print("test", round(float(np.mean(net.feed_forward(inputs_test).argmax(axis=1) == targets_test.argmax(axis=1))), 4))
