"""How much time the reference engine needs beside a loop that a careful person writes by hand in NumPy.

One epoch of the main job (784-16-16-10, sigmoid, squared error, batches of 125, SGD, 60,000 digits in float32) is timed in
``us.fit`` and then in the hand-written loop, in turns within one process: the same data, the same initial weights, the same
batches in the same order. Ours also adds up the training loss and accuracy and looks for NaN, as ``fit`` always does; the loop
does no more than learn. After the first epoch the weights of both are compared: both must have done the same work.

With one thread the processor time is shown, too. On a machine that others use at the same time it is the steadier figure.

    python benchmarks/reference_engine.py                  # one thread
    python benchmarks/reference_engine.py --threads 2 --epochs 15 --json
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from typing import Any

RATE, BATCH, SEED = 4.0, 125, 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=1, help="threads of NumPy's matrix product (default 1)")
    parser.add_argument("--epochs", type=int, default=11, help="pairs of epochs; the first, a warm-up, is not counted")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args()
    if chosen.epochs < 2 or chosen.threads < 1:
        parser.error("expected at least 2 epochs, of which one is a warm-up, and at least 1 thread")
    return chosen


class HandWritten:
    """The main job as a loop over NumPy arrays: float32, vectorised over the batch, updated in place."""

    def __init__(self, inputs: Any, labels: Any, parameters: list[Any]) -> None:
        import numpy as np

        self.inputs = inputs
        self.targets = np.eye(10, dtype=np.float32)[labels]
        self.parameters = [p.copy() for p in parameters]

    def epoch(self, order: Any) -> None:
        import numpy as np

        w1, b1, w2, b2, w3, b3 = self.parameters
        for first in range(0, len(order), BATCH):
            rows = order[first : first + BATCH]
            x, t = self.inputs[rows], self.targets[rows]
            h1 = 1 / (1 + np.exp(-(x @ w1 + b1)))  # (125, 16)
            h2 = 1 / (1 + np.exp(-(h1 @ w2 + b2)))  # (125, 16)
            y = 1 / (1 + np.exp(-(h2 @ w3 + b3)))  # (125, 10)
            d3 = (y - t) * y * (1 - y)
            d3 *= np.float32(2 / len(rows))
            d2 = (d3 @ w3.T) * h2 * (1 - h2)
            d1 = (d2 @ w2.T) * h1 * (1 - h1)
            w3 -= RATE * (h2.T @ d3)
            b3 -= RATE * d3.sum(axis=0)
            w2 -= RATE * (h1.T @ d2)
            b2 -= RATE * d2.sum(axis=0)
            w1 -= RATE * (x.T @ d1)
            b1 -= RATE * d1.sum(axis=0)


def measure(epochs: int) -> dict[str, Any]:
    """Seconds of each epoch after the warm-up, ours and the loop's, and how far the final weights are apart."""
    import numpy as np

    import unstuck as us
    from unstuck import nn

    digits = us.datasets.load("mnist")
    network = nn.Network.from_sizes("784-16-16-10", activation="sigmoid", output="sigmoid", seed=SEED)
    inputs = (digits.train.inputs.reshape(-1, 784) / np.float32(255)).astype(np.float32)
    loop = HandWritten(inputs, digits.train.targets, list(network.parameters.values()))
    by_hand: list[float] = []
    processor: dict[str, list[float]] = {"ours": [], "by_hand": []}
    begun: list[float] = []
    apart: list[float] = []

    def begin(epoch: int, logs: dict[str, Any]) -> None:
        begun.append(time.process_time())

    def take_turns(epoch: int, logs: dict[str, Any]) -> None:
        processor["ours"].append(time.process_time() - begun[-1])
        order = np.random.default_rng([SEED, 1, epoch]).permutation(len(inputs))  # the batches that fit has just used
        start, work = time.perf_counter(), time.process_time()
        loop.epoch(order)
        by_hand.append(time.perf_counter() - start)
        processor["by_hand"].append(time.process_time() - work)
        if epoch == 0:  # later, rounding makes the two drift apart
            pairs = zip(network.parameters.values(), loop.parameters, strict=True)
            apart.append(max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs))

    run = us.fit(
        network, digits.train, loss="squared_error", optimizer=us.SGD(RATE), batch_size=BATCH, epochs=epochs, seed=SEED,
        engine="reference", callbacks=[us.LambdaCallback(on_epoch_begin=begin, on_epoch_end=take_turns)],
    )  # fmt: skip
    processor = {name: times[1:] for name, times in processor.items()}
    return {"ours": run.history["seconds"][1:], "by_hand": by_hand[1:], "processor": processor, "apart": apart[0]}


def main() -> int:
    chosen = arguments()
    # Before NumPy is loaded: its matrix library reads these once.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(chosen.threads)
    found = measure(chosen.epochs)
    import numpy

    ratios = [ours / theirs for ours, theirs in zip(found["ours"], found["by_hand"], strict=True)]
    both = found["processor"]
    worked = [ours / theirs for ours, theirs in zip(both["ours"], both["by_hand"], strict=True)]
    result = {
        "threads": chosen.threads,
        "pairs": len(ratios),
        "ours_seconds": statistics.median(found["ours"]),
        "by_hand_seconds": statistics.median(found["by_hand"]),
        "ratio": statistics.median(ratios),
        "ratio_smallest": min(ratios),
        "ratio_largest": max(ratios),
        "processor_ratio": statistics.median(worked) if chosen.threads == 1 else None,
        "weights_apart_after_one_epoch": found["apart"],
        "python": platform.python_version(),
        "numpy": numpy.__version__,
    }
    if chosen.json:
        print(json.dumps(result))
    else:
        print(f"one epoch of the main job, {chosen.threads} thread(s), {len(ratios)} pairs, medians")
        print(f"  us.fit, reference engine   {result['ours_seconds'] * 1e3:7.1f} ms")
        print(f"  hand-written NumPy loop    {result['by_hand_seconds'] * 1e3:7.1f} ms")
        span = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"  ratio within a pair        {result['ratio']:7.2f}    ({span}; the limit is 1.5)")
        if chosen.threads == 1:
            print(
                f"  the same, processor time   {result['processor_ratio']:7.2f}    ({min(worked):.2f} to {max(worked):.2f})"
            )
        print(f"  after one epoch the weights agree to {found['apart']:.0e} of the largest")
    if found["apart"] > 1e-3:
        print("error: the two do not learn the same; their times cannot be compared", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
