"""Random networks on random data, one step by the CPU engine and by the reference, until the time is over or they differ.

    python benchmarks/fuzz_engines.py --seconds 600 [--seed 0]

Each trial draws a kind of network (of features, of pictures or of sequences), layers, sizes from 1 to 70 (1 to 13 for the sides
of pictures and the steps of sequences), a batch, a loss, an optimiser, penalties, clipping, the threads and a dtype. The CPU
engine must give what the reference gives: to 1e-12 of an output's size in float64 (1e-11 behind convolutions and recurrences; of
0.01 at least, as a bias before a norm is nothing but rounding). In float32 both are measured against the reference in float64,
and ours may be off by 1e-5 more than the reference in float32 is. Ends with 1 at the first difference, and prints how to see it
again.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np

import unstuck as us
from unstuck import nn
from unstuck.engines.cpu import CpuEngine, threads
from unstuck.engines.reference import ReferenceEngine
from unstuck.nn.layers.activations import ACTIVATIONS
from unstuck.nn.losses import LOSSES, loss_function
from unstuck.training.optimizers import OPTIMIZERS
from unstuck.training.step import Penalty, StepPlan


def some(rng: np.random.Generator, most: int, least: int = 1) -> int:
    return int(rng.integers(least, most + 1))


def activation(rng: np.random.Generator) -> Any:
    return ACTIVATIONS[str(rng.choice(sorted(ACTIVATIONS)))]()


def of_features(rng: np.random.Generator) -> tuple[list[Any], tuple[int, ...]]:
    layers: list[Any] = []
    for _ in range(some(rng, 3, 0)):
        layers += [nn.Dense(some(rng, 70)), activation(rng)]
        if rng.random() < 0.2:
            layers.append(nn.Dropout(float(rng.uniform(0.1, 0.7))))
    return layers, (some(rng, 70),)


def window(rng: np.random.Generator, dims: int, most: int = 3) -> dict[str, Any]:
    """Size, stride and padding of a convolution or a pool."""
    size = tuple(some(rng, most) for _ in range(dims))
    stride = size if rng.random() < 0.5 else tuple(some(rng, 2) for _ in range(dims))
    padding = tuple((some(rng, s - 1, 0), some(rng, s - 1, 0)) for s in size) if rng.random() < 0.4 else "valid"
    return {"size": size, "stride": stride, "padding": padding}


def of_pictures(rng: np.random.Generator) -> tuple[list[Any], tuple[int, ...]]:
    def convolution() -> Any:
        dilation = some(rng, 2) if rng.random() < 0.3 else 1
        return nn.Conv2D(some(rng, 20), dilation=dilation, **window(rng, 2, 4))

    makes = [
        convolution, convolution, convolution, lambda: activation(rng), lambda: nn.ReLU(),
        lambda: nn.MaxPool2D(**window(rng, 2)), lambda: nn.MaxPool2D(2), lambda: nn.AveragePool2D(**window(rng, 2)),
        lambda: nn.BatchNorm(), lambda: nn.LayerNorm(), lambda: nn.SpatialDropout(0.3), lambda: nn.Dropout(0.3),
        lambda: nn.DepthwiseConv2D(some(rng, 3)),
        lambda: nn.ConvTranspose2D(some(rng, 9), some(rng, 3), stride=some(rng, 2)),
        lambda: nn.Concatenate(nn.Identity(), [nn.Conv2D(some(rng, 5), 3, padding="same"), nn.ReLU()]),
    ]  # fmt: skip
    layers = [makes[some(rng, len(makes) - 1, 0)]() for _ in range(some(rng, 6))]
    end = nn.Flatten() if rng.random() < 0.7 else nn.GlobalAveragePool()
    return [*layers, end], (some(rng, 13), some(rng, 13), some(rng, 9))


def of_sequences(rng: np.random.Generator) -> tuple[list[Any], tuple[int, ...]]:
    def recurrence(*, sequences: bool = True) -> Any:
        kind = [nn.SimpleRNN, nn.LSTM, nn.GRU][some(rng, 2, 0)]
        layer = kind(some(rng, 40), sequences=sequences, reverse=bool(rng.random() < 0.2))
        return nn.Bidirectional(kind(some(rng, 20), sequences=sequences)) if rng.random() < 0.2 else layer

    makes = [
        recurrence, recurrence, lambda: activation(rng), lambda: nn.Conv1D(some(rng, 20), **window(rng, 1)),
        lambda: nn.Conv1D(some(rng, 20), 1), lambda: nn.MaxPool1D(**window(rng, 1)), lambda: nn.LayerNorm(),
        lambda: nn.SelfAttention(some(rng, 2)), lambda: nn.AveragePool1D(2), lambda: nn.BatchNorm(), lambda: nn.Dropout(0.3),
    ]  # fmt: skip
    layers: list[Any] = [nn.Masking(9.0)] if rng.random() < 0.2 else []
    layers += [makes[some(rng, len(makes) - 1, 0)]() for _ in range(some(rng, 4))]
    ends = [[nn.Flatten()], [nn.GlobalMaxPool()], [recurrence(sequences=False)]]
    return [*layers, *ends[some(rng, 2, 0)]], (some(rng, 13), some(rng, 20))


def drawn(rng: np.random.Generator, dtype: Any) -> tuple[StepPlan, int]:
    """A random training and its number of rows."""
    loss = str(rng.choice(sorted(LOSSES)))
    while True:
        layers, shape = rng.choice([of_features, of_pictures, of_sequences], p=[0.4, 0.3, 0.3])(rng)
        layers += [
            nn.Dense(int(rng.integers(1, 20))),
            *([nn.Softmax()] if loss == "cross_entropy_probabilities" else []),
        ]
        try:
            network = nn.Network(*layers, input_shape=shape, seed=int(rng.integers(1000)), dtype=dtype)
            break
        except us.errors.InputError:
            continue  # a window that does not fit, say: something else is drawn
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
    if plan.network.layers[0].kind == "Masking":
        x[::2, x.shape[1] // 2 + 1 :] = 9.0  # so many steps are padding
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
    """The largest difference as a share of the largest value, or of a hundredth if all are smaller."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(np.max(np.abs(a - b), initial=0.0) / max(float(np.max(np.abs(b), initial=0.0)), 0.01))


def trial(seed: int) -> str | None:
    """One network; None, or what differs."""
    dtype = (np.float32, np.float64)[seed % 2]
    plan, rows = drawn(np.random.default_rng([seed, 0]), dtype)
    threads.set_threads(1 + seed // 2 % 2)
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
        least = 1e-12 if len(plan.network.input_shape or ()) == 1 else 1e-11
        allowed = least if dtype is np.float64 else difference(b, c) + 1e-5
        if not difference(a, c) <= allowed:
            layers = ", ".join(map(str, plan.network.layers))
            return (
                f"seed {seed}: output {number} differs by {difference(a, c):.2e}, allowed {allowed:.2e}: {rows} rows of "
                f"{plan.network.input_shape}, {layers}; {type(plan.loss).__name__}, {plan.optimizer}"
            )
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
