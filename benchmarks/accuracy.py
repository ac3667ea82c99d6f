"""How right the example systems are: mean and standard deviation over seeds, after the last epoch.

    python benchmarks/accuracy.py                                  # the four small systems, seeds 0 to 4
    python benchmarks/accuracy.py lenet rnn --seeds 0              # networks by name, trained as by the command
    python benchmarks/accuracy.py digits softmax --seeds 0 1 2 --json

"digits" is the main job with the settings of `unstuck train mnist`; the others are the programs of the same name in
examples/. Nothing is chosen on the test data: no early stopping, no best epoch; what stands here is where training ended.
"regression" has no test data; its figure is the summed squared training error at tolerance 1e-3 on the random data.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import unstuck as us
from unstuck.presets import PRESETS

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))


def digits(seed: int) -> float:
    """Test accuracy of the main job, 30 epochs."""
    program = importlib.import_module("digits_784_16_16_10")
    return _test_accuracy(program.train(mnist(), epochs=30, seed=seed))


def softmax(seed: int) -> float:
    """Test accuracy of softmax regression, 20 epochs."""
    program = importlib.import_module("softmax_regression")
    return _test_accuracy(program.train(mnist(), "cross_entropy", epochs=20, seed=seed))


def sigmoids(seed: int) -> float:
    """Test accuracy of ten sigmoid outputs with binary cross-entropy, 20 epochs."""
    program = importlib.import_module("softmax_regression")
    return _test_accuracy(program.train(mnist(), "binary_cross_entropy", epochs=20, seed=seed))


def regression(seed: int) -> float:
    """Summed squared error of the one-hidden-layer regression when the squared gradient norm falls under 1e-3."""
    program = importlib.import_module("one_hidden_layer_regression")
    inputs, targets = program.random_data()
    *_, last = program.train(program.network_for(inputs, targets, seed), inputs, targets, [1e-3])
    return float(last.squared_error)


def preset(name: str, seed: int) -> float:
    """Test accuracy of a network by name, trained as its preset says."""
    from unstuck.cli.recipe import recipe

    settings = recipe(mnist(), {"network": name})
    run = us.fit(
        settings.network, mnist().train, loss=settings.loss, optimizer=settings.optimizer, batch_size=settings.batch_size,
        epochs=settings.epochs, clip_norm=settings.clip_norm, seed=seed,
    )  # fmt: skip
    return _test_accuracy(run)


SYSTEMS: dict[str, tuple[Callable[[int], float], str, str]] = {
    "digits": (digits, "784-16-16-10 sigmoid, squared error, 30 epochs", "{:.2%}"),
    "softmax": (softmax, "softmax regression, 784-10, 20 epochs", "{:.2%}"),
    "sigmoids": (sigmoids, "ten sigmoids, binary cross-entropy, 784-10, 20 epochs", "{:.2%}"),
    "regression": (regression, "7-3-2 regression, squared error at tolerance 1e-3", "{:.3f}"),
}
SMALL = list(SYSTEMS)
SYSTEMS |= {
    known.name: (partial(preset, known.name), f"{known.name}, {known.training['epochs']} epochs", "{:.2%}")
    for known in PRESETS.values()
    if known.reads != "text"
}
_loaded: list[us.Splits] = []


def mnist() -> us.Splits:
    """The digits, read once."""
    if not _loaded:
        _loaded.append(us.datasets.load("mnist"))
    return _loaded[0]


def _test_accuracy(run: us.Run) -> float:
    return run.evaluate(mnist().test)["accuracy"]


def measure(name: str, seeds: list[int]) -> dict[str, Any]:
    """The figure of one system for each seed."""
    function, what, _ = SYSTEMS[name]
    start = time.perf_counter()
    values = [function(seed) for seed in seeds]
    return {
        "name": name,
        "what": what,
        "seeds": seeds,
        "values": values,
        "mean": statistics.mean(values),
        "standard_deviation": statistics.stdev(values) if len(values) > 1 else None,
        "seconds": round(time.perf_counter() - start, 1),
    }


def line(found: dict[str, Any]) -> str:
    """One row of the Markdown table."""
    shown = SYSTEMS[found["name"]][2].format
    spread = found["standard_deviation"]
    mean = shown(found["mean"]) if spread is None else f"{shown(found['mean'])} ± {shown(spread)}"
    return f"| {found['what']} | {mean} | {', '.join(shown(v) for v in found['values'])} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(SYSTEMS)}; default: {', '.join(SMALL)}")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    chosen = parser.parse_args()
    for name in chosen.names:
        if name not in SYSTEMS:
            parser.error(f"unknown name {name!r}; expected some of {', '.join(SYSTEMS)}")
    names = chosen.names or SMALL
    if chosen.json:
        print(json.dumps([measure(name, chosen.seeds) for name in names], indent=1))
        return
    print(f"| system | mean ± standard deviation | seeds {', '.join(map(str, chosen.seeds))} |\n| --- | --- | --- |")
    for name in names:
        print(line(measure(name, chosen.seeds)), flush=True)


if __name__ == "__main__":
    main()
