"""One hidden layer, bias units of -1, linear outputs; stops when the squared norm of the gradient falls under a tolerance."""
import numpy as np

rng = np.random.default_rng(7)
X = rng.uniform(0, 1, (20, 7))
Y = np.column_stack([np.sin(X.sum(axis=1)), X[:, 0] * X[:, 1]])

hidden_units = 3
rate = 1e-3
tolerance = 1e-3

V = rng.uniform(0, 1, (X.shape[1] + 1, hidden_units))
W = rng.uniform(0, 1, (hidden_units + 1, Y.shape[1]))


def with_bias(rows):
    return np.hstack([rows, -np.ones((len(rows), 1))])


def predict(rows):
    hidden = 1 / (1 + np.exp(-with_bias(rows) @ V))
    return with_bias(hidden) @ W


iterations = 0
while iterations < 60000:
    x = with_bias(X)
    h = 1 / (1 + np.exp(-x @ V))
    hb = with_bias(h)
    out = hb @ W

    error = out - Y
    grad_W = hb.T @ error
    step_W = -rate * grad_W
    delta_h = (error @ W[:-1].T) * h * (1 - h)
    grad_V = x.T @ delta_h
    step_V = -rate * grad_V

    W = W + step_W
    V = V + step_V
    iterations += 1
    if np.sum(grad_W ** 2) + np.sum(grad_V ** 2) < tolerance:
        break

residual = predict(X) - Y
print("iterations", iterations)
print("mean absolute error %.4f" % np.abs(residual).mean())
print("squared error %.4f" % (residual ** 2).sum())
