"""What fit is given, checked piece against piece and made ready, before anything is changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from unstuck.autodiff import Graph
from unstuck.data.dataset import Dataset
from unstuck.data.named import NamedRows
from unstuck.data.named_preprocessing import AnyPreprocessing, NamedPreprocessing
from unstuck.data.preprocessing import Preprocessing
from unstuck.engines import engine as engine_of
from unstuck.engines.steps import Training
from unstuck.errors import InputError, unknown_name
from unstuck.nn.checks import number, whole_number
from unstuck.nn.layers.dense import Dense
from unstuck.nn.losses import Loss, NamedLoss, loss_function
from unstuck.nn.network import Network
from unstuck.training.callbacks import Callback
from unstuck.training.carried import check_carried
from unstuck.training.checks import check_output, check_targets, default_loss, task_of
from unstuck.training.examples import as_dataset, row_weights
from unstuck.training.named_outputs import answers_of, check_names, joint_loss, packed_targets
from unstuck.training.optimizers import optimizer as optimizer_of
from unstuck.training.run import Run, figures_of
from unstuck.training.step import Penalty, StepPlan
from unstuck.training.stopping import EarlyStopping, Tolerance
from unstuck.training.stopping import early_stopping as early_stopping_of
from unstuck.training.trouble import ANSWERS

Array = np.ndarray[Any, Any]

# Above this size the preprocessed training inputs are not kept as a whole; each batch is preprocessed when it is used.
KEEP_BYTES = 2**30


class Prepared:
    """One call of fit, its arguments checked: data, network, loss and settings that go together, and the step graph.

    The arguments are those of :func:`unstuck.training.fit.fit`. A refused call (InputError) leaves the network as it was, also
    without parameters.
    """

    def __init__(self, network: Any, data: Any, **settings: Any) -> None:
        if not isinstance(network, Network):
            raise InputError(f"the first argument of fit is {network!r}; expected an nn.Network.")
        before = vars(network).copy()
        try:
            self._settings(data, **settings)
            self._data_and_network(network, **settings)
            self._step(**settings)
        except BaseException:
            vars(network).clear()
            vars(network).update(before)
            raise

    def _settings(
        self,
        data: Any,
        *,
        loss: Any,
        batch_size: Any,
        epochs: Any,
        seed: Any,
        shuffle: bool,
        l1: float,
        l2: float,
        penalties: Any,
        clip_norm: Any,
        tolerance: Any,
        callbacks: Any,
        on_trouble: Any,
        **others: Any,
    ) -> None:
        task = task_of(loss, data[1]) if isinstance(data, tuple | list) and len(data) == 2 else None
        self.train = as_dataset(data, task, "training data")
        self.epochs = whole_number("epochs", epochs)
        self.seed = whole_number("seed", seed, 0)
        count = len(self.train)
        self.rows = count if batch_size is None else min(whole_number("batch_size", batch_size), count)
        self.shuffle = shuffle and self.rows < count
        self.clip_norm = None if clip_norm is None else number("clip_norm", clip_norm, above=0)
        self.callbacks: list[Callback] = list(_listed("callbacks", callbacks, Callback))
        self.penalties: list[Penalty] = [
            *([Penalty(l1, l2)] if l1 or l2 else []),
            *_listed("penalties", penalties, Penalty),
        ]
        if not isinstance(tolerance, Tolerance | None):
            raise InputError(f"tolerance is {tolerance!r}; expected Tolerance(loss=…) or Tolerance(gradient=…).")
        self.tolerance = tolerance
        if on_trouble not in ANSWERS:
            raise unknown_name("answer to trouble (on_trouble)", on_trouble, ANSWERS)
        self.on_trouble: str = on_trouble

    def _data_and_network(
        self,
        network: Network,
        *,
        loss: Any,
        optimizer: Any,
        validation: Any,
        preprocessing: Any,
        targets: str,
        sample_weight: Any,
        class_weight: Any,
        engine: str,
        loss_weights: Any,
        **others: Any,
    ) -> None:
        train = self.train
        self.engine = engine_of(engine)
        self.optimizer = optimizer_of("adam" if isinstance(optimizer, str) and optimizer == "auto" else optimizer)
        fitted = _preprocessing(network, train, preprocessing, targets)
        self._build(network)
        check_names(network, train)
        self.loss = self._loss(network, loss, loss_weights)
        self.targets = self._targets(network, train, fitted)
        if network.heads and class_weight is not None:
            raise InputError(
                f"class_weight is for networks with one output, and this one has {', '.join(network.heads)}; use sample_weight."
            )
        self.weights = row_weights(train, sample_weight, class_weight, normalise=self.loss.batch == "mean")
        self.validation: Dataset | None = None
        if validation is not None:
            self.validation = as_dataset(validation, train.task, "validation data", train.class_names)
        network.preprocessing, network.task, network.loss = fitted, train.task, self.loss
        network.class_names = train.class_names
        self.network = network
        self.inputs: Array | None = None
        self.stored = self._stored_pixels()
        if self.stored is None and train.inputs.size * network.dtype.itemsize <= KEEP_BYTES:
            self.inputs = network.prepared(train.inputs)
        if self.validation is not None:
            network.prepared(self.validation.inputs[:1])
            check_names(network, self.validation)
            self._targets(network, self.validation, fitted)

    def _loss(self, network: Network, loss: Any, weights: Any) -> Loss:
        if network.heads:
            return joint_loss(network.heads, self.train, loss, weights)
        if weights is not None:
            raise InputError(f"loss_weights is {weights!r}, but the network has no named outputs; leave it out.")
        return loss_function(
            default_loss(network, self.train.task) if isinstance(loss, str) and loss == "auto" else loss
        )

    def _targets(self, network: Network, data: Dataset, fitted: AnyPreprocessing) -> Array:
        """The targets as the loss sees them; InputError where they do not go with it or with the outputs."""
        if isinstance(self.loss, NamedLoss):
            return packed_targets(network.heads, data, self.loss, fitted, network.dtype)
        targets = fitted.for_output().apply_targets(data.targets, network.dtype)
        check_output(network, self.loss)
        check_targets(network, self.loss, data, targets)
        return targets

    def _step(self, *, batch_size: int | None, early_stopping: Any, **others: Any) -> None:
        train = self.train
        self.run = Run(
            self.network, self.loss, self.optimizer, train.task, self.seed, batch_size and self.rows, self.engine.name
        )
        self.plan = StepPlan(
            self.network, self.loss, self.optimizer, tuple(self.penalties), self.clip_norm,
            weighted=self.weights is not None,
            counts_correct=train.task == "classification",
            reports_gradient=self.tolerance is not None and self.tolerance.gradient is not None,
        )  # fmt: skip
        self.early_stopping: EarlyStopping | None = early_stopping_of(early_stopping, self._figures())
        # Recorded now, so that whatever is wrong with a function of the user's is said before anything is changed.
        self._graphs: dict[int, Graph] = {}
        for size in {self.rows, len(train) % self.rows} - {0}:
            self.graph(size)
        carried = self.plan.carried(self.graph(self.rows))
        check_carried(carried, len(train), self.rows, batch_size, shuffle=self.shuffle)
        inputs, shift, factor = (self.inputs, None, None) if self.stored is None else self.stored
        state = [*self.network.parameters.values(), *self.plan.slots().values()]
        state += [np.zeros(node.shape, node.dtype) for node in carried]
        self.given = Training(
            self.graph, self.rows, inputs, self.prepared_rows, self.targets, self.weights, state, self.seed, shift, factor
        )  # fmt: skip
        self.steps = self.engine.steps(self.given)

    def _stored_pixels(self) -> tuple[Array, Array | None, Array | None] | None:
        """Bytes that the engine itself turns into inputs, with shift and factor of each place: they stay as they are stored."""
        network, raw = self.network, self.train.inputs
        stored = isinstance(raw, np.ndarray) and raw.dtype == np.uint8
        if self.engine.name == "reference" or not stored or self.rows == len(self.train):
            return None
        network.prepared(raw[:1])  # what is wrong with their shape is said now
        return raw, *(network.byte_scale(raw.shape[1:]) or (None, None))

    def _build(self, network: Network) -> None:
        inputs, shape = network.rows_of(self.train.inputs), self.train.input_shape
        if isinstance(inputs, NamedRows):
            if not network.is_built:
                network.build({name: part.shape[1:] for name, part in inputs.parts.items()}, [self.seed, 0])
        elif not network.is_built:
            flat = isinstance(network.layers[0], Dense) and len(shape) != 1
            network.build((math.prod(shape),) if flat else shape, [self.seed, 0])
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
        figures += self.plan.figures
        shown = ["loss", *(figures_of(self.network.heads) or names)]
        return figures + ([f"validation_{name}" for name in shown] if self.validation is not None else [])

    def named_figures(self, results: Sequence[Array], seen: int) -> dict[str, float]:
        """The figures of the named outputs over the steps of an epoch with ``seen`` rows, from those of its steps."""
        names, rows = self.plan.figures, self.rows
        found = {}
        for name, values in zip(names, results, strict=True):
            parts = np.asarray(values, np.float64)
            if self.loss.batch == "sum" and name.startswith("loss_"):
                found[name] = float(parts.sum())
            else:  # only the last step may have had fewer rows
                shares = np.full(len(parts), float(rows))
                shares[-1] = seen - rows * (len(parts) - 1)
                found[name] = float(np.average(parts, weights=shares))
        return found

    def prepared_rows(self, rows: Array) -> Array:
        """The inputs of these rows, ready for the network."""
        return self.network.prepared(self.train.inputs[rows]) if self.inputs is None else self.inputs[rows]

    def graph(self, rows: int) -> Graph:
        """The step graph for batches of this many rows."""
        if rows not in self._graphs:
            self._graphs[rows] = self._recorded(rows)
        return self._graphs[rows]

    def graph_with_gradients(self, rows: int) -> Graph:
        """The same with the gradients as its last outputs."""
        return self._recorded(rows, with_gradients=True)

    def _recorded(self, rows: int, **settings: Any) -> Graph:
        inputs, targets = (rows, *(self.network.input_shape or ())), (rows, *self.targets.shape[1:])
        return self.plan.record(inputs, targets, self.targets.dtype, **settings)


def _listed(what: str, given: Any, expected: type) -> Sequence[Any]:
    """Objects of one kind in a list; a single one may come without."""
    listed = given if isinstance(given, tuple | list) else [given]
    for one in listed:
        if not isinstance(one, expected):
            raise InputError(f"{what} holds {one!r}; expected objects such as {expected.__name__}(…) in a list.")
    return listed


def _preprocessing(network: Network, train: Dataset, how: Any, targets: Any) -> AnyPreprocessing:
    """What is done to the data: as given, as the network already has it, or measured now."""
    given = how if isinstance(how, AnyPreprocessing) else None
    if given is None and isinstance(how, str) and how == "auto" and network.is_built:
        given = network.preprocessing
    if given is None:
        answers = answers_of(train)
        if answers or isinstance(train.inputs, NamedRows):
            return NamedPreprocessing.fit(train, answers, how, targets)
        return Preprocessing.fit(train, how, targets)
    if targets != "none" and given.target_divisor is None:
        raise InputError(
            f"targets={targets!r} was asked for, but the preprocessing that is already there leaves targets as they are; leave "
            "targets out, or give preprocessing='standardise' or another name to measure anew."
        )
    return given
