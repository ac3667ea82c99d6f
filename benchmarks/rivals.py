"""Other ways to train the same network on the same data, each in its best setting: what speed.py measures beside us.

A rival is a function of a case and its data that gives a function which trains one epoch (or predicts once). It raises
:class:`LeftOut` with the reason where it cannot do the case. All of them get the data as float32 in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Epoch = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """What is trained. ``loss`` is squared_error (on sigmoids), cross_entropy (on logits) or mean_squared_error (numbers)."""

    name: str
    sizes: tuple[int, ...]
    activation: str  # sigmoid or relu
    loss: str
    adam: bool
    rate: float
    batch: int
    rows: int
    epochs: int = 1  # so many epochs are one measurement
    predicts: bool = False

    @property
    def classes(self) -> bool:
        return self.loss != "mean_squared_error"


class LeftOut(Exception):
    """Why a rival takes no part."""


def weights_of(case: Case) -> list[tuple[Array, Array]]:
    rng = np.random.default_rng(0)
    return [
        (rng.normal(0, n**-0.5, (n, m)).astype(np.float32), np.zeros(m, np.float32))
        for n, m in zip(case.sizes, case.sizes[1:], strict=False)
    ]


def one_hot(case: Case, y: Array) -> Array:
    return np.eye(case.sizes[-1], dtype=np.float32)[y] if case.classes else y


# NumPy by hand ----------------------------------------------------------------------------------------------------------
def numpy_by_hand(case: Case, x: Array, y: Array) -> Epoch:
    """The usual program, with what is usually done to speed it up: float32, whole batches, updates in place."""
    layers = weights_of(case)
    target, rng = one_hot(case, y), np.random.default_rng(1)
    moments = [[np.zeros_like(p) for p in layer for _ in range(2)] for layer in layers]
    taken = 0

    def activate(z: Array) -> Array:
        if case.activation == "relu":
            return np.maximum(z, 0, out=z)
        np.negative(z, out=z)
        np.exp(z, out=z)
        z += 1
        return np.reciprocal(z, out=z)

    def slope(a: Array) -> Array:
        return (a > 0) if case.activation == "relu" else a * (1 - a)

    def forward(a: Array) -> list[Array]:
        values = [a]
        for i, (w, b) in enumerate(layers):
            z = values[-1] @ w
            z += b
            last = i == len(layers) - 1
            values.append(z if last and case.loss != "squared_error" else activate(z))
        return values

    def update(p: Array, g: Array, m: Array, v: Array) -> None:
        if not case.adam:
            g *= case.rate
            p -= g
            return
        m *= 0.9
        m += 0.1 * g
        v *= 0.999
        v += 0.001 * (g * g)
        p -= (case.rate / (1 - 0.9**taken)) * m / (np.sqrt(v * (1 / (1 - 0.999**taken))) + 1e-8)

    def epoch() -> None:
        nonlocal taken
        order = rng.permutation(len(x))
        for start in range(0, len(x), case.batch):
            rows = order[start : start + case.batch]
            values, t = forward(x[rows]), target[rows]
            if case.loss == "cross_entropy":
                e = np.exp(values[-1] - values[-1].max(axis=1, keepdims=True))
                delta = (e / e.sum(axis=1, keepdims=True) - t) / len(rows)
            else:
                delta = (values[-1] - t) * np.float32(2 / len(rows) / (1 if case.classes else t.shape[1]))
                if case.loss == "squared_error":
                    delta *= slope(values[-1])
            taken += 1
            for i in reversed(range(len(layers))):
                w, b = layers[i]
                gradients = values[i].T @ delta, delta.sum(axis=0)
                if i:
                    delta = delta @ w.T
                    delta *= slope(values[i])
                for p, g, (m, v) in zip((w, b), gradients, (moments[i][:2], moments[i][2:]), strict=True):
                    update(p, g, m, v)

    if case.predicts:
        return lambda: forward(x)[-1].argmax(axis=1)
    return epoch


# PyTorch ----------------------------------------------------------------------------------------------------------------
def torch_eager(case: Case, x: Array, y: Array) -> Epoch:
    return _torch(case, x, y, compiled=False)


def torch_compiled(case: Case, x: Array, y: Array) -> Epoch:
    return _torch(case, x, y, compiled=True)


def _torch(case: Case, x: Array, y: Array, *, compiled: bool) -> Epoch:
    try:
        import torch
    except ImportError:
        raise LeftOut("not installed") from None
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    layers: list[Any] = []
    for i, (n, m) in enumerate(zip(case.sizes, case.sizes[1:], strict=False)):
        layers.append(torch.nn.Linear(n, m))
        if i < len(case.sizes) - 2 or case.loss == "squared_error":
            layers.append(torch.nn.ReLU() if case.activation == "relu" else torch.nn.Sigmoid())
    network = torch.nn.Sequential(*layers)
    inputs, kinds = torch.from_numpy(x), torch.from_numpy(one_hot(case, y) if case.loss != "cross_entropy" else y)

    def loss(rows: Any, wanted: Any) -> Any:
        outputs = network(rows)
        if case.loss == "cross_entropy":
            return torch.nn.functional.cross_entropy(outputs, wanted)
        if case.classes:
            return ((outputs - wanted) ** 2).sum(1).mean()
        return torch.nn.functional.mse_loss(outputs, wanted)

    run, predict = loss, network
    if compiled:
        try:
            run, predict = torch.compile(loss), torch.compile(network)
            with torch.no_grad():
                predict(inputs[: case.batch])
        except Exception as error:
            raise LeftOut(f"torch.compile fails here: {str(error).splitlines()[0][:80]}") from None
    parameters = network.parameters()
    optimizer: Any = (
        torch.optim.Adam(parameters, case.rate, fused=True)
        if case.adam
        else torch.optim.SGD(parameters, case.rate, fused=True)
    )

    def epoch() -> None:
        order = torch.randperm(len(inputs))
        for start in range(0, len(inputs), case.batch):
            rows = order[start : start + case.batch]
            optimizer.zero_grad(set_to_none=True)
            run(inputs[rows], kinds[rows]).backward()
            optimizer.step()

    def once() -> Any:
        with torch.inference_mode():
            return predict(inputs).argmax(1)

    return once if case.predicts else epoch


# JAX --------------------------------------------------------------------------------------------------------------------
def jax_jitted(case: Case, x: Array, y: Array) -> Epoch:
    """A whole epoch in one call: lax.scan over batches, data and state resident, buffers donated."""
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        raise LeftOut("not installed") from None
    inputs, target = jnp.asarray(x), jnp.asarray(one_hot(case, y))

    def forward(layers: Any, a: Any) -> Any:
        for i, (w, b) in enumerate(layers):
            a = a @ w + b
            if i < len(layers) - 1 or case.loss == "squared_error":
                a = jax.nn.relu(a) if case.activation == "relu" else jax.nn.sigmoid(a)
        return a

    def loss(layers: Any, a: Any, t: Any) -> Any:
        outputs = forward(layers, a)
        if case.loss == "cross_entropy":
            return -jnp.mean(jnp.sum(t * jax.nn.log_softmax(outputs), axis=1))
        squares = jnp.square(outputs - t)
        return jnp.mean(jnp.sum(squares, axis=1) if case.classes else squares)

    def step(state: Any, rows: Any) -> Any:
        layers, m, v, n = state
        found = jax.grad(loss)(layers, inputs[rows], target[rows])
        n = n + 1
        if case.adam:
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, found)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, found)
            a, b = 1 - 0.9**n, 1 - 0.999**n
            layers = jax.tree.map(lambda p, m, v: p - case.rate * (m / a) / (jnp.sqrt(v / b) + 1e-8), layers, m, v)
        else:
            layers = jax.tree.map(lambda p, g: p - case.rate * g, layers, found)
        return (layers, m, v, n), None

    whole = case.batch == len(x)

    def run(state: Any, key: Any) -> Any:
        if whole:  # full batches: many steps in one call
            everything = jnp.arange(len(x))
            return jax.lax.fori_loop(0, case.epochs, lambda _, s: step(s, everything)[0], state)
        steps = len(x) // case.batch  # what is left over is left out: a little less work than ours
        order = jax.random.permutation(key, len(x))[: steps * case.batch].reshape(steps, case.batch)
        return jax.lax.scan(step, state, order)[0]

    train = jax.jit(run, donate_argnums=0)
    layers = [(jnp.asarray(w), jnp.asarray(b)) for w, b in weights_of(case)]
    zeros = jax.tree.map(jnp.zeros_like, layers)
    state: Any = (layers, zeros, jax.tree.map(jnp.zeros_like, layers), jnp.float32(0))
    count = 0

    def epoch() -> None:
        nonlocal state, count
        count += 1
        state = train(state, jax.random.PRNGKey(count))
        jax.block_until_ready(state)

    predict = jax.jit(lambda layers, a: forward(layers, a).argmax(axis=1))
    return (lambda: np.asarray(predict(layers, inputs))) if case.predicts else epoch


# scikit-learn -----------------------------------------------------------------------------------------------------------
def scikit_learn(case: Case, x: Array, y: Array) -> Epoch:
    try:
        from sklearn.neural_network import MLPClassifier, MLPRegressor
    except ImportError:
        raise LeftOut("not installed") from None
    if case.loss == "squared_error":
        raise LeftOut("has no squared error on sigmoids")
    hidden = tuple(case.sizes[1:-1])
    kind = MLPClassifier if case.classes else MLPRegressor
    solver = {"solver": "adam"} if case.adam else {"solver": "sgd", "momentum": 0.0}
    model = kind(
        hidden_layer_sizes=hidden, activation={"sigmoid": "logistic"}.get(case.activation, case.activation), alpha=0.0,
        batch_size=case.batch, learning_rate_init=case.rate, random_state=0, **solver,
    )  # fmt: skip
    wanted = y if case.classes else (y if y.shape[1] > 1 else y[:, 0])
    classes = {"classes": np.arange(case.sizes[-1])} if case.classes else {}
    model.partial_fit(x, wanted, **classes)
    return (lambda: model.predict(x)) if case.predicts else (lambda: model.partial_fit(x, wanted))


def with_threads(name: str, way: Callable[[], float], threads: int) -> Callable[[], float]:
    """The way of a rival with so many threads."""
    if name.startswith("PyTorch"):
        import torch

        def limited() -> float:
            torch.set_num_threads(threads)
            return way()

        return limited
    from threadpoolctl import threadpool_limits

    def held() -> float:
        with threadpool_limits(threads):
            return way()

    return held


SETTABLE = ("NumPy by hand", "PyTorch eager", "PyTorch compiled", "scikit-learn")
RIVALS: dict[str, Callable[[Case, Array, Array], Epoch]] = {
    "NumPy by hand": numpy_by_hand,
    "PyTorch eager": torch_eager,
    "PyTorch compiled": torch_compiled,
    "JAX jitted epoch": jax_jitted,
    "scikit-learn": scikit_learn,
}
