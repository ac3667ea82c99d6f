"""What the command shows of a trained network: tables, the confusion matrix, the most doubtful images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.table import Table

from unstuck.cli.console import can_show, messages, results
from unstuck.cli.pictures import side_by_side
from unstuck.cli.progress import time_text
from unstuck.training.metrics import confusion_matrix

if TYPE_CHECKING:
    from unstuck.data import Dataset, Splits
    from unstuck.nn import Network
    from unstuck.training import Run

# A confusion matrix of more classes than this is no longer read; the classes most often confused are.
LARGEST_MATRIX = 20
LABELS = {"mae": "mean abs. error", "mse": "mean sq. error", "r2": "R²", "balanced_accuracy": "balanced accuracy"}


def training_report(run: Run, splits: Splits, measured: dict[str, dict[str, float]], path: Path) -> None:
    """The report at the end of `unstuck train`."""
    console = results()
    console.print()
    console.print(str(run.network), markup=False)
    ended = {
        "early stopping": f"early stopping; the best epoch was {run.best_epoch}",
        "interrupted": "interrupted by you",
        "trouble": "ended because of trouble",
        "target reached": "the aim was reached",
    }
    why = f" ({ended[run.stopped_because]})" if run.stopped_because in ended else ""
    console.print(
        f"{run.epochs} epochs, {run.steps:,} steps in {time_text(run.seconds)}{why}, engine {run.engine}, seed {run.seed}\n",
        markup=False,
    )
    console.print(figures_table(measured))
    judged = splits.test if splits.test is not None else splits.validation
    if splits.train.scaling_hint == "characters":
        show_text(run)
    elif judged is not None and run.task == "classification":
        show_classes(run.network, judged, "test" if splits.test is not None else "validation")
    messages().print(f"\nmodel saved: [bold]{path}[/]", highlight=False, soft_wrap=True)
    further = f"unstuck evaluate {path} {splits.name}   ·   unstuck predict {path} DATA"
    if splits.train.scaling_hint == "characters":
        further = f"unstuck sample {path} --prompt … --length 1000 --temperature 0.8"
    messages().print(f"next: {further}", markup=False, soft_wrap=True)


def show_text(run: Run) -> None:
    """What the network writes by itself."""
    from unstuck.training.sampling import sample

    written = "".join(sample(run.network, length=240, temperature=0.8, seed=run.seed))
    results().print("what it writes (unstuck sample, temperature 0.8):", markup=False)
    for line in written.strip().splitlines():
        results().print("  " + line, markup=False, highlight=False, soft_wrap=True)


def figures_table(measured: dict[str, dict[str, float]]) -> Table:
    """Loss and metrics, one row per part of the data."""
    names = list(next(iter(measured.values())))
    table = Table(box=box.SIMPLE_HEAD if can_show("─") else box.ASCII2, pad_edge=False)
    table.add_column("")
    for name in names:
        table.add_column(LABELS.get(name, name), justify="right")
    for part, figures in measured.items():
        cells = [f"{figures[n]:.2%}" if "accuracy" in n else f"{figures[n]:.4g}" for n in names]
        table.add_row(part, *cells, style="bold" if part == "test" else None)
    return table


def show_classes(network: Network, data: Dataset, part: str) -> None:
    """The confusion matrix and, for images, the most doubtful ones."""
    probabilities = network.predict_probabilities(data.inputs)
    predicted = network.predict(data.inputs)
    names = data.class_names or tuple(str(k) for k in range(probabilities.shape[1]))
    matrix = confusion_matrix(data.targets, predicted, len(names))
    console = results()
    if len(names) <= LARGEST_MATRIX:
        console.print(f"confusion on the {part} data: true class by row, predicted class by column", markup=False)
        console.print(matrix_table(matrix, names))
    else:
        console.print(f"the classes most often confused on the {part} data:", markup=False)
        for line in most_confused(matrix, names):
            console.print("  " + line, markup=False)
    if data.image_shape is not None:
        show_doubtful(data, probabilities, predicted, names)


def matrix_table(matrix: Any, names: tuple[str, ...]) -> Table:
    """The confusion matrix with the share of each class that was found."""
    table = Table(box=box.SIMPLE_HEAD if can_show("─") else box.ASCII2, pad_edge=False, padding=(0, 1))
    table.add_column("true", justify="right", style="bold")
    for name in names:
        table.add_column(name, justify="right")
    table.add_column("found", justify="right")
    for k, row in enumerate(matrix):
        cells = [str(n) if n else "·" if can_show("·") else "." for n in row]
        cells[k] = f"[bold green]{row[k]}[/]"
        table.add_row(names[k], *cells, f"{row[k] / row.sum():.1%}" if row.sum() else "-")
    return table


def most_confused(matrix: Any, names: tuple[str, ...], count: int = 8) -> list[str]:
    """The largest entries off the diagonal, in words."""
    errors = matrix.copy()
    np.fill_diagonal(errors, 0)
    order = np.argsort(errors, axis=None)[::-1][:count]
    pairs = [np.unravel_index(i, errors.shape) for i in order]
    return [f"{names[a]} taken for {names[b]}: {errors[a, b]} times" for a, b in pairs if errors[a, b]]


def show_doubtful(data: Dataset, probabilities: Any, predicted: Any, names: tuple[str, ...]) -> None:
    """The wrong answers that the network was surest of, then the closest calls."""
    ordered = np.sort(probabilities, axis=1)
    margin = ordered[:, -1] - ordered[:, -2]
    wrong = predicted != data.targets
    chosen = np.lexsort((np.where(wrong, -margin, margin), ~wrong))[:8]
    captions = [f"{names[predicted[i]]}? is {names[data.targets[i]]}" for i in chosen]
    width = results().width if results().is_terminal else 100
    lines = side_by_side(data.inputs[chosen], captions, width, blocks=can_show("▀▄█"))
    results().print("the most doubtful images: the surest of the wrong answers", markup=False)
    for line in lines:
        results().print(line, markup=False, soft_wrap=True)
