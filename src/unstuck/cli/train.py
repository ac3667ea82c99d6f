"""`unstuck train`: from the name of a data set to a trained, tested and saved network."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from unstuck.cli.console import messages, results
from unstuck.errors import InputError

if TYPE_CHECKING:
    from unstuck.data import Splits
    from unstuck.nn import Network
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
        A name (see `unstuck datasets`), or a file or folder: CSV, IDX, .npy, .npz, or a folder of images.
    network
        Layer sizes, inputs first (784-16-16-10), or a TOML file with the layers.
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
        "batch_size": batch_size, "epochs": epochs,
    }  # fmt: skip
    splits = load(data, validation, test_fraction, target, task, seed)
    settings = recipe(splits, {k: v for k, v in given.items() if v is not None}, dropout)
    options: dict[str, Any] = {
        "seed": seed, "l1": l1, "l2": l2, "clip_norm": clip_norm, "early_stopping": early_stopping,
        "on_trouble": on_trouble, "preprocessing": preprocessing, "engine": engine,
    }  # fmt: skip
    use_threads(threads)
    if show_plan:
        results().print(plan_text(splits, settings, options), markup=False, soft_wrap=True)
        return 0
    path = check_writable(out if out is not None else free_name(Path(f"{splits.name}.safetensors")))
    if not json:
        announce(splits, settings)
    run = fit(splits, settings, quiet=json, **options)
    run.save(path)
    report(run, splits, path, as_json=json)
    return 130 if run.interrupted else 0


# What to train with -----------------------------------------------------------------------------------------------------
@dataclass
class Recipe:
    """Everything that describes a training, complete."""

    network: Network
    loss: str
    optimizer: Any
    batch_size: int | None
    epochs: int


MNIST_SIZES = "784-16-16-10"
# The main job: the network of the video series. On seeds 0 to 4 a constant rate of 4 ends at 95.16 ± 0.21 % (2: 95.11,
# 6: 94.94, 8: 94.75), the cosine at 95.43 ± 0.17 %.
SIGMOID_SQUARED = {"activation": "sigmoid", "output": "sigmoid", "loss": "squared_error", "optimizer": "sgd",
                   "learning_rate": 4.0, "schedule": "cosine", "batch_size": 125, "epochs": 30}  # fmt: skip
CLASSES = {"activation": "relu", "output": "identity", "loss": "cross_entropy", "optimizer": "adam", "learning_rate": 0.003,
           "schedule": "constant", "batch_size": 32, "epochs": 30}  # fmt: skip
NUMBERS = {**CLASSES, "loss": "mean_squared_error", "epochs": 100}
RATES = {
    "sgd": 0.1,
    "momentum": 0.02,
    "nesterov": 0.02,
    "adagrad": 0.02,
    "rmsprop": 0.001,
    "adam": 0.003,
    "adamw": 0.003,
}


def recipe(splits: Splits, given: dict[str, Any], dropout: float = 0.0) -> Recipe:
    """The settings that were given, completed by what suits the data."""
    from unstuck import nn
    from unstuck.training.optimizers import OPTIMIZERS

    dataset = splits.train
    features = math.prod(dataset.input_shape)
    outputs = dataset.n_classes if dataset.task == "classification" else dataset.targets.shape[1]
    base: dict[str, Any] = CLASSES if dataset.task == "classification" else NUMBERS
    if splits.name == "mnist" and not given.keys() & {"activation", "output", "loss", "optimizer"}:
        base = SIGMOID_SQUARED
    spec = given.get("network") or (MNIST_SIZES if splits.name == "mnist" else f"{features}-64-64-{outputs}")
    if "-" not in spec or spec.endswith(".toml"):
        layers, from_file = network_file(Path(spec))
        given = {**from_file, **{k: v for k, v in given.items() if k != "network"}}
        network = nn.Network(*layers)
    else:
        if "loss" in given and "output" not in given:
            # Logits for the losses that take logits; for squared error on classes outputs between 0 and 1.
            squared = "squared" in given["loss"] and dataset.task == "classification"
            given = {"output": "sigmoid" if squared else "identity", **given}
        network = dense_network(spec, features, {**base, **given}, dropout)
    chosen = {**base, **given}
    name = str(chosen["optimizer"]).lower()
    rate = given.get("learning_rate", base["learning_rate"] if name == base["optimizer"] else RATES.get(name, 0.01))
    if name not in OPTIMIZERS:
        from unstuck.errors import unknown_name

        raise unknown_name("optimizer", chosen["optimizer"], OPTIMIZERS)
    extra = {k: given[k] for k in ("momentum", "weight_decay") if k in given}
    if "momentum" in extra and name not in ("sgd", "momentum", "nesterov"):
        raise InputError(
            f"--momentum {extra['momentum']} does not go with {name}; expected --optimizer sgd or nesterov."
        )
    size = chosen["batch_size"]
    rates = schedule_of(given.get("schedule", base["schedule"] if "learning_rate" not in given else "constant"), rate)
    return Recipe(network, chosen["loss"], OPTIMIZERS[name](rates, **extra), size or None, chosen["epochs"])


def schedule_of(name: str, rate: float) -> Any:
    """The schedule of a name such as "cosine", from the given rate."""
    from unstuck.training.schedules import SCHEDULES

    known = {"".join("_" + c.lower() if c.isupper() else c for c in kind).lstrip("_"): kind for kind in SCHEDULES}
    if name not in known:
        from unstuck.errors import unknown_name

        raise unknown_name("schedule", name, known)
    return SCHEDULES[known[name]](rate)


def dense_network(spec: str, features: int, settings: dict[str, Any], dropout: float) -> Network:
    """The dense network of sizes such as 784-16-16-10, checked against the data."""
    from unstuck import nn

    network = nn.Network.from_sizes(spec, activation=settings["activation"], output=settings["output"])
    assert network.input_shape is not None
    if network.input_shape != (features,):
        sizes = "-".join([str(features), *spec.split("-")[1:]])
        raise InputError(
            f"network {spec} takes {network.input_shape[0]} inputs, the data have {features}; try --network {sizes}."
        )
    layers: list[Any] = []
    for layer, following in zip(network.layers, [*network.layers[1:], None], strict=True):
        layers.append(layer)
        if dropout and layer.kind != "Dense" and following is not None:
            layers.append(nn.Dropout(dropout))
    return nn.Network(*layers)


def network_file(path: Path) -> tuple[list[Any], dict[str, Any]]:
    """Layers and training settings of a TOML file: [[layers]] tables, and a [training] table if there is one."""
    import tomllib

    from unstuck.nn.layers.base import layer_from_dict

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"network {str(path)!r} is neither sizes such as 784-16-16-10 nor an existing TOML file of layers."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path}: not a readable TOML file ({error}).") from None
    stored = content.get("layers")
    if not isinstance(stored, list) or not stored or not all(isinstance(s, dict) for s in stored):
        raise InputError(
            f'{path}: expected [[layers]] tables, each with a layer, such as layer = "Dense" and units = 16.'
        )
    training = content.get("training", {})
    allowed = {"loss", "optimizer", "learning_rate", "schedule", "momentum", "weight_decay", "batch_size", "epochs"}
    for key in training:
        if key not in allowed:
            from unstuck.errors import unknown_name

            raise unknown_name(f"setting in [training] of {path}:", key, allowed)
    try:
        return [layer_from_dict(s) for s in stored], training
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def load(
    data: str, validation: str | None, test_fraction: float, target: str | None, task: str | None, seed: int
) -> Splits:
    """The data in its parts; ``validation`` is a share or a file."""
    from dataclasses import replace

    from unstuck import data as datasets

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


def free_name(path: Path) -> Path:
    """``path``, or the first of name-2, name-3 … that does not exist: an earlier model is never overwritten unasked."""
    found, number = path, 2
    while found.exists():
        found, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return found


# Doing it ---------------------------------------------------------------------------------------------------------------
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


def use_threads(count: int | None) -> None:
    """Set the number of threads, if one was given."""
    if count is not None:
        from unstuck.engines.cpu.threads import set_threads

        set_threads(count)


def arguments(splits: Splits, settings: Recipe, options: dict[str, Any]) -> dict[str, Any]:
    """What fit is called with, besides the network and the data."""
    return {
        "loss": settings.loss, "optimizer": settings.optimizer, "batch_size": settings.batch_size, "epochs": settings.epochs,
        "validation": splits.validation,
        # Targets such as prices in thousands would otherwise need a rate of their own.
        "targets": "standardise" if splits.train.task == "regression" else "none", **options,
    }  # fmt: skip


def plan_text(splits: Splits, settings: Recipe, options: dict[str, Any]) -> str:
    """What a training step does."""
    from unstuck.training.fit import step_listing

    return step_listing(settings.network, splits.train, **arguments(splits, settings, options))


def fit(splits: Splits, settings: Recipe, *, quiet: bool, **options: Any) -> Run:
    """Train with progress on standard error."""
    from unstuck import training
    from unstuck.cli.progress import LiveProgress, progress
    from unstuck.engines.cpu.compile import before_compiling

    shown = [] if quiet else [progress(settings.epochs)]
    if not quiet:
        before_compiling.append(tell_of_compiling)
    try:
        return training.fit(settings.network, splits.train, callbacks=shown, **arguments(splits, settings, options))
    finally:
        if not quiet:
            before_compiling.remove(tell_of_compiling)
        for callback in shown:
            if isinstance(callback, LiveProgress):
                callback.close()


def tell_of_compiling() -> None:
    """Said once for each new kind of network on a machine."""
    messages().print("[dim]making code for this processor; it is kept for the next time[/]")


def report(run: Run, splits: Splits, path: Path, *, as_json: bool) -> None:
    """What came of it: the table, the confusion matrix, the doubtful images, where the model is, what to try next."""
    from unstuck.cli.report import training_report

    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    measured = {name: run.evaluate(part) for name, part in parts.items() if part is not None}
    if as_json:
        results().print(json_text(run, splits, measured, path), markup=False, soft_wrap=True)
    else:
        training_report(run, splits, measured, path)


def json_text(run: Run, splits: Splits, measured: dict[str, dict[str, float]], path: Path) -> str:
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
            **measured,
            "model": str(path),
        }
    )
