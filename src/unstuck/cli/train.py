"""`unstuck train`: from the name of a data set to a trained, tested and saved network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from unstuck.cli.console import messages, results
from unstuck.cli.recipe import Recipe, recipe
from unstuck.errors import InputError

if TYPE_CHECKING:
    from unstuck.cli.target import Target
    from unstuck.data import Splits
    from unstuck.training import Run


def train(
    data: str,
    /,
    *,
    network: str | None = None,
    activation: str | None = None,
    output: str | None = None,
    loss: str | None = None,
    optimizer: str | None = None,
    learning_rate: float | None = None,
    schedule: str | None = None,
    momentum: float | None = None,
    weight_decay: float | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    dropout: float = 0.0,
    clip_norm: float | None = None,
    batch_size: int | None = None,
    epochs: int | None = None,
    early_stopping: int | None = None,
    on_trouble: str = "warn",
    to: float | None = None,
    seed: int = 0,
    validation: str | None = None,
    test_fraction: float = 0.2,
    preprocessing: str = "auto",
    target: str | None = None,
    task: str | None = None,
    engine: str = "auto",
    threads: int | None = None,
    show_plan: Annotated[bool, Parameter(negative="")] = False,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Train a network on a data set and save it.

    Without settings `unstuck train mnist` trains 784-16-16-10 with sigmoids, squared error and mini-batches of 125.

    Parameters
    ----------
    data
        A name (see `unstuck datasets`), or a file or folder: CSV, IDX, .npy, .npz, a folder of images, a text for char-lstm.
    network
        Layer sizes, inputs first (784-16-16-10), a name (lenet, cnn, rnn, lstm, gru, char-lstm), or a TOML file of layers.
    activation
        Of the hidden layers: sigmoid, tanh, relu, leaky_relu, elu, gelu, silu, softplus.
    output
        Activation of the last layer; "identity" for logits or plain numbers.
    loss
        squared_error, cross_entropy, binary_cross_entropy, absolute_error, huber, poisson and others.
    optimizer
        sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw.
    learning_rate
        Step length of the optimizer, at the start.
    schedule
        How it changes: constant, cosine, exponential, step, warm_up, reduce_on_plateau.
    momentum
        For sgd: the share of the last step that is kept.
    weight_decay
        Decay of the weights apart from the gradient.
    l1
        Penalty on the absolute weights.
    l2
        Penalty on the squared weights.
    dropout
        Share of hidden units silenced at random in training.
    clip_norm
        Largest norm of the gradient.
    batch_size
        Rows per step; 0 takes all rows at once.
    epochs
        Passes over the training data.
    early_stopping
        Stop after this many epochs without a better validation loss; the best weights are kept.
    on_trouble
        When the loss explodes or stands still: warn, stop, or lower_rate, which goes back to a good state first.
    to
        Stop as soon as the test data are answered this well: accuracy for classes (0.99), R² for numbers.
    seed
        Of every random choice.
    validation
        A share of the training rows (0.1) or a file with validation data.
    test_fraction
        Share of rows kept for the test where the data has no test part of its own.
    preprocessing
        auto, none, pixels, scale or standardise.
    target
        The column to predict, in tables.
    task
        classification or regression, where it cannot be guessed.
    engine
        What runs the training; "auto" is the fastest.
    threads
        How many threads at most; as many as there are processors where the work is worth it.
    show_plan
        Print what a training step does, kernel by kernel, and do not train.
    out
        Where to save the model.
    json
        Print one JSON object instead of the report.
    """
    from unstuck.files import check_writable

    given = {
        "network": network, "activation": activation, "output": output, "loss": loss, "optimizer": optimizer,
        "learning_rate": learning_rate, "schedule": schedule, "momentum": momentum, "weight_decay": weight_decay,
        "batch_size": batch_size, "epochs": epochs, "clip_norm": clip_norm,
    }  # fmt: skip
    splits = load(data, validation, test_fraction, target, task, seed, network)
    settings = recipe(splits, {k: v for k, v in given.items() if v is not None}, dropout)
    options: dict[str, Any] = {
        "seed": seed, "l1": l1, "l2": l2, "early_stopping": early_stopping,
        "on_trouble": on_trouble, "preprocessing": preprocessing, "engine": engine,
    }  # fmt: skip
    target_figure = None if to is None else aim(to, splits)
    use_threads(threads)
    if show_plan:
        results().print(plan_text(splits, settings, options), markup=False, soft_wrap=True)
        return 0
    path = check_writable(out if out is not None else free_name(Path(f"{splits.name}.safetensors")))
    if not json:
        announce(splits, settings)
    run = fit(splits, settings, quiet=json, aim=target_figure, **options)
    run.save(path)
    report(run, splits, path, as_json=json, aim=target_figure)
    return 130 if run.interrupted else 0


def load(
    data: str,
    validation: str | None,
    test_fraction: float,
    target: str | None,
    task: str | None,
    seed: int,
    network: str | None = None,
) -> Splits:
    """The data in its parts; ``validation`` is a share or a file."""
    from dataclasses import replace

    from unstuck import data as datasets
    from unstuck.presets import PRESETS

    if network in PRESETS and PRESETS[network].reads == "text":
        return text(data, validation, test_fraction, target, task)

    share = 0.0
    other = None
    if validation is not None:
        try:
            share = float(validation)
        except ValueError:
            other = datasets.load(validation, target=target, task=task, test_fraction=0.0, seed=seed).train
    splits = datasets.load(
        data, target=target, task=task, test_fraction=test_fraction, validation_fraction=share, seed=seed
    )
    return splits if other is None else replace(splits, validation=other)


def text(data: str, validation: str | None, test_fraction: float, target: str | None, task: str | None) -> Splits:
    """A text in windows; InputError for options that are for other data."""
    from unstuck.data import text as texts

    for option, value in (("validation", validation), ("target", target), ("task", task)):
        if value is not None:
            raise InputError(f"--{option} {value} was given, but {data} is to be read as a text; leave it out.")
    if not 0 <= test_fraction < 1:
        raise InputError(f"--test-fraction is {test_fraction:g}; expected a share of at least 0 and below 1.")
    return texts.load(data, test_fraction=test_fraction)


def free_name(path: Path) -> Path:
    """``path``, or the first of name-2, name-3 … that does not exist: an earlier model is never overwritten unasked."""
    found, number = path, 2
    while found.exists():
        found, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return found


def announce(splits: Splits, settings: Recipe) -> None:
    """What is going to happen, before it does."""
    console = messages()
    for note in splits.notes:
        console.print(f"[dim]{splits.name}:[/] ", end="")
        console.print(note, markup=False, soft_wrap=True)
    parts = [f"{len(splits.train):,} for training"]
    for name, part in (("validation", splits.validation), ("the test", splits.test)):
        if part is not None:
            parts.append(f"{len(part):,} for {name}")
    rows = "all rows" if settings.batch_size is None else f"batches of {settings.batch_size}"
    console.print(f"{splits.name}: {', '.join(parts)} rows", markup=False, soft_wrap=True)
    console.print(f"{settings.loss.replace('_', ' ')}, {settings.optimizer}, {rows}", markup=False, soft_wrap=True)


def aim(to: float, splits: Splits) -> Target:
    """What is to be reached, checked against the data."""
    from unstuck.cli.target import Target

    return Target(to, splits)


def use_threads(count: int | None) -> None:
    """Set the number of threads, if one was given."""
    if count is not None:
        from unstuck.engines.cpu.threads import set_threads

        set_threads(count)


def arguments(splits: Splits, settings: Recipe, options: dict[str, Any]) -> dict[str, Any]:
    """What fit is called with, besides the network and the data."""
    return {
        "loss": settings.loss, "optimizer": settings.optimizer, "batch_size": settings.batch_size, "epochs": settings.epochs,
        "clip_norm": settings.clip_norm, "validation": splits.validation,
        # Targets such as prices in thousands would otherwise need a rate of their own.
        "targets": "standardise" if splits.train.task == "regression" else "none", **options,
    }  # fmt: skip


def plan_text(splits: Splits, settings: Recipe, options: dict[str, Any]) -> str:
    """What a training step does."""
    from unstuck.training.fit import step_listing

    return step_listing(settings.network, splits.train, **arguments(splits, settings, options))


def fit(splits: Splits, settings: Recipe, *, quiet: bool, aim: Target | None = None, **options: Any) -> Run:
    """Train with progress on standard error."""
    from unstuck import training
    from unstuck.cli.progress import LiveProgress, progress
    from unstuck.engines.cpu.compile import before_compiling

    shown = [] if quiet else [progress(settings.epochs)]
    if not quiet:
        before_compiling.append(told := once(tell_of_compiling))
    watching = [*([aim] if aim else []), *shown]  # what was aimed at is measured before it is shown
    try:
        return training.fit(settings.network, splits.train, callbacks=watching, **arguments(splits, settings, options))
    finally:
        if not quiet:
            before_compiling.remove(told)
        for callback in shown:
            if isinstance(callback, LiveProgress):
                callback.close()


def once(function: Callable[[], None]) -> Callable[[], None]:
    """The function for its first call, nothing for further ones."""
    left = [function]

    def called() -> None:
        if left:
            left.pop()()

    return called


def tell_of_compiling() -> None:
    """Said for a new kind of network on a machine."""
    messages().print("[dim]making code for this processor; it is kept for the next time[/]")


def report(run: Run, splits: Splits, path: Path, *, as_json: bool, aim: Target | None = None) -> None:
    """What came of it: the table, the confusion matrix, the doubtful images, where the model is, what to try next."""
    from unstuck.cli.report import training_report

    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    measured = {name: run.evaluate(part) for name, part in parts.items() if part is not None}
    if as_json:
        results().print(json_text(run, splits, measured, path, aim), markup=False, soft_wrap=True)
    else:
        training_report(run, splits, measured, path)
        if aim is not None:
            messages().print(aim.sentence(), markup=False, soft_wrap=True)


def json_text(
    run: Run, splits: Splits, measured: dict[str, dict[str, float]], path: Path, aim: Target | None = None
) -> str:
    """The one JSON object of --json."""
    epochs = max(run.epochs, 1)
    return json.dumps(
        {
            "dataset": splits.name,
            "network": run.network.describe(),
            "parameters": run.network.size,
            "engine": run.engine,
            "epochs": run.epochs,
            "seed": run.seed,
            "seconds": round(run.seconds, 4),
            "seconds_per_epoch": round(sum(run.history["seconds"]) / epochs, 5) if run.epochs else None,
            "seconds_to_first_step": round(run.seconds_to_first_step, 4),
            "stopped_because": run.stopped_because,
            "troubles": [str(trouble) for trouble in run.troubles],
            **({"to": aim.facts()} if aim is not None else {}),
            **measured,
            "model": str(path),
        }
    )
