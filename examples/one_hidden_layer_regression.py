"""Regression with one hidden layer, trained with full batches from tolerance to tolerance.

Three sigmoid hidden units, linear outputs, bias units of -1, all weights drawn uniformly from [0, 1), half the summed squared
error, rate 1e-3. Training stops when the squared norm of all gradients falls under the tolerance, and goes on with the same
network to the next one. Beside each error stand two that need no hidden layer to learn: that of always predicting the mean
target, and that of the best linear outputs on the hidden units as they are now (least squares, bias included). The first is
to be beaten, the second cannot be.

    python examples/one_hidden_layer_regression.py            # both data sets, a minute or two
    python examples/one_hidden_layer_regression.py --data small
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import unstuck as us
from unstuck import nn

Array = np.ndarray[Any, Any]
MOST_ITERATIONS = 5_000_000


def small_data() -> tuple[Array, Array]:
    """Two rows of four inputs and four targets."""
    return np.array([[1, 2, -3, 10], [0.3, -7.8, 1, 2]]), np.array([[10, -3, 6, 1], [1, 1, 6, 1]], float)


def random_data(seed: int = 0) -> tuple[Array, Array]:
    """Twenty rows of seven inputs and two targets, uniform in [0, 1): there is nothing to find, only rows to memorise."""
    rng = np.random.default_rng(seed)
    return rng.uniform(size=(20, 7)), rng.uniform(size=(20, 2))


DATA = {
    "small": (small_data, (1, 0.1, 0.01, 1e-3, 1e-4)),
    "random": (random_data, (100, 10, 1, 0.1, 0.01, 1e-3)),
}


@dataclass(frozen=True)
class Row:
    """What is known when a tolerance has been reached; errors are summed over rows and outputs unless they are means."""

    tolerance: float
    iterations: int
    mean_absolute_error: float
    squared_error: float
    error_of_mean: float
    error_of_least_squares: float


def network_for(inputs: Array, targets: Array, seed: int = 0) -> nn.Network:
    """Three sigmoid units and linear outputs; float64, because the last tolerances are near the rounding of float32."""
    uniform = nn.Uniform(0, 1)
    hidden = nn.Dense(3, weight_init=uniform, bias_init=uniform, bias_value=-1)
    output = nn.Dense(targets.shape[1], weight_init=uniform, bias_init=uniform, bias_value=-1)
    return nn.Network(hidden, nn.Sigmoid(), output, input_shape=inputs.shape[1], seed=seed, dtype=np.float64)


def train(network: nn.Network, inputs: Array, targets: Array, tolerances: Sequence[float]) -> Iterator[Row]:
    """Train to one tolerance after the other; a row for each."""
    iterations = 0
    for tolerance in tolerances:
        run = us.fit(
            network,
            (inputs, targets),
            loss=nn.SquaredError(half=True, batch="sum"),
            optimizer=us.SGD(1e-3),
            batch_size=None,  # all rows at once: an epoch is one step
            epochs=MOST_ITERATIONS,
            tolerance=us.Tolerance(gradient=tolerance),
            preprocessing="none",
        )
        iterations += run.steps
        yield measured(network, inputs, targets, tolerance, iterations)
        if run.stopped_because != "tolerance":
            return


def measured(network: nn.Network, inputs: Array, targets: Array, tolerance: float, iterations: int) -> Row:
    """The errors of the network as it is."""
    residual = network.predict(inputs) - targets
    from_mean = targets.mean(axis=0) - targets
    weight, bias = network.parameters["dense1.weight"], network.parameters["dense1.bias"]
    hidden = 1 / (1 + np.exp(-(inputs @ weight - bias)))
    features = np.column_stack([hidden, -np.ones(len(inputs))])
    best = features @ np.linalg.lstsq(features, targets, rcond=None)[0]
    return Row(
        tolerance=tolerance,
        iterations=iterations,
        mean_absolute_error=float(np.abs(residual).mean()),
        squared_error=float((residual**2).sum()),
        error_of_mean=float((from_mean**2).sum()),
        error_of_least_squares=float(((best - targets) ** 2).sum()),
    )


HEAD = "tolerance  iterations  mean abs. error  squared error  of the mean  least squares"


def line(row: Row) -> str:
    """A row of the table as text."""
    return (
        f"{row.tolerance:>9g}  {row.iterations:>10,}  {row.mean_absolute_error:>15.6f}  {row.squared_error:>13.6g}  "
        f"{row.error_of_mean:>11.4f}  {row.error_of_least_squares:>13.4g}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", choices=[*DATA, "both"], default="both")
    parser.add_argument("--seed", type=int, default=0, help="of the initial weights")
    chosen = parser.parse_args()
    for name, (make, tolerances) in DATA.items():
        if chosen.data not in (name, "both"):
            continue
        inputs, targets = make()
        print(f"{name} data: {inputs.shape[0]} × {inputs.shape[1]} → {targets.shape[0]} × {targets.shape[1]}\n{HEAD}")
        for row in train(network_for(inputs, targets, chosen.seed), inputs, targets, tolerances):
            print(line(row), flush=True)
        print()


if __name__ == "__main__":
    try:
        main()
    except us.UnstuckError as error:
        sys.exit(f"error: {error}")
