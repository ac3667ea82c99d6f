"""Random networks on random data, one step by the CPU engine and by the reference, until the time is over or they differ.

    python benchmarks/fuzz_engines.py --seconds 600 [--seed 0]

Each trial draws layers, sizes from 1 to 70, a batch, a loss, an optimiser, penalties, clipping and a dtype. The CPU engine must
give what the reference gives: to 1e-12 of an output's size in float64. In float32 both are measured against the reference in
float64, and ours may be off by 1e-5 more than the reference in float32 is. Ends with 1 at the first difference, and prints how to
see it again.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np

import unstuck as us
from unstuck import nn
from unstuck.engines.cpu import CpuEngine
from unstuck.engines.reference import ReferenceEngine
from unstuck.nn.layers.activations import ACTIVATIONS
from unstuck.nn.losses import LOSSES, loss_function
from unstuck.training.optimizers import OPTIMIZERS
from unstuck.training.step import Penalty, StepPlan


def drawn(rng: np.random.Generator, dtype: Any) -> tuple[StepPlan, int]:
    """A random training and its number of rows."""
    layers: list[Any] = []
    for _ in range(rng.integers(0, 4)):
        layers += [nn.Dense(int(rng.integers(1, 71))), ACTIVATIONS[str(rng.choice(sorted(ACTIVATIONS)))]()]
        if rng.random() < 0.2:
            layers.append(nn.Dropout(float(rng.uniform(0.1, 0.7))))
    loss = str(rng.choice(sorted(LOSSES)))
    layers.append(nn.Dense(int(rng.integers(1, 20))))
    if loss == "cross_entropy_probabilities":
        layers.append(nn.Softmax())
    network = nn.Network(*layers, input_shape=int(rng.integers(1, 71)), seed=int(rng.integers(1000)), dtype=dtype)
    optimizer = OPTIMIZERS[str(rng.choice(sorted(OPTIMIZERS)))](0.01, weight_decay=float(rng.choice([0.0, 0.01])))
    penalties = (Penalty(0.01, 0.02),) if rng.random() < 0.3 else ()
    clip = 0.5 if rng.random() < 0.3 else None
    plan = StepPlan(
        network, loss_function(loss), optimizer, penalties, clip, weighted=bool(rng.random() < 0.3),
        reports_gradient=bool(rng.random() < 0.3),
    )  # fmt: skip
    return plan, int(rng.integers(1, 71))


def values(plan: StepPlan, rows: int, rng: np.random.Generator) -> tuple[Any, list[Any]]:
    """The step graph and inputs for it."""
    dtype, width = plan.network.dtype, plan.network.output_shape[-1]
    x = rng.normal(size=(rows, *(plan.network.input_shape or ()))).astype(dtype)
    targets: Any = rng.integers(0, max(width, 2), rows)
    if plan.loss.takes in ("values", "log rates"):
        targets = rng.integers(0, 4, (rows, width)).astype(dtype)
    graph = plan.record(x.shape, targets.shape, targets.dtype)
    slots = [np.abs(rng.normal(size=s.shape)).astype(dtype) + dtype.type(0.1) for s in plan.slots().values()]
    weights = [rng.random(rows).astype(dtype)] if plan.weighted else []
    key = rng.integers(0, 2**32, 2).astype(np.uint32)
    rest = [dtype.type(0.1), dtype.type(4), key, *plan.network.parameters.values(), *slots]
    return graph, [x, targets, *weights, *rest]


def difference(a: Any, b: Any) -> float:
    """The largest difference as a share of the largest value."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(np.max(np.abs(a - b), initial=0.0) / max(float(np.max(np.abs(b), initial=0.0)), 1e-30))


def trial(seed: int) -> str | None:
    """One network; None, or what differs."""
    dtype = (np.float32, np.float64)[seed % 2]
    plan, rows = drawn(np.random.default_rng([seed, 0]), dtype)
    graph, inputs = values(plan, rows, np.random.default_rng([seed, 1]))
    found, right = CpuEngine().compile(graph)(*inputs), ReferenceEngine().compile(graph)(*inputs)
    exact = right
    if dtype is np.float32:
        wide, _ = drawn(np.random.default_rng([seed, 0]), np.float64)
        wide.network.parameters.update({k: p.astype(np.float64) for k, p in plan.network.parameters.items()})
        whole, _ = values(wide, rows, np.random.default_rng([seed, 1]))
        widened = [a.astype(np.float64) if np.asarray(a).dtype == np.float32 else a for a in inputs]
        exact = ReferenceEngine().compile(whole)(*widened)
    for number, (a, b, c) in enumerate(zip(found, right, exact, strict=True)):
        allowed = 1e-12 if dtype is np.float64 else difference(b, c) + 1e-5
        if not difference(a, c) <= allowed:
            return f"seed {seed}: output {number} of {plan} differs by {difference(a, c):.2e}, allowed {allowed:.2e}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0, help="of the first trial; the next ones count up")
    options = parser.parse_args()
    end, seed = time.monotonic() + options.seconds, options.seed
    while time.monotonic() < end:
        said = trial(seed)
        if said is not None:
            print(said)
            return 1
        seed += 1
    print(f"{seed - options.seed} random networks, no difference (unstuck {us.__version__})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
