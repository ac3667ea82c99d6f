"""Your own function, no network: `us.grad` differentiates it, and the training loop is yours.

A damped oscillation was measured with noise. The model is a formula with four numbers, the loss is written in plain NumPy,
and `us.value_and_grad` gives its gradient: the loss is recorded as a graph of primitives while it runs, and the graph is read
backwards. The loop is mini-batch gradient descent by hand.

    python examples/own_function.py
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np

import unstuck as us

Array = np.ndarray[Any, Any]
Parameters = dict[str, Any]

TRUE = {"amplitude": 2.0, "decay": 0.4, "frequency": 3.0, "phase": 0.5}
START = {"amplitude": 1.0, "decay": 0.1, "frequency": 2.8, "phase": 0.0}


def model(p: Parameters, t: Array) -> Any:
    """amplitude · exp(-decay · t) · cos(frequency · t + phase)."""
    return p["amplitude"] * np.exp(-p["decay"] * t) * np.cos(p["frequency"] * t + p["phase"])


def loss(p: Parameters, t: Array, y: Array) -> Any:
    """The mean squared distance from the measurements."""
    return np.mean((model(p, t) - y) ** 2)


def measurements(rows: int = 500, noise: float = 0.05, seed: int = 0) -> tuple[Array, Array]:
    """Times in [0, 5) and the noisy oscillation at these times."""
    rng = np.random.default_rng(seed)
    t = rng.uniform(0, 5, rows)
    return t, model(TRUE, t) + rng.normal(0, noise, rows)


def descend(t: Array, y: Array, *, epochs: int = 60, rate: float = 0.05, batch: int = 25, seed: int = 0) -> Parameters:
    """The parameters after mini-batch gradient descent from ``START``."""
    value_and_gradient = us.value_and_grad(loss)
    rng = np.random.default_rng(seed)
    p = dict(START)
    for _ in range(epochs):
        order = rng.permutation(len(t))
        for first in range(0, len(t), batch):
            rows = order[first : first + batch]
            _, gradient = value_and_gradient(p, t[rows], y[rows])
            p = {name: p[name] - rate * gradient[name] for name in p}
    return p


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    t, y = measurements()
    print("gradient at the start:", {k: round(float(g), 4) for k, g in us.grad(loss)(START, t, y).items()})
    found = descend(t, y)
    print(f"loss {loss(START, t, y):.4f} -> {loss(found, t, y):.4f} (the noise alone has {loss(TRUE, t, y):.4f})")
    for name in TRUE:
        print(f"  {name:<9}  found {float(found[name]):.3f}   true {TRUE[name]:.3f}")


if __name__ == "__main__":
    try:
        main()
    except us.UnstuckError as error:
        sys.exit(f"error: {error}")
