"""A thousand classes: the loss begins at ln 1000 = 6.9, and leaves it.

A network that knows nothing gives every class the same chance, which costs ln K for K classes. A loss that stays there is the
plainest sign of a network that does not learn; `on_trouble` watches for it. With a rate far too small it stays, and is named;
with a sound one it leaves.

    python examples/thousand_classes.py
    python examples/thousand_classes.py --epochs 20
"""

from __future__ import annotations

import argparse
import math
import sys

import numpy as np

import unstuck as us
from unstuck import nn

CLASSES = 1000


def clouds(rows: int, seed: int) -> us.Dataset:
    """Points (rows, 32) around a thousand middles, which are the same for every seed."""
    middles = np.random.default_rng(0).normal(size=(CLASSES, 32))
    rng = np.random.default_rng([seed, 1])
    labels = rng.permutation(np.arange(rows) % CLASSES)
    points = middles[labels] + 0.5 * rng.normal(size=(rows, 32))
    names = [str(k) for k in range(CLASSES)]
    return us.Dataset.from_arrays(points, labels, class_names=names, name="clouds")


def train(rate: float, *, epochs: int = 6, rows: int = 10_000, seed: int = 0, on_trouble: str = "warn") -> us.Run:
    """The run of a network with one hidden layer; its last layer begins at zero, so that all chances are even at first."""
    network = nn.Network(nn.Dense(128), nn.ReLU(), nn.Dense(CLASSES, weight_init="zeros"))
    return us.fit(
        network, clouds(rows, seed), optimizer=us.Adam(rate), batch_size=100, epochs=epochs, seed=seed, on_trouble=on_trouble
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()

    print(f"ln {CLASSES} = {math.log(CLASSES):.3f}")
    for rate in (1e-8, 3e-3):
        run = train(rate, epochs=chosen.epochs, seed=chosen.seed, on_trouble="stop")
        losses = "  ".join(f"{loss:.3f}" for loss in run.history["loss"])
        print(f"rate {rate:g}: loss {losses}")
        for trouble in run.troubles:
            print(f"  {trouble}")
        print(f"  accuracy on new points: {run.evaluate(clouds(5_000, chosen.seed + 1))['accuracy']:.2%}")


if __name__ == "__main__":
    try:
        main()
    except us.UnstuckError as error:
        sys.exit(f"error: {error}")
