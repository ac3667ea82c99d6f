"""What the CPU engine must keep beside the reference: accuracy after a whole training, little memory, a cheap flight recorder.

    python benchmarks/engine_proofs.py [accuracy] [memory] [recording] [--seeds 0 1 2 3 4]

accuracy: the main job (784-16-16-10, 30 epochs) on both engines; share of the test digits that is read rightly, for each seed.
memory: the largest resident size of a program that trains it for 3 epochs, beside the size before fit and that of the data.
recording: processor time of 30 epochs with and without the flight recorder, by turns; the median of the pairs' ratios.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from typing import Any

import unstuck as us
from unstuck import nn
from unstuck.training.recording import Recorder


def train(digits: us.Splits, engine: str, seed: int, epochs: int) -> us.Run:
    """The main job."""
    network = nn.Network.from_sizes("784-16-16-10", activation="sigmoid", output="sigmoid")
    return us.fit(
        network, digits.train, loss="squared_error", optimizer=us.SGD(us.schedules.Cosine(4.0)), batch_size=125,
        epochs=epochs, seed=seed, engine=engine,
    )  # fmt: skip


def accuracy(seeds: list[int]) -> None:
    digits = us.datasets.load("mnist")
    assert digits.test is not None
    print("| seed | cpu | reference |\n| --- | --- | --- |")
    found: dict[str, list[float]] = {"cpu": [], "reference": []}
    for seed in seeds:
        for engine, values in found.items():
            values.append(float(train(digits, engine, seed, 30).evaluate(digits.test)["accuracy"]))
        print(f"| {seed} | {found['cpu'][-1]:.2%} | {found['reference'][-1]:.2%} |", flush=True)
    means = [f"{statistics.mean(v):.2%} ± {statistics.stdev(v) if len(v) > 1 else 0:.2%}" for v in found.values()]
    print(f"| mean | {means[0]} | {means[1]} |")


_MEMORY = """
import resource
import unstuck as us
from unstuck import nn
digits = us.datasets.load("mnist")
size = sum(p.inputs.nbytes + p.targets.nbytes for p in (digits.train, digits.test))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
network = nn.Network.from_sizes("784-16-16-10", activation="sigmoid", output="sigmoid")
us.fit(network, digits.train, loss="squared_error", optimizer=us.SGD(4.0), batch_size=125, epochs=3)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(size / 2**20, before / 2**10, after / 2**10)
"""


def memory() -> None:
    done = subprocess.run([sys.executable, "-c", _MEMORY], capture_output=True, text=True, check=True)
    data, before, after = map(float, done.stdout.split())
    print(
        f"data {data:.0f} MB; before fit {before:.0f} MB, at the peak {after:.0f} MB: the data and {after - data:.0f} MB"
    )


def recording(pairs: int = 15) -> None:
    digits = us.datasets.load("mnist")
    ratios = []
    real = Recorder.epoch

    def nothing(*_: Any, **__: Any) -> None:
        return None

    train(digits, "cpu", 0, 2)
    for pair in range(pairs):
        taken = {}
        for records in (True, False) if pair % 2 else (False, True):
            Recorder.epoch = real if records else nothing  # type: ignore[method-assign]
            begun = time.process_time()
            train(digits, "cpu", 0, 30)
            taken[records] = time.process_time() - begun
        ratios.append(taken[True] / taken[False])
    Recorder.epoch = real  # type: ignore[method-assign]
    ratios.sort()
    low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
    print(
        f"recording costs {statistics.median(ratios) - 1:+.1%} (middle half of {pairs} pairs: {low - 1:+.1%} to {high - 1:+.1%})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("proofs", nargs="*", choices=["accuracy", "memory", "recording", []], default=[])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    options = parser.parse_args()
    proofs = options.proofs or ["accuracy", "memory", "recording"]
    if "accuracy" in proofs:
        accuracy(options.seeds)
    if "memory" in proofs:
        memory()
    if "recording" in proofs:
        recording()


if __name__ == "__main__":
    main()
