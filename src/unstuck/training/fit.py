"""fit: run the step graph over shuffled mini-batches until it is time to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unstuck.data.dataset import Dataset
from unstuck.data.preprocessing import Preprocessing
from unstuck.engines import engine as engine_of
from unstuck.engines.reference import ReferenceEngine
from unstuck.errors import InputError, NonFiniteError
from unstuck.nn.layers.base import Layer, whole_number
from unstuck.nn.layers.dense import Dense
from unstuck.nn.losses import Loss, loss_function
from unstuck.nn.network import Network
from unstuck.training.callbacks import Callback
from unstuck.training.examples import as_dataset, row_weights
from unstuck.training.optimizers import Optimizer
from unstuck.training.optimizers import optimizer as optimizer_of
from unstuck.training.run import Run, check_labels, evaluate
from unstuck.training.schedules import ReduceOnPlateau, Schedule
from unstuck.training.step import Penalty, StepPlan
from unstuck.training.stopping import EarlyStopping, Tolerance, Watcher

Array = np.ndarray[Any, Any]

# Above this size the preprocessed training inputs are not kept as a whole; each batch is preprocessed when it is used.
KEEP_BYTES = 2**30


def fit(
    network: Network,
    data: Any,
    *,
    loss: Loss | str | Callable[..., Any] = "auto",
    optimizer: Optimizer | str = "auto",
    batch_size: int | None = 32,
    epochs: int = 10,
    validation: Any = None,
    seed: int = 0,
    preprocessing: str | Preprocessing = "auto",
    targets: str = "none",
    shuffle: bool = True,
    l1: float = 0.0,
    l2: float = 0.0,
    penalties: Sequence[Penalty] = (),
    clip_norm: float | None = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    early_stopping: EarlyStopping | int | None = None,
    tolerance: Tolerance | None = None,
    callbacks: Sequence[Callback] = (),
    engine: str = "auto",
) -> Run:
    """Train ``network`` on ``data`` and return the :class:`Run`.

    data, validation: a Dataset, or a pair (inputs (N, ...), targets (N,) or (N, D)). A network without parameters gets its
    input shape from the data and its initial values from ``seed``; a network with parameters goes on from where it is.
    loss: a name, an nn loss or an array function of (outputs, targets); "auto" is cross-entropy for classes and squared error
    for numbers. optimizer: a name or an object; "auto" is Adam. batch_size: rows a step, the last partial batch included;
    None takes all rows at once. preprocessing: "auto", "none", "pixels", "scale", "standardise" or a fitted Preprocessing;
    measured on ``data`` only and applied again in predict. targets: "standardise" scales regression targets. l1, l2:
    penalties on all weights, no biases (see :class:`Penalty`). clip_norm: the largest norm of the whole gradient.
    sample_weight (N,), class_weight ("balanced", dict or list): factors of mean 1. early_stopping: a rule, or a patience in
    epochs. tolerance: end when the loss or the squared gradient norm is small.

    Ctrl-C ends training after the step in progress; the Run then says ``stopped_because == "interrupted"``. The same seed on
    the same machine gives bit-identical results. Raises InputError for data, names and settings that do not fit, and
    NonFiniteError (with ``.run``, parameters as at the start of that epoch) at the first NaN or infinity.
    """
    return _Training(
        network, data, loss, optimizer, batch_size, epochs, validation, seed, preprocessing, targets, shuffle,
        (*([Penalty(l1, l2)] if l1 or l2 else []), *penalties), clip_norm, sample_weight, class_weight, early_stopping,
        tolerance, callbacks, engine,
    ).run_all()  # fmt: skip


class _Training:
    """The state of one call of fit."""

    def __init__(
        self,
        network: Network,
        data: Any,
        loss: Any,
        optimizer: Any,
        batch_size: int | None,
        epochs: int,
        validation: Any,
        seed: int,
        preprocessing: Any,
        targets: str,
        shuffle: bool,
        penalties: tuple[Penalty, ...],
        clip_norm: float | None,
        sample_weight: Any,
        class_weight: Any,
        early_stopping: Any,
        tolerance: Tolerance | None,
        callbacks: Sequence[Callback],
        engine: str,
    ) -> None:
        self.started = time.perf_counter()
        if not isinstance(network, Network):
            raise InputError(f"the first argument of fit is {network!r}; expected an nn.Network.")
        if not isinstance(data, Dataset):
            data = as_dataset(data, _task_of(loss), "training data")
        train: Dataset = data
        self.epochs = whole_number("epochs", epochs)
        seed = whole_number("seed", seed, 0)
        if batch_size is not None:
            batch_size = min(whole_number("batch_size", batch_size), len(train))
        if clip_norm is not None and not clip_norm > 0:
            raise InputError(f"clip_norm is {clip_norm!r}; expected a positive number.")
        loss = loss_function(_default_loss(network, train) if isinstance(loss, str) and loss == "auto" else loss)
        optimizer = optimizer_of("adam" if isinstance(optimizer, str) and optimizer == "auto" else optimizer)
        check_output(network, loss)

        # Everything is checked on a copy of the network's state, so that a refused call leaves the network as it was.
        fitted = (
            preprocessing
            if isinstance(preprocessing, Preprocessing)
            else Preprocessing.fit(train, preprocessing, targets)
        )
        shape = train.input_shape
        if not network.is_built:
            flat = isinstance(network.layers[0], Dense) and len(shape) != 1
            network.build((math.prod(shape),) if flat else shape, [seed, 0])
        elif math.prod(network._shape_of_inputs()) != math.prod(shape):
            raise InputError(f"the rows of {train.name!r} have shape {shape}; the network takes {network.input_shape}.")
        self.engine = engine_of(engine)
        self.network, self.train, self.loss, self.optimizer = network, train, loss, optimizer
        self.run = Run(network, loss, optimizer, train.task, seed, batch_size, self.engine.name)
        self.rows = batch_size or len(train)
        self.shuffle = shuffle and self.rows < len(train)
        self.validation = None if validation is None else as_dataset(validation, train.task, "validation data")
        self.weights = row_weights(train.targets, train.task, sample_weight, class_weight)
        self.preprocessing = fitted
        self.targets = fitted.apply_targets(train.targets, network.dtype)
        self._check_targets()
        network.preprocessing, network.task, network.class_names, network.loss = (
            fitted,
            train.task,
            train.class_names,
            loss,
        )

        self.inputs: Array | None = None
        if train.inputs.size * network.dtype.itemsize <= KEEP_BYTES:
            self.inputs = network.prepared(train.inputs)
        self.tolerance = tolerance
        if isinstance(early_stopping, int) and not isinstance(early_stopping, bool):
            early_stopping = EarlyStopping(early_stopping)
        self.watcher = Watcher(early_stopping) if early_stopping else None
        self.plan = StepPlan(
            network, loss, optimizer, penalties, clip_norm,
            weighted=self.weights is not None,
            counts_correct=train.task == "classification",
            reports_gradient=tolerance is not None and tolerance.gradient is not None,
        )  # fmt: skip
        self.programs: dict[int, Any] = {}
        self.slots = list(self.plan.slots().values())
        self.parameters = list(network.parameters.values())
        self.callbacks = list(callbacks)
        for callback in self.callbacks:
            callback.set_run(self.run)
        self.batch_hooks = [
            c for c in self.callbacks
            if type(c).on_train_batch_begin is not Callback.on_train_batch_begin
            or type(c).on_train_batch_end is not Callback.on_train_batch_end
            or {"on_train_batch_begin", "on_train_batch_end"} & set(vars(c))
        ]  # fmt: skip

    def _check_targets(self) -> None:
        width = self.network.output_shape[-1]
        if self.train.task == "classification":
            check_labels(self.train.targets, width, self.train.class_names)
            classes = self.train.n_classes
            if classes > (2 if width == 1 else width):
                raise InputError(
                    f"{self.train.name!r} has {classes} classes, but the network has {width} output{'s' if width > 1 else ''}; "
                    f"give the last layer {classes} units."
                )
        elif self.targets.shape[1:] != self.network.output_shape:
            raise InputError(
                f"the targets of {self.train.name!r} have shape {self.targets.shape}; the network gives (N, {width}). "
                f"Give the last layer {self.targets.shape[1]} units."
            )

    # The loop -----------------------------------------------------------------------------------------------------------
    def run_all(self) -> Run:
        run = self.run
        self._call("on_train_begin", {})
        try:
            for epoch in range(self.epochs):
                if self._epoch(epoch):
                    break
            else:
                run.stopped_because = "epochs"
        except KeyboardInterrupt:
            run.stopped_because = "interrupted"
        self._store()
        if self.watcher is not None and self.watcher.best_epoch >= 0:
            self.network.parameters.update(self.watcher.best_parameters)
            run.best_epoch = self.watcher.best_epoch + 1
        run.seconds = time.perf_counter() - self.started
        self._call("on_train_end", run.history.row(-1) if len(run.history) else {})
        return run

    def _epoch(self, epoch: int) -> bool:
        """One epoch; True when training is to end."""
        run, count = self.run, len(self.train)
        begun = time.perf_counter()
        start = (self.parameters.copy(), self.slots.copy(), run.steps)
        self._call("on_epoch_begin", {}, epoch)
        order = np.random.default_rng([run.seed, 1, epoch]).permutation(count) if self.shuffle else None
        loss_sum = correct = 0.0
        gradient = None
        factor = self._plateau_factor()
        for batch, first in enumerate(range(0, count, self.rows)):
            rows = slice(first, first + self.rows) if order is None else order[first : first + self.rows]
            rate = self._rate(epoch + first / count) * factor
            if self.batch_hooks:
                self._call("on_train_batch_begin", {"rows": rows}, batch, self.batch_hooks)
            results = self._step(rows, rate)
            loss = float(results[0])
            if not math.isfinite(loss):
                raise self._non_finite(epoch, start)
            size = min(self.rows, count - first)
            loss_sum += loss * (size if self.loss.batch == "mean" else 1)
            if self.plan.counts_correct:
                correct += float(results[2])
            if self.plan.reports_gradient:
                gradient = float(results[3 if self.plan.counts_correct else 2])
            if batch == 0 and epoch == 0:
                run.seconds_to_first_step = time.perf_counter() - self.started
            if self.batch_hooks:
                self._store()
                self._call("on_train_batch_end", {"loss": loss, "rows": size}, batch, self.batch_hooks)
                if run.stop_training:
                    break
            if self._is_close_enough(loss, gradient):
                run.stopped_because = "tolerance"
                break
        if not all(np.isfinite(p).all() for p in self.parameters):
            raise self._non_finite(epoch, start)
        figures: dict[str, Any] = {"epoch": epoch + 1, "loss": loss_sum / (count if self.loss.batch == "mean" else 1)}
        if self.plan.counts_correct:
            figures["accuracy"] = correct / count
        if gradient is not None:
            figures["gradient"] = gradient
        figures["learning_rate"] = rate
        self._store()
        if self.validation is not None:
            self._call("on_test_begin", {})
            measured = evaluate(self.network, self.validation, loss=self.loss)
            shown = ("loss", "accuracy") if self.train.task == "classification" else ("loss", "r2")
            figures.update({f"validation_{name}": measured[name] for name in shown})
            self._call("on_test_end", measured)
        figures["seconds"] = time.perf_counter() - begun
        run.history.append(figures)
        stop = bool(run.stopped_because)
        if self.watcher is not None and self.watcher.see(epoch, figures, self.network.parameters) and not stop:
            run.stopped_because, stop = "early stopping", True
        self._call("on_epoch_end", figures, epoch)
        if run.stop_training and not stop:
            run.stopped_because, stop = "callback", True
        return stop

    def _step(self, rows: Any, rate: float) -> list[Any]:
        run, dtype = self.run, self.network.dtype.type
        x, t = self._batch(rows), self.targets[rows]
        program = self.programs.get(len(x))
        if program is None:
            graph = self.plan.record(x.shape, t.shape, t.dtype)
            program = self.programs[len(x)] = self.engine.compile(graph)
        weights = () if self.weights is None else (self.weights[rows].astype(dtype),)
        key = np.array([run.seed & 0xFFFFFFFF, run.steps & 0xFFFFFFFF], np.uint32)
        state = (*self.parameters, *self.slots)
        results: list[Any] = program(x, t, *weights, dtype(rate), dtype(run.steps + 1), key, *state)
        # One assignment, so that an interrupt leaves either the old state or the new one.
        cut = len(results) - len(state)
        self.parameters, self.slots = results[cut : cut + len(self.parameters)], results[cut + len(self.parameters) :]
        run.steps += 1
        return results

    def _batch(self, rows: Any) -> Array:
        if self.inputs is not None:
            return self.inputs[rows]
        return self.network.prepared(self.train.inputs[rows])

    def _store(self) -> None:
        self.network.parameters.update(zip(self.network.parameters, self.parameters, strict=True))

    def _rate(self, epoch: float) -> float:
        schedule = self.optimizer.learning_rate
        assert isinstance(schedule, Schedule)
        return schedule.at(epoch, self.epochs)

    def _plateau_factor(self) -> float:
        schedule = self.optimizer.learning_rate
        if not isinstance(schedule, ReduceOnPlateau):
            return 1.0
        history = self.run.history
        if not len(history):
            return 1.0
        return schedule.plateau_factor(history["validation_loss" if self.validation is not None else "loss"])

    def _is_close_enough(self, loss: float, gradient: float | None) -> bool:
        if self.tolerance is None:
            return False
        small_loss = self.tolerance.loss is not None and loss < self.tolerance.loss
        return small_loss or (gradient is not None and gradient < self.tolerance.gradient)  # type: ignore[operator]

    def _call(self, hook: str, logs: dict[str, Any], *position: int | list[Callback]) -> None:
        numbers = [p for p in position if isinstance(p, int)]
        chosen = next((p for p in position if isinstance(p, list)), self.callbacks)
        for callback in chosen:
            getattr(callback, hook)(*numbers, logs)

    def _non_finite(self, epoch: int, start: tuple[list[Array], list[Array], int]) -> NonFiniteError:
        """Run the epoch again, from its start, watching every value: which step and which tensor went bad first."""
        run, count = self.run, len(self.train)
        self.parameters, self.slots, run.steps = start[0].copy(), start[1].copy(), start[2]
        order = np.random.default_rng([run.seed, 1, epoch]).permutation(count) if self.shuffle else None
        where = "a value"
        factor = self._plateau_factor()
        for first in range(0, count, self.rows):
            rows = slice(first, first + self.rows) if order is None else order[first : first + self.rows]
            rate = self._rate(epoch + first / count) * factor
            x, t = self._batch(rows), self.targets[rows]
            watched = ReferenceEngine().compile(self.plan.record(x.shape, t.shape, t.dtype))
            weights = () if self.weights is None else (self.weights[rows].astype(x.dtype),)
            key = np.array([run.seed & 0xFFFFFFFF, run.steps & 0xFFFFFFFF], np.uint32)
            state = (*self.parameters, *self.slots)
            scalar = x.dtype.type
            bad = watched.first_non_finite(x, t, *weights, scalar(rate), scalar(run.steps + 1), key, *state)
            if bad is not None:
                where = (
                    f"the {bad.operation} in {bad.scope}"
                    if bad.scope
                    else f"the {bad.operation} {bad.name or ''}".rstrip()
                )
                break
            self._step(rows, rate)
        step, rate_now = run.steps + 1, self._rate(float(epoch)) * factor
        self.parameters, self.slots, run.steps = start[0], start[1], start[2]
        self._store()
        run.stopped_because = "not finite"
        error = NonFiniteError(
            f"training met a NaN or an infinity at step {step} (epoch {epoch + 1}), first in {where}; the learning rate was "
            f"{rate_now:g}. Try a tenth of it, scale the inputs, or clip the gradient (clip_norm=1.0). The parameters are those "
            f"of the start of that epoch."
        )
        error.run = run  # type: ignore[attr-defined]
        return error


def check_output(network: Network, loss: Loss) -> None:
    """InputError where the last layer and the loss do not belong together: the softmax or sigmoid would be taken twice."""
    last: Layer = network.layers[-1]
    if loss.takes == "logits" and last.kind in ("Softmax", "Sigmoid"):
        twin = "cross_entropy_probabilities" if last.kind == "Softmax" else "squared_error"
        raise InputError(
            f"the network ends in {last.kind}, but the loss {type(loss).__name__} takes logits and applies it itself; leave "
            f"{last.kind}() out, or use the loss {twin!r}."
        )
    if loss.takes == "probabilities" and last.kind not in ("Softmax", "Sigmoid", "Function"):
        raise InputError(
            f"the loss {type(loss).__name__} takes probabilities, but the network ends in {last.kind}; end it in Softmax(), or "
            "use the loss 'cross_entropy', which takes logits."
        )


def _default_loss(network: Network, train: Dataset) -> str:
    if train.task == "regression":
        return "mean_squared_error"
    last = network.layers[-1]
    if last.kind == "Softmax":
        return "cross_entropy_probabilities"
    if last.kind in ("Sigmoid", "Tanh"):
        return "squared_error"
    single = isinstance(last, Dense) and last.units == 1
    return "binary_cross_entropy" if single else "cross_entropy"


def _task_of(loss: Any) -> str | None:
    """The task that the loss alone decides, for data given as bare arrays."""
    name = loss if isinstance(loss, str) else type(loss).__name__
    if name.lower().replace("_", "") in ("crossentropy", "crossentropyprobabilities"):
        return "classification"
    if name.lower().replace("_", "") in ("absoluteerror", "huber", "poisson", "meansquarederror", "halfsquarederror"):
        return "regression"
    return None
