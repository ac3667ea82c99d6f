"""`unstuck evaluate`, `unstuck predict` and `unstuck datasets`: using what was trained."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from unstuck.cli.console import messages, results
from unstuck.errors import InputError

if TYPE_CHECKING:
    from unstuck.data.preprocessing import Preprocessing
    from unstuck.nn import Network

Flag = Annotated[bool, Parameter(negative="")]
Out = Annotated[Path | None, Parameter(name=["--out", "-o"])]


def evaluate(model: Path, data: str, /, *, json: Flag = False) -> int:
    """Measure a saved model on labelled data.

    Parameters
    ----------
    model
        A file written by `unstuck train`.
    data
        A name (its test part, if it has one), or a file or folder with the columns of the training data.
    json
        Print one JSON object.
    """
    from unstuck.data import load_labelled
    from unstuck.training import load
    from unstuck.training.run import evaluate as measure

    network = load(model)
    labelled = load_labelled(data, _reading(network))
    figures = measure(network, labelled)
    if json:
        import json as encoder

        text = encoder.dumps({"model": str(model), "data": labelled.name, "rows": len(labelled), **figures})
        results().print(text, markup=False, soft_wrap=True)
        return 0
    from unstuck.cli.report import figures_table, show_classes

    results().print(f"{network.describe()} on {len(labelled):,} rows of {labelled.name}", markup=False)
    results().print(figures_table({labelled.name: figures}))
    if network.task == "classification" and labelled.targets.ndim == 1:
        show_classes(network, labelled, labelled.name)
    return 0


def predict(
    model: Path,
    data: str,
    /,
    *,
    out: Out = None,
    json: Flag = False,
) -> int:
    """Predict the target of each row with a saved model.

    Classes come as CSV with row, class and the probability of that class; numbers with one column per output.

    Parameters
    ----------
    model
        A file written by `unstuck train`.
    data
        A name, or a file or folder with the inputs; a target column is ignored.
    out
        Write to this file instead of standard output.
    json
        Print one JSON object: {"model", "data", "predictions", "probabilities"}.
    """
    from unstuck.data import load_inputs
    from unstuck.files import check_writable, write_whole
    from unstuck.training import load

    if out is not None:
        check_writable(out)
    network = load(model)
    rows = load_inputs(data, _reading(network))
    for note in rows.notes:
        messages().print(note, markup=False, soft_wrap=True)
    predicted = network.predict(rows.inputs)
    probabilities = network.predict_probabilities(rows.inputs) if network.task == "classification" else None
    text = (
        _json_text(network, model, rows, predicted, probabilities)
        if json
        else _csv_text(network, rows, predicted, probabilities)
    )
    if out is None:
        results().file.write(text)
        return 0
    write_whole(out, text.encode())
    messages().print(f"{len(predicted):,} predictions written to {out}", markup=False, soft_wrap=True)
    return 0


def datasets(*, json: Flag = False) -> int:
    """List the data sets that are known by name.

    Parameters
    ----------
    json
        Print one JSON object.
    """
    from unstuck.data import describe, names
    from unstuck.data.text import TEXTS

    facts = {name: describe(name) for name in names()}
    if json:
        import json as encoder
        from dataclasses import asdict

        results().print(encoder.dumps({name: asdict(f) for name, f in facts.items()}), markup=False, soft_wrap=True)
        return 0
    from rich import box
    from rich.table import Table

    from unstuck.cli.console import can_show

    table = Table(box=box.SIMPLE_HEAD if can_show("─") else box.ASCII2, pad_edge=False)
    for column in ("name", "what", "rows", "inputs", "task", "source"):
        table.add_column(column, justify="right" if column == "rows" else "left")
    for name, f in facts.items():
        shape = " × ".join(map(str, f.input_shape))
        task = f"{f.n_classes} classes" if f.n_classes else f"{f.n_outputs} number{'s' if f.n_outputs > 1 else ''}"
        table.add_row(name, f.summary, f"{f.rows:,}", shape, task, f.source)
    results().print(table)
    results().print("A file or a folder of images works in place of a name.", style="dim")
    results().print(f"Texts, for --network char-lstm: {', '.join(TEXTS)}, or any text file.", style="dim")
    return 0


def _csv_text(network: Network, rows: Any, predicted: Any, probabilities: Any) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = network.class_names
    labels = rows.row_names or range(len(predicted))
    if probabilities is not None:
        writer.writerow(["row", "class", "probability"])
        for label, k, p in zip(labels, predicted, probabilities, strict=True):
            writer.writerow([label, names[k] if names else int(k), f"{p[k]:.6g}"])
        return text.getvalue()
    width = predicted.shape[1]
    writer.writerow(["row", *(["prediction"] if width == 1 else [f"prediction {i + 1}" for i in range(width)])])
    for label, values in zip(labels, predicted, strict=True):
        writer.writerow([label, *(f"{v:.9g}" for v in values)])
    return text.getvalue()


def _json_text(network: Network, model: Path, rows: Any, predicted: Any, probabilities: Any) -> str:
    import json as encoder

    names = network.class_names
    shown = [names[k] for k in predicted] if names and probabilities is not None else predicted.tolist()
    content = {"model": str(model), "data": rows.name, "predictions": shown}
    if rows.row_names:
        content["rows"] = list(rows.row_names)
    if probabilities is not None:
        content["probabilities"] = [[round(float(p), 6) for p in row] for row in probabilities]
    return encoder.dumps(content) + "\n"


def _reading(network: Network) -> Preprocessing:
    """How data become rows for the network; InputError where a file cannot say that."""
    from unstuck.data.named_preprocessing import NamedPreprocessing

    if network.preprocessing is None:
        raise InputError(
            "the model holds no preprocessing, so data cannot be read for it; it was saved before training "
            f"({network.describe()})."
        )
    if isinstance(network.preprocessing, NamedPreprocessing):
        raise InputError(
            f"the model has inputs or outputs with names ({network.describe()}), which the command cannot read from a file; use "
            "it in Python: unstuck.load(path).predict(…)."
        )
    how: Preprocessing = network.preprocessing
    return how
