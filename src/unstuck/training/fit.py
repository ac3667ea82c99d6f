"""fit: run the step graph over shuffled mini-batches until it is time to stop."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unstuck.autodiff import Graph
from unstuck.data.dataset import Dataset
from unstuck.data.preprocessing import Preprocessing
from unstuck.engines import engine as engine_of
from unstuck.engines.reference import is_finite
from unstuck.engines.steps import Training, arguments
from unstuck.engines.threads import suited_to
from unstuck.errors import InputError
from unstuck.nn.checks import number, whole_number
from unstuck.nn.layers.dense import Dense
from unstuck.nn.losses import Loss, loss_function
from unstuck.nn.network import Network
from unstuck.training.callbacks import Callback
from unstuck.training.checks import check_output, check_targets, default_loss, task_of
from unstuck.training.examples import as_dataset, row_weights
from unstuck.training.nonfinite import non_finite
from unstuck.training.optimizers import Optimizer
from unstuck.training.optimizers import optimizer as optimizer_of
from unstuck.training.recording import Recorder
from unstuck.training.run import Run, evaluate
from unstuck.training.schedules import Constant, ReduceOnPlateau, Schedule, WarmUp
from unstuck.training.step import Penalty, StepPlan
from unstuck.training.stopping import EarlyStopping, Tolerance, Watcher
from unstuck.training.stopping import early_stopping as early_stopping_of

Array = np.ndarray[Any, Any]

# Above this size the preprocessed training inputs are not kept as a whole; each batch is preprocessed when it is used.
KEEP_BYTES = 2**30
# After so many seconds of steps their results are looked at: a NaN ends training, Ctrl-C is heard.
LOOK_SECONDS = 0.05


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
    measured on ``data`` only and applied again in predict; with "auto" a network that was trained before keeps the one it has.
    targets: "standardise" scales regression targets. l1, l2: penalties on all weights, no biases (see :class:`Penalty`).
    clip_norm: the largest norm of the whole gradient. sample_weight (N,), class_weight ("balanced", dict or list): factors of
    mean 1 (as given, where the loss sums over the batch). early_stopping: a rule, or a patience in epochs. tolerance: end when
    the loss or the squared gradient norm is small.

    Ctrl-C ends training after the step in progress; the Run then says ``stopped_because == "interrupted"``. The same seed on
    the same machine gives bit-identical results. Raises InputError for data, names and settings that do not fit, before the
    network is changed, and NonFiniteError (with ``.run``, parameters as at the start of that epoch) at the first NaN or infinity.
    """
    return _Training(
        network, data, loss, optimizer, batch_size, epochs, validation, seed, preprocessing, targets, shuffle,
        [*([Penalty(l1, l2)] if l1 or l2 else []), *_listed(penalties)], clip_norm, sample_weight, class_weight, early_stopping,
        tolerance, callbacks, engine,
    ).run_all()  # fmt: skip


def step_listing(network: Network, data: Any, **settings: Any) -> str:
    """What a step of ``fit`` with these arguments does, as text; the network is left as it is."""
    given = inspect.signature(fit).bind(network, data, **settings)
    given.apply_defaults()
    names = list(given.arguments)
    chosen = given.arguments
    chosen["penalties"] = [Penalty(chosen["l1"], chosen["l2"]), *_listed(chosen["penalties"])]
    before = vars(network).copy()
    try:
        training = _Training(*(chosen[name] for name in names if name not in ("l1", "l2")))
        return training.steps.listing()
    finally:
        vars(network).clear()
        vars(network).update(before)


class _Training:
    """The state of one call of fit."""

    def __init__(self, network: Network, *settings: Any) -> None:
        self.started = time.perf_counter()
        if not isinstance(network, Network):
            raise InputError(f"the first argument of fit is {network!r}; expected an nn.Network.")
        before = vars(network).copy()
        try:
            self._prepare(network, *settings)
        except BaseException:  # a refused call leaves the network as it was, also without parameters
            vars(network).clear()
            vars(network).update(before)
            raise
        for callback in self.callbacks:
            callback.set_run(self.run)

    def _prepare(
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
        penalties: list[Penalty],
        clip_norm: float | None,
        sample_weight: Any,
        class_weight: Any,
        early_stopping: Any,
        tolerance: Tolerance | None,
        callbacks: Sequence[Callback],
        engine: str,
    ) -> None:
        task = task_of(loss, data[1]) if isinstance(data, tuple | list) and len(data) == 2 else None
        self.train = train = as_dataset(data, task, "training data")
        self.epochs = whole_number("epochs", epochs)
        seed = whole_number("seed", seed, 0)
        self.rows = len(train) if batch_size is None else min(whole_number("batch_size", batch_size), len(train))
        if clip_norm is not None:
            clip_norm = number("clip_norm", clip_norm, above=0)
        for what, given, expected in (("callbacks", callbacks, Callback), ("penalties", penalties, Penalty)):
            for one in _listed(given):
                if not isinstance(one, expected):
                    raise InputError(
                        f"{what} holds {one!r}; expected objects such as {expected.__name__}(…) in a list."
                    )
        if not isinstance(tolerance, Tolerance | None):
            raise InputError(f"tolerance is {tolerance!r}; expected Tolerance(loss=…) or Tolerance(gradient=…).")

        self.engine = engine_of(engine)
        self.optimizer = optimizer_of("adam" if isinstance(optimizer, str) and optimizer == "auto" else optimizer)
        fitted = _preprocessing(network, train, preprocessing, targets)
        self._build(network, seed)
        self.loss = loss_function(
            default_loss(network, train.task) if isinstance(loss, str) and loss == "auto" else loss
        )
        self.targets = fitted.apply_targets(train.targets, network.dtype)
        check_output(network, self.loss)
        check_targets(network, self.loss, train, self.targets)
        self.weights = row_weights(train, sample_weight, class_weight, normalise=self.loss.batch == "mean")
        self.validation = None
        if validation is not None:
            self.validation = as_dataset(validation, train.task, "validation data", train.class_names)
        network.preprocessing, network.task, network.loss = fitted, train.task, self.loss
        network.class_names = train.class_names
        self.network = network
        self.inputs: Array | None = None
        stored = self._stored_pixels()
        if stored is None and train.inputs.size * network.dtype.itemsize <= KEEP_BYTES:
            self.inputs = network.prepared(train.inputs)
        if self.validation is not None:
            network.prepared(self.validation.inputs[:1])
            shown = fitted.apply_targets(self.validation.targets, network.dtype)
            check_targets(network, self.loss, self.validation, shown)

        self.run = Run(network, self.loss, self.optimizer, train.task, seed, batch_size and self.rows, self.engine.name)
        self.shuffle = shuffle and self.rows < len(train)
        self.tolerance = tolerance
        self.plan = StepPlan(
            network, self.loss, self.optimizer, tuple(penalties), clip_norm,
            weighted=self.weights is not None,
            counts_correct=train.task == "classification",
            reports_gradient=tolerance is not None and tolerance.gradient is not None,
        )  # fmt: skip
        rule = early_stopping_of(early_stopping, self._figures())
        self.watcher = Watcher(rule) if rule is not None else None
        self.parameters = list(network.parameters.values())
        # Recorded now, so that whatever is wrong with a function of the user's is said before anything is changed.
        self.graphs: dict[int, Graph] = {}
        for size in {self.rows, len(train) % self.rows} - {0}:
            self.graph(size)
        self.given = Training(
            self.graph, self.rows, self.inputs if stored is None else stored[0], self.prepared_rows, self.targets, self.weights,
            [*self.parameters, *self.plan.slots().values()], self.run.seed, *((None, None) if stored is None else stored[1:]),
        )  # fmt: skip
        self.steps = self.engine.steps(self.given)
        self.recorder = Recorder(network, self._recorded_graph, self.run.recording)
        self.pace = math.inf  # seconds a step, as far as is known
        self.epoch_start = (self.state, 0)
        self.callbacks = list(callbacks)
        hooks = {"on_train_batch_begin", "on_train_batch_end"}
        self.batch_hooks = [
            c for c in self.callbacks
            if hooks & set(vars(c)) or any(getattr(type(c), hook) is not getattr(Callback, hook) for hook in hooks)
        ]  # fmt: skip

    def _stored_pixels(self) -> tuple[Array, Array | None, Array | None] | None:
        """Bytes that the engine itself turns into inputs, with shift and factor of each place: they stay as they are stored."""
        network, raw = self.network, self.train.inputs
        if self.engine.name == "reference" or raw.dtype != np.uint8 or self.rows == len(self.train):
            return None
        network.prepared(raw[:1])  # what is wrong with their shape is said now
        return raw, *(network.byte_scale(raw.shape[1:]) or (None, None))

    def _build(self, network: Network, seed: int) -> None:
        shape = self.train.input_shape
        if not network.is_built:
            flat = isinstance(network.layers[0], Dense) and len(shape) != 1
            network.build((math.prod(shape),) if flat else shape, [seed, 0])
        elif math.prod(network.input_shape or ()) != math.prod(shape):
            raise InputError(
                f"the rows of {self.train.name!r} have shape {shape}; the network takes {network.input_shape}."
            )
        if not network.parameters:
            raise InputError("the network has no parameters to train; add a layer that has some, such as nn.Dense(10).")

    def _figures(self) -> list[str]:
        """The names of what each epoch's row of the history will hold."""
        names = ["accuracy", "balanced_accuracy"] if self.train.task == "classification" else ["mae", "mse", "r2"]
        figures = ["loss", *(["accuracy"] if self.plan.counts_correct else [])]
        figures += ["gradient"] if self.plan.reports_gradient else []
        return figures + ([f"validation_{name}" for name in ("loss", *names)] if self.validation is not None else [])

    # The loop -----------------------------------------------------------------------------------------------------------
    def run_all(self) -> Run:
        run = self.run
        try:
            self._call("on_train_begin", {})
            with suited_to(self.graph(self.rows)):
                epoch = 0
                while epoch < self.epochs:
                    at_once = self._unwatched_epochs(epoch)
                    if at_once > 1 and self._many_epochs(epoch, at_once):
                        epoch += at_once
                    elif self._epoch(epoch):
                        break
                    else:
                        epoch += 1
                else:
                    run.stopped_because = "epochs"
        except KeyboardInterrupt:
            run.stopped_because = "interrupted"
            if not all(map(is_finite, self.state)):
                self.state, run.steps = self.epoch_start
        self._store()
        if self.watcher is not None and self.watcher.best_epoch >= 0:
            self.network.parameters.update(self.watcher.best_parameters)
            run.best_epoch = self.watcher.best_epoch + 1
        run.seconds = time.perf_counter() - self.started
        self._call("on_train_end", run.history.row(-1) if len(run.history) else {})
        return run

    def _epoch(self, epoch: int) -> bool:
        """One epoch; True when training is to end."""
        run, begun = self.run, time.perf_counter()
        self.epoch_start = (self.state, run.steps)
        self._call("on_epoch_begin", {}, epoch)
        parts: list[float] = []  # the loss of each step
        correct, seen, done, gradient = 0.0, 0, 0, None
        order, rates = self.order(epoch), self.rates(epoch)
        while done < len(rates):
            count = self._span(len(rates) - done)
            rows = order[done * self.rows : (done + count) * self.rows]
            if self.batch_hooks:
                self._call_batch("on_train_batch_begin", {"size": len(rows), "rows": rows}, done)
            results = self.take(order, rates, done, count)
            losses = np.asarray(results[0], np.float64)
            if not np.isfinite(losses).all():
                raise non_finite(self, epoch)
            parts += losses.tolist()
            seen, done = seen + len(rows), done + count
            if self.plan.counts_correct:
                correct += float(results[2].sum())
            if self.plan.reports_gradient:
                gradient = float(results[3 if self.plan.counts_correct else 2][-1])
            if self.batch_hooks:
                self._store()
                self._call_batch("on_train_batch_end", {"loss": float(losses[-1]), "size": len(rows)}, done - 1)
                if run.stop_training:
                    break
            if self._is_close_enough(float(losses[-1]), gradient):
                run.stopped_because = "tolerance"
                break
        if not all(map(is_finite, self.state)):
            raise non_finite(self, epoch)
        figures: dict[str, Any] = {"epoch": epoch + 1, "loss": self._epoch_loss(parts, seen)}
        if self.plan.counts_correct:
            figures["accuracy"] = correct / seen
        if gradient is not None:
            figures["gradient"] = gradient
        figures["learning_rate"] = float(rates[done - 1])
        self._store()
        if self.validation is not None:
            self._call("on_test_begin", {})
            measured = evaluate(self.network, self.validation, loss=self.loss)
            figures.update({f"validation_{name}": value for name, value in measured.items()})
            self._call("on_test_end", measured)
        self._record(epoch, order, rates, done - 1)
        figures["seconds"] = time.perf_counter() - begun
        run.history.append(figures)
        stop = bool(run.stopped_because)
        if self.watcher is not None and self.watcher.see(epoch, figures, self.network.parameters) and not stop:
            run.stopped_because, stop = "early stopping", True
        self._call("on_epoch_end", figures, epoch)
        if run.stop_training and not stop:
            run.stopped_because, stop = "callback", True
        return stop

    # Short epochs that nobody looks at, such as those of full batches, are taken many at a time ---------------------------
    def _unwatched_epochs(self, epoch: int) -> int:
        """How many of the coming epochs may be run without looking in between."""
        steps = -(-len(self.train) // self.rows)
        watched = (
            self.validation is not None or self.watcher is not None or self.callbacks or self.plan.reports_gradient
        )
        if watched or self.tolerance is not None or len(self.train) % self.rows or not self.run.steps:
            return 1
        if isinstance(self._schedule, ReduceOnPlateau):
            return 1
        return max(1, min(self.epochs - epoch, int(LOOK_SECONDS / self.pace) // steps))

    def _many_epochs(self, first: int, count: int) -> bool:
        """Run epochs at once; False, and all as before, if something in them is not finite (so that it can be found)."""
        run, begun = self.run, time.perf_counter()
        self.epoch_start = (self.state, run.steps)
        epochs = range(first, first + count)
        order = np.concatenate([self.order(e) for e in epochs]) if self.shuffle else np.tile(self.order(first), count)
        rates = self._many_rates(first, count)
        results = self.take(order, rates.ravel(), 0, rates.size)
        losses = np.asarray(results[0], np.float64).reshape(rates.shape)
        if not np.isfinite(losses).all() or not all(map(is_finite, self.state)):
            self.go_back()
            return False
        rows = self.rows if self.loss.batch == "mean" else 1
        share = rows / (len(self.train) if self.loss.batch == "mean" else 1)
        columns: dict[str, list[Any]] = {
            "epoch": [e + 1 for e in epochs], "loss": [math.fsum(row) * share for row in losses.tolist()]
        }  # fmt: skip
        if self.plan.counts_correct:
            columns["accuracy"] = (results[2].reshape(rates.shape).sum(axis=1) / len(self.train)).tolist()
        columns["learning_rate"] = rates[:, -1].tolist()
        self._store()
        self._record(first + count - 1, order, rates.ravel(), rates.size - 1)
        columns["seconds"] = [(time.perf_counter() - begun) / count] * count
        run.history.extend(columns)
        return True

    def _many_rates(self, first: int, count: int) -> Array:
        """The learning rates of several epochs, (epochs, steps)."""
        if isinstance(self.optimizer.learning_rate, Constant):
            return np.full((count, len(self.train) // self.rows), self.optimizer.learning_rate.at(first, self.epochs))
        return np.stack([self.rates(epoch) for epoch in range(first, first + count)])

    def order(self, epoch: int) -> Array:
        """The row numbers of an epoch in their order; each batch takes the next of them."""
        count = len(self.train)
        if not self.shuffle:
            return np.arange(count)
        return np.random.default_rng([self.run.seed, 1, epoch]).permutation(count)

    def rates(self, epoch: int) -> Array:
        """The learning rate of each step of an epoch."""
        count, factor, schedule = len(self.train), self._plateau_factor(), self.optimizer.learning_rate
        assert isinstance(schedule, Schedule)
        return np.array([schedule.at(epoch + i / count, self.epochs) * factor for i in range(0, count, self.rows)])

    def take(self, order: Array, rates: Array, first: int, count: int) -> list[Array]:
        """Take ``count`` steps of an epoch from its step ``first`` on; each figure of :meth:`StepPlan.record`, for each step."""
        begun = time.perf_counter()
        rows = order[first * self.rows : (first + count) * self.rows]
        results = self.steps.run(rows, rates[first : first + count], self.run.steps)
        self.run.steps += count
        now = time.perf_counter()
        if not self.run.seconds_to_first_step:
            self.run.seconds_to_first_step = now - self.started
        else:  # the first steps also compile
            self.pace = (now - begun) / count
        return results

    def _span(self, left: int) -> int:
        """How many of the steps that are left to take before looking at their results, and for Ctrl-C."""
        if self.batch_hooks or self.tolerance is not None:
            return 1
        return max(1, min(left, int(LOOK_SECONDS / self.pace)))

    def _record(self, epoch: int, order: Array, rates: Array, batch: int) -> None:
        """Let the recorder look at what a step on this batch does now."""

        def given() -> tuple[Any, ...]:
            rows = order[batch * self.rows : (batch + 1) * self.rows]
            return arguments(self.given, rows, rates[batch], self.run.steps, self.state)

        last, passed = epoch == self.epochs - 1, time.perf_counter() - self.started
        self.recorder.epoch(epoch + 1, self.run.steps, passed, given, last=last)

    def _recorded_graph(self, rows: int) -> Graph:
        inputs, targets = (rows, *(self.network.input_shape or ())), (rows, *self.targets.shape[1:])
        return self.plan.record(inputs, targets, self.targets.dtype, with_gradients=True)

    @property
    def state(self) -> list[Array]:
        """The parameters, then the optimiser's slots."""
        return self.steps.state

    @state.setter
    def state(self, values: Sequence[Array]) -> None:
        self.steps.state = list(values)

    def prepared_rows(self, rows: Array) -> Array:
        """The inputs of these rows, ready for the network."""
        return self.network.prepared(self.train.inputs[rows]) if self.inputs is None else self.inputs[rows]

    def graph(self, rows: int) -> Graph:
        """The step graph for batches of this many rows."""
        if rows not in self.graphs:
            inputs, targets = (rows, *(self.network.input_shape or ())), (rows, *self.targets.shape[1:])
            self.graphs[rows] = self.plan.record(inputs, targets, self.targets.dtype)
        return self.graphs[rows]

    def go_back(self) -> None:
        """To the parameters, slots and step number of the start of this epoch."""
        self.state, self.run.steps = self.epoch_start
        self._store()

    def _store(self) -> None:
        self.network.parameters.update(zip(self.network.parameters, self.state, strict=False))

    @property
    def _schedule(self) -> Schedule:
        """The schedule of the rate, after its warm-up."""
        schedule = self.optimizer.learning_rate
        assert isinstance(schedule, Schedule)
        return (schedule.then or schedule) if isinstance(schedule, WarmUp) else schedule

    def _plateau_factor(self) -> float:
        schedule, history = self._schedule, self.run.history
        if not isinstance(schedule, ReduceOnPlateau) or not len(history):
            return 1.0
        return schedule.plateau_factor(history["validation_loss" if self.validation is not None else "loss"])

    def _epoch_loss(self, parts: list[float], seen: int) -> float:
        """The loss of an epoch from those of its steps; only the last of them may have had fewer rows."""
        if self.loss.batch == "sum":
            return math.fsum(parts)
        last = seen - self.rows * (len(parts) - 1)
        return (self.rows * math.fsum(parts[:-1]) + last * parts[-1]) / seen

    def _is_close_enough(self, loss: float, gradient: float | None) -> bool:
        if self.tolerance is None:
            return False
        small_loss = self.tolerance.loss is not None and loss < self.tolerance.loss
        return small_loss or (gradient is not None and gradient < self.tolerance.gradient)  # type: ignore[operator]

    def _call(self, hook: str, logs: dict[str, Any], *epoch: int) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(*epoch, logs)

    def _call_batch(self, hook: str, logs: dict[str, Any], batch: int) -> None:
        for callback in self.batch_hooks:
            getattr(callback, hook)(batch, logs)


def _listed(given: Any) -> Sequence[Any]:
    return given if isinstance(given, tuple | list) else [given]


def _preprocessing(network: Network, train: Dataset, how: Any, targets: str) -> Preprocessing:
    """What is done to the data: as given, as the network already has it, or measured now."""
    given = how if isinstance(how, Preprocessing) else None
    if given is None and isinstance(how, str) and how == "auto" and network.is_built:
        given = network.preprocessing
    if given is None:
        return Preprocessing.fit(train, how, targets)
    if targets != "none" and given.target_divisor is None:
        raise InputError(
            f"targets={targets!r} was asked for, but the preprocessing that is already there leaves targets as they are; leave "
            "targets out, or give preprocessing='standardise' or another name to measure anew."
        )
    return given
