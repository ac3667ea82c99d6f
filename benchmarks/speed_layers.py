"""How fast convolutional, recurrent and attention networks train beside PyTorch and JAX, and beside the machine's arithmetic.

    python benchmarks/speed_layers.py [--threads 1] [--rounds 5] [--cases 1,3] [--rows 1280]

Random pictures, batches of 128 (attention: 64; characters: 32 texts of 64), Adam. In each round every way takes the same steps in
turn; the medians of the processor time of a step are compared, which other work on the machine disturbs least, and the time by
the clock stands beside it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from speed import arithmetic_rate, pin, rested

EPOCHS = 2  # in one measurement; those that prepare are taken off
Taken = tuple[float, float]  # seconds of a step: of the processor, by the clock


@dataclass(frozen=True)
class Case:
    """``products``: multiplications and additions of all products of a step, forward and back, as they have to be."""

    name: str
    products: float
    batch: int = 128
    shape: tuple[int, ...] = (28, 28)
    characters: int = (
        0  # so many kinds of characters in texts, the next one to be told after each; none: pictures of 10 classes
    )

    def data(self, rows: int) -> tuple[Any, Any]:
        """Random inputs and targets."""
        import numpy as np

        rng = np.random.default_rng(0)
        if self.characters:
            text = rng.integers(0, self.characters, (rows, self.shape[0] + 1))
            return text[:, :-1].copy(), text[:, 1:].copy()
        return rng.random((rows, *self.shape), np.float32), rng.integers(0, 10, rows)


def cases() -> list[Case]:
    n = 128
    first, second = 28 * 28 * 25 * 6, 100 * 150 * 16
    dense = 400 * 120 + 120 * 84 + 84 * 10
    lenet = 2.0 * n * (2 * first + 3 * second + 3 * dense)
    first, second, dense = 26 * 26 * 9 * 32, 24 * 24 * 288 * 64, 9216 * 128 + 128 * 10
    cnn = 2.0 * n * (2 * first + 3 * second + 3 * dense)
    recurrent = 2.0 * n * 28 * (2 * 28 * 128 + 3 * 128 * 128)
    characters = 2.0 * 32 * 64 * 3 * (32 * 1024 + 256 * 1024 + 256 * 65)
    attention = 2.0 * 64 * (3 * 64 * (3 * 64 * 64 + 64 * 64) + 3 * 2 * 64 * 64 * 64)
    return [
        Case("LeNet-5", lenet),
        Case("32-64 3×3 conv, pool, dense 128", cnn),
        Case("SimpleRNN 128 over 28 rows", recurrent),
        Case("LSTM 128 over 28 rows", 4 * recurrent),
        Case("characters: embedding 32, LSTM 256, 64 steps", characters, 32, (64,), 65),
        Case("attention, 4 heads, width 64, length 64", attention, 64, (64, 64)),
    ]


def ours(case: Case, x: Any, y: Any) -> Callable[[], Taken]:
    import unstuck as us
    from unstuck import nn

    networks = {
        "LeNet-5": lambda: [
            nn.Conv2D(6, 5, padding=2), nn.ReLU(), nn.MaxPool2D(2), nn.Conv2D(16, 5), nn.ReLU(), nn.MaxPool2D(2),
            nn.Flatten(), nn.Dense(120), nn.ReLU(), nn.Dense(84), nn.ReLU(),
        ],
        "32-64": lambda: [
            nn.Conv2D(32, 3), nn.ReLU(), nn.Conv2D(64, 3), nn.ReLU(), nn.MaxPool2D(2), nn.Flatten(), nn.Dense(128), nn.ReLU(),
        ],
        "SimpleRNN": lambda: [nn.SimpleRNN(128)],
        "LSTM": lambda: [nn.LSTM(128)],
        "characters": lambda: [nn.Embedding(case.characters, 32), nn.LSTM(256, sequences=True)],
        "attention": lambda: [nn.Add(nn.Identity(), nn.SelfAttention(4)), nn.LayerNorm(), nn.GlobalAveragePool()],
    }  # fmt: skip
    layers = next(make for name, make in networks.items() if case.name.startswith(name))
    network = nn.Network(*layers(), nn.Conv1D(case.characters, 1) if case.characters else nn.Dense(10))

    def train(epochs: int) -> Taken:
        begun = time.process_time()
        run = us.fit(
            network, (x, y), loss="cross_entropy", optimizer=us.Adam(0.001), batch_size=case.batch, epochs=epochs,
            preprocessing="none",
        )  # fmt: skip
        return time.process_time() - begun, sum(run.history["seconds"][-EPOCHS:])

    def measured() -> Taken:
        alone, _ = train(1)
        more, wall = train(1 + EPOCHS)
        steps = EPOCHS * -(-len(x) // case.batch)
        return (more - alone) / steps, wall / steps

    return measured


def torch_eager(case: Case, x: Any, y: Any) -> Callable[[], Taken]:
    import torch
    from torch import nn

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.set_flush_denormal(True)

    class Last(nn.Module):
        """The last state of a recurrence."""

        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Any) -> Any:
            return self.inner(x)[0][:, -1]

    class Characters(nn.Module):
        """Logits of the next character after each step, (N, kinds, steps)."""

        def __init__(self) -> None:
            super().__init__()
            self.numbers, self.inner = nn.Embedding(case.characters, 32), nn.LSTM(32, 256, batch_first=True)
            self.outputs = nn.Linear(256, case.characters)

        def forward(self, x: Any) -> Any:
            return self.outputs(self.inner(self.numbers(x))[0]).transpose(1, 2)

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.norm = nn.MultiheadAttention(64, 4, batch_first=True), nn.LayerNorm(64)

        def forward(self, x: Any) -> Any:
            return self.norm(x + self.inner(x, x, x, need_weights=False)[0]).mean(1)

    networks: dict[str, Any] = {
        "LeNet-5": lambda: [
            nn.Unflatten(1, (1, 28)), nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
        ],
        "32-64": lambda: [
            nn.Unflatten(1, (1, 28)), nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10),
        ],
        "SimpleRNN": lambda: [Last(nn.RNN(28, 128, batch_first=True)), nn.Linear(128, 10)],
        "LSTM": lambda: [Last(nn.LSTM(28, 128, batch_first=True)), nn.Linear(128, 10)],
        "characters": lambda: [Characters()],
        "attention": lambda: [Attention(), nn.Linear(64, 10)],
    }  # fmt: skip
    network = nn.Sequential(*next(make for name, make in networks.items() if case.name.startswith(name))())
    optimizer = torch.optim.Adam(network.parameters(), 0.001, fused=True)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)

    def measured() -> Taken:
        begun, wall = time.process_time(), time.perf_counter()
        for _ in range(EPOCHS):
            order = torch.randperm(len(inputs))
            for start in range(0, len(inputs), case.batch):
                rows = order[start : start + case.batch]
                optimizer.zero_grad(set_to_none=True)
                torch.nn.functional.cross_entropy(network(inputs[rows]), targets[rows]).backward()
                optimizer.step()
        steps = EPOCHS * -(-len(x) // case.batch)
        return (time.process_time() - begun) / steps, (time.perf_counter() - wall) / steps

    return measured


def jax_recurrence(case: Case, x: Any, y: Any) -> Callable[[], Taken]:
    """A recurrence by lax.scan, and a whole epoch in one call."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    gates = 4 if case.name.startswith("LSTM") else 1
    rng = np.random.default_rng(0)
    sizes = [(28, gates * 128), (128, gates * 128), (gates * 128,), (128, 10), (10,)]
    parameters = [jnp.asarray(rng.normal(0, 0.05, s), jnp.float32) for s in sizes]
    inputs, targets = jnp.asarray(x), jnp.asarray(y)

    def outputs(p: Any, x: Any) -> Any:
        z = jnp.swapaxes(x @ p[0] + p[2], 0, 1)

        def step(state: Any, z: Any) -> Any:
            h, c = state
            z = z + h @ p[1]
            if gates == 1:
                return (jnp.tanh(z), c), None
            i, f, g, o = jnp.split(z, 4, axis=1)
            c = jax.nn.sigmoid(f + 1) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        zeros = jnp.zeros((x.shape[0], 128), jnp.float32)
        return jax.lax.scan(step, (zeros, zeros), z)[0][0] @ p[3] + p[4]

    def loss(p: Any, x: Any, y: Any) -> Any:
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(outputs(p, x)), y[:, None], axis=1))

    def step(state: Any, rows: Any) -> Any:
        p, m, v, n = state
        g = jax.grad(loss)(p, inputs[rows], targets[rows])
        n = n + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        a, b = 1 - 0.9**n, 1 - 0.999**n
        p = jax.tree.map(lambda p, m, v: p - 0.001 * (m / a) / (jnp.sqrt(v / b) + 1e-8), p, m, v)
        return (p, m, v, n), None

    steps = len(x) // case.batch

    def epoch(state: Any, key: Any) -> Any:
        order = jax.random.permutation(key, len(x))[: steps * case.batch].reshape(steps, case.batch)
        return jax.lax.scan(step, state, order)[0]

    train = jax.jit(epoch)
    zeros = [jnp.zeros_like(p) for p in parameters]
    state: Any = (parameters, zeros, zeros, jnp.float32(0))

    def measured() -> Taken:
        nonlocal state
        begun, wall = time.process_time(), time.perf_counter()
        for k in range(EPOCHS):
            state = train(state, jax.random.PRNGKey(k))
        jax.block_until_ready(state)
        count = EPOCHS * steps
        return (time.process_time() - begun) / count, (time.perf_counter() - wall) / count

    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cases", default="1,2,3,4,5,6")
    parser.add_argument("--rows", type=int, default=1280)
    options = parser.parse_args()
    pin(options.threads)
    rate = arithmetic_rate(options.threads)
    print(f"{options.threads} threads; this machine: {rate / 1e9:.0f} GFLOP/s; load {os.getloadavg()[0]:.1f}")
    for case in (cases()[int(n) - 1] for n in options.cases.split(",")):
        x, y = case.data(options.rows)
        ways = {"ours": ours(case, x, y)}
        rivals = {"PyTorch": torch_eager} | ({"JAX": jax_recurrence} if "over 28 rows" in case.name else {})
        for name, rival in rivals.items():
            try:
                ways[name] = rival(case, x, y)
            except ImportError:
                print(f"{name} is not installed")
        for way in ways.values():
            way()
        taken: dict[str, list[Taken]] = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, way in ways.items():
                taken[name].append(rested(way))  # type: ignore[arg-type]
        mine = statistics.median(t for t, _ in taken["ours"])
        print(
            f"\n{case.name}: {case.products / 1e6:.0f} million operations a step, at least {case.products / rate * 1e3:.2f} ms"
        )
        for name, values in taken.items():
            cpu, wall = (statistics.median(v) for v in zip(*values, strict=True))
            print(
                f"  {name:8} {cpu * 1e3:8.2f} ms of processor, {wall * 1e3:8.2f} ms by the clock; {cpu / mine:.2f} times ours"
            )


if __name__ == "__main__":
    main()
