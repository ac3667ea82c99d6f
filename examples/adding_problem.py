"""The adding problem: a network has to remember two numbers of a long sequence and tell their sum.

Each step holds a random number and a mark; two steps of each sequence are marked, and the target is the sum of their numbers
(Hochreiter and Schmidhuber, 1997). Always answering 1 gives a mean squared error of 1/6 = 0.167: a network that is below has
carried something over many steps.

    python examples/adding_problem.py
    python examples/adding_problem.py --steps 60 --epochs 60
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

import unstuck as us
from unstuck import nn

GUESSING = 1 / 6  # the variance of the sum of two numbers drawn evenly from 0 to 1


def sequences(rows: int, steps: int, seed: int) -> us.Dataset:
    """Sequences (rows, steps, 2) of numbers and marks, one mark in each half, with the sum of the marked numbers."""
    rng = np.random.default_rng(seed)
    numbers, marks = rng.uniform(size=(rows, steps)), np.zeros((rows, steps))
    for first, last in ((0, steps // 2), (steps // 2, steps)):
        marks[np.arange(rows), rng.integers(first, last, rows)] = 1
    inputs = np.stack([numbers, marks], axis=-1)
    return us.Dataset.from_arrays(inputs, (numbers * marks).sum(axis=1), task="regression", name="sums")


def train(steps: int = 30, *, epochs: int = 30, rows: int = 2000, seed: int = 0) -> us.Run:
    """The run of an LSTM with 32 units."""
    return us.fit(
        nn.Network(nn.LSTM(32), nn.Dense(1)),
        sequences(rows, steps, seed),
        optimizer=us.Adam(us.schedules.Cosine(0.01)),
        clip_norm=1.0,
        batch_size=50,
        epochs=epochs,
        seed=seed,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()

    run = train(chosen.steps, epochs=chosen.epochs, seed=chosen.seed)
    test = sequences(500, chosen.steps, chosen.seed + 1)
    print(f"mean squared error on new sequences: {run.evaluate(test)['mse']:.4f} (guessing: {GUESSING:.4f})")
    for row, answer in zip(test.inputs[:3], run.network.predict(test.inputs[:3])[:, 0], strict=True):
        marked = row[row[:, 1] == 1, 0]
        print(f"  {marked[0]:.2f} + {marked[1]:.2f} = {marked.sum():.2f}, the network says {answer:.2f}")


if __name__ == "__main__":
    try:
        main()
    except us.UnstuckError as error:
        sys.exit(f"error: {error}")
