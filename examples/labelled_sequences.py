"""Labels for each step of sequences of unequal lengths: does this bracket close another one?

Each sequence is a row of opening and closing brackets, written as tokens and padded to one length. At each step the network
tells whether the brackets up to here are balanced, open, or broken for good. Padding is left out twice: the embedding's
``padding`` keeps it from the recurrent layer, the label -1 from loss and accuracy.

    python examples/labelled_sequences.py
    python examples/labelled_sequences.py --epochs 5
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

import unstuck as us
from unstuck import nn

PADDING, OPEN, CLOSE = 0, 1, 2
STATES = ("balanced", "open", "broken")


def brackets(rows: int, seed: int, *, longest: int = 16) -> us.Dataset:
    """Tokens (rows, longest) and a state for each of them, -1 for padding."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, longest + 1, rows)
    inside = np.arange(longest) < lengths[:, None]
    closing = rng.random((rows, longest)) < 0.45
    depth = np.cumsum(np.where(closing, -1, 1), axis=1)
    broken = np.minimum.accumulate(depth, axis=1) < 0
    state = np.where(broken, 2, np.where(depth > 0, 1, 0))
    tokens = np.where(inside, np.where(closing, CLOSE, OPEN), PADDING)
    return us.Dataset.from_arrays(tokens, np.where(inside, state, -1), class_names=STATES, name="brackets")


def train(*, epochs: int = 15, seed: int = 0) -> us.Run:
    """The run of a GRU that tells a state after each token."""
    network = nn.Network(nn.Embedding(3, 4, padding=PADDING), nn.GRU(24, sequences=True), nn.Conv1D(len(STATES), 1))
    return us.fit(
        network, brackets(2000, seed), optimizer=us.Adam(0.01), epochs=epochs, seed=seed, preprocessing="none"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()

    run = train(epochs=chosen.epochs, seed=chosen.seed)
    test = brackets(500, chosen.seed + 1)
    print(f"states told rightly in new sequences: {run.evaluate(test)['accuracy']:.2%}")
    for tokens, states in zip(test.inputs[:3], run.network.predict(test.inputs[:3]), strict=True):
        length = int((tokens != PADDING).sum())
        text = "".join("_()"[token] for token in tokens[:length])
        print(f"  {text:16}  " + " ".join(STATES[state] for state in states[:length]))


if __name__ == "__main__":
    try:
        main()
    except us.UnstuckError as error:
        sys.exit(f"error: {error}")
