"""Digits without a hidden layer: softmax regression, and ten sigmoid outputs with binary cross-entropy.

Both networks are one Dense layer, 784 inputs to ten logits. The losses take the logits: the softmax, or the sigmoids, are
part of the loss in training, and `predict_probabilities` applies them afterwards.

    python examples/softmax_regression.py
    python examples/softmax_regression.py --loss binary_cross_entropy --epochs 5
"""

from __future__ import annotations

import argparse
import sys

import unstuck as us
from unstuck import nn

LOSSES = ("cross_entropy", "binary_cross_entropy")


def train(digits: us.Splits, loss: str, *, epochs: int = 20, seed: int = 0) -> us.Run:
    """The run of one Dense layer on the training part of ``digits``."""
    return us.fit(
        nn.Network(nn.Dense(10, weight_init="zeros")),  # one layer: no symmetry that random weights would have to break
        digits.train,
        loss=loss,
        optimizer=us.SGD(0.2),
        batch_size=125,
        epochs=epochs,
        seed=seed,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--loss", choices=LOSSES, action="append", help="default: both, one after the other")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()

    digits = us.datasets.load("mnist")
    assert digits.test is not None  # these digits come with a test part of their own
    for loss in chosen.loss or LOSSES:
        run = train(digits, loss, epochs=chosen.epochs, seed=chosen.seed)
        figures = run.evaluate(digits.test)
        print(f"{loss.replace('_', ' ')}: test loss {figures['loss']:.4f}, test accuracy {figures['accuracy']:.2%}")
        chances = run.network.predict_probabilities(digits.test.inputs[:1])[0]
        print("  first test digit: " + "  ".join(f"{k}: {p:.1%}" for k, p in enumerate(chances)))


if __name__ == "__main__":
    try:
        main()
    except us.UnstuckError as error:
        sys.exit(f"error: {error}")
