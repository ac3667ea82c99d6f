import numpy as np

from unstuck import datasets


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_derivative(a):
    return a * (1.0 - a)


class NeuralNetwork:
    def __init__(self, sizes, learning_rate):
        self.lr = learning_rate
        self.W = [np.random.randn(m, n) * np.sqrt(2.0 / (m + n)) for n, m in zip(sizes, sizes[1:])]
        self.B = [np.zeros((m, 1)) for m in sizes[1:]]

    def forward(self, image):
        self.A = [image]
        for w, b in zip(self.W, self.B):
            self.A.append(sigmoid(w @ self.A[-1] + b))
        return self.A[-1]

    def gradient_step(self, target):
        n = target.shape[1]
        delta = 2 * (self.A[-1] - target) * sigmoid_derivative(self.A[-1])
        for layer in range(len(self.W) - 1, -1, -1):
            dW = delta @ self.A[layer].T / n
            dB = delta.sum(axis=1, keepdims=True) / n
            if layer > 0:
                delta = self.W[layer].T @ delta * sigmoid_derivative(self.A[layer])
            self.W[layer] = self.W[layer] - self.lr * dW
            self.B[layer] = self.B[layer] - self.lr * dB

    def train(self, data, targets, epochs, size):
        for epoch in range(epochs):
            batches = [(data[k:k + size], targets[k:k + size]) for k in range(len(data) // size)]
            cost = 0.0
            for images, labels in batches:
                self.forward(images.T)
                cost += np.sum((self.A[-1] - labels.T) ** 2) / len(images)
                self.gradient_step(labels.T)
            print(f"epoch {epoch + 1}: cost {cost / len(batches):.4f}")

    def test(self, data, labels):
        correct = 0
        for image, label in zip(data, labels):
            if np.argmax(self.A[-1][:, 0]) == label:
                correct += 1
        return correct / len(data)


np.random.seed(1)
mnist = datasets.load("mnist")
train_x = mnist.train.inputs.reshape(-1, 784) / 255
train_y = np.eye(10)[mnist.train.targets]
test_x = mnist.test.inputs.reshape(-1, 784) / 255

network = NeuralNetwork([784, 16, 16, 10], learning_rate=3.0)
network.train(train_x, train_y, epochs=12, size=100)
print("accuracy on the test images:", network.test(test_x[:2000], mnist.test.targets[:2000]))
