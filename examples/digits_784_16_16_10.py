"""The main job: 784-16-16-10 with sigmoids learns 60,000 handwritten digits.

Xavier normal weights, biases at zero, squared error summed over the ten outputs and averaged over the batch, batches of 125,
gradient descent whose rate falls from 4 to 0 along half a cosine. It is what `unstuck train mnist` does, written in Python.

    python examples/digits_784_16_16_10.py               # 30 epochs, about 95 of 100 test digits right
    python examples/digits_784_16_16_10.py --epochs 3 --seed 1 --save digits.safetensors
"""

from __future__ import annotations

import argparse
import sys

import unstuck as us
from unstuck import nn


def train(digits: us.Splits, *, epochs: int = 30, seed: int = 0, progress: bool = False) -> us.Run:
    """The run of the main job on the training part of ``digits``."""
    network = nn.Network(
        nn.Dense(16, weight_init="glorot_normal"), nn.Sigmoid(),
        nn.Dense(16, weight_init="glorot_normal"), nn.Sigmoid(),
        nn.Dense(10, weight_init="glorot_normal"), nn.Sigmoid(),
    )  # fmt: skip
    return us.fit(
        network,
        digits.train,
        loss=nn.SquaredError(outputs="sum", batch="mean"),
        optimizer=us.SGD(us.schedules.Cosine(4.0)),
        batch_size=125,
        epochs=epochs,
        validation=digits.test,  # only looked at, for the progress lines: nothing is chosen by it
        seed=seed,
        callbacks=[us.PrintProgress()] if progress else [],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", metavar="FILE", help="where to save the trained network")
    chosen = parser.parse_args()

    digits = us.datasets.load("mnist")
    assert digits.test is not None  # these digits come with a test part of their own
    run = train(digits, epochs=chosen.epochs, seed=chosen.seed, progress=True)
    print(run.network)
    figures = run.evaluate(digits.test)
    print(f"test loss {figures['loss']:.4f}, test accuracy {figures['accuracy']:.2%}")

    predicted = run.network.predict(digits.test.inputs[:10])
    print("first ten test digits:", *digits.test.targets[:10])
    print("the network says:     ", *predicted)
    if chosen.save:
        print("saved:", run.save(chosen.save))


if __name__ == "__main__":
    try:
        main()
    except us.UnstuckError as error:
        sys.exit(f"error: {error}")
