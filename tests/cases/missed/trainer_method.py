from sklearn import datasets
import numpy as np

np.random.seed(42)


class MnistNet:

    def __init__(self):
        self.weights1 = np.random.randn(32, 64) * np.sqrt(1. / 64)
        self.weights2 = np.random.randn(10, 32) * np.sqrt(1. / 32)
        self.bias1 = np.zeros((32, 1))
        self.bias2 = np.zeros((10, 1))
        self.step_size = 0.5

    def forward_pass(self, pixels):
        self.pixels = pixels
        self.hidden = np.tanh(self.weights1.dot(pixels) + self.bias1)
        scores = self.weights2.dot(self.hidden) + self.bias2
        scores = np.exp(scores - scores.max(axis=0))
        self.probs = scores / scores.sum(axis=0)

    def gradient_descent(self, wanted):
        batch = wanted.shape[1]
        err2 = (self.probs - wanted) / batch
        err1 = self.weights2.T.dot(err2) * (1 - self.hidden ** 2)
        self.weights2 -= self.step_size * err2.dot(self.hidden.T)
        self.bias2 -= self.step_size * err2.sum(axis=1, keepdims=True)
        self.weights1 -= self.step_size * err1.dot(self.pixels.T)
        self.bias1 -= self.step_size * err1.sum(axis=1, keepdims=True)

    def training(self, images, wanted, epochs, batch):
        for epoch in range(epochs):
            perm = np.random.permutation(images.shape[1])
            loss = 0
            for start in range(0, images.shape[1], batch):
                pick = perm[start:start + batch]
                self.forward_pass(images[:, pick])
                loss -= np.sum(wanted[:, pick] * np.log(self.probs + 1e-10))
                self.gradient_descent(wanted[:, pick])
            if epoch % 5 == 4:
                print('Epoch %d, loss %.4f' % (epoch + 1, loss / images.shape[1]))

    def score(self, images, digits):
        self.forward_pass(images)
        return np.mean(self.probs.argmax(axis=0) == digits)


images, digits = datasets.load_digits(return_X_y=True)
mix = np.random.permutation(len(digits))
images, digits = images[mix].T / 16., digits[mix]
wanted = np.eye(10)[digits].T
net = MnistNet()
net.training(images[:, :1500], wanted[:, :1500], epochs=25, batch=25)
print('Training set: %.3f' % net.score(images[:, :1500], digits[:1500]))
print('Test set: %.3f' % net.score(images[:, 1500:], digits[1500:]))
