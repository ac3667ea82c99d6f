"""fit: train a network on data. What it does: preparation.py, then loop.py, step by step (stepping.py), watched by guard.py."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from unstuck.data.named_preprocessing import AnyPreprocessing
from unstuck.nn.losses import Loss
from unstuck.nn.network import Network
from unstuck.training.callbacks import Callback
from unstuck.training.loop import Loop
from unstuck.training.optimizers import Optimizer
from unstuck.training.preparation import Prepared
from unstuck.training.run import Run
from unstuck.training.step import Penalty
from unstuck.training.stopping import EarlyStopping, Tolerance


def fit(
    network: Network,
    data: Any,
    *,
    loss: Loss | str | Callable[..., Any] | Mapping[str, Any] = "auto",
    optimizer: Optimizer | str = "auto",
    batch_size: int | None = 32,
    epochs: int = 10,
    validation: Any = None,
    seed: int = 0,
    preprocessing: str | AnyPreprocessing | Mapping[str, str] = "auto",
    targets: str | Mapping[str, str] = "none",
    shuffle: bool = True,
    l1: float = 0.0,
    l2: float = 0.0,
    penalties: Sequence[Penalty] = (),
    clip_norm: float | None = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    loss_weights: Mapping[str, float] | None = None,
    early_stopping: EarlyStopping | int | None = None,
    tolerance: Tolerance | None = None,
    on_trouble: str = "warn",
    callbacks: Sequence[Callback] = (),
    engine: str = "auto",
) -> Run:
    """Train ``network`` on ``data`` and return the :class:`Run`.

    data, validation: a Dataset, or a pair (inputs (N, ...), targets (N,) or (N, D)). A network without parameters gets its
    input shape from the data and its initial values from ``seed``; a network with parameters goes on from where it is. For
    networks with ``nn.Inputs`` or ``nn.Outputs`` either is a dict of arrays by name; loss, preprocessing (by inputs) and targets
    (by outputs) may then be dicts, too, and the loss is the sum of all, each times its factor in ``loss_weights`` (default 1).
    loss: a name, an nn loss or an array function of (outputs, targets); "auto" is cross-entropy for classes and squared error
    for numbers. optimizer: a name or an object; "auto" is Adam. batch_size: rows a step, the last partial batch included;
    None takes all rows at once. preprocessing: "auto", "none", "pixels", "scale", "standardise" or a fitted Preprocessing;
    measured on ``data`` only and applied again in predict; with "auto" a network that was trained before keeps the one it has.
    targets: "standardise" scales regression targets. l1, l2: penalties on all weights, no biases (see :class:`Penalty`).
    clip_norm: the largest norm of the whole gradient. sample_weight (N,), class_weight ("balanced", dict or list): factors of
    mean 1 (as given, where the loss sums over the batch). early_stopping: a rule, or a patience in epochs. tolerance: end when
    the loss or the squared gradient norm is small. on_trouble: what to do about a loss that explodes, is not finite, or stays
    where guessing stays (ln K for K classes): "warn" says it, with the likely cause, at once to the callbacks, in
    ``run.troubles`` and in the history; "stop" ends training, before the epoch that went bad; "lower_rate" goes back to a good
    state (parameters, optimiser, running statistics) and on with a tenth of the rate, where that can help, up to six times.

    Ctrl-C ends training after the step in progress; the Run then says ``stopped_because == "interrupted"``. The same seed on
    the same machine gives bit-identical results. Raises InputError for data, names and settings that do not fit, before the
    network is changed, and NonFiniteError (with ``.run``, parameters as at the start of that epoch) at the first NaN or infinity
    that ``on_trouble`` does not deal with.
    """
    started = time.perf_counter()
    prepared = Prepared(
        network, data, loss=loss, optimizer=optimizer, batch_size=batch_size, epochs=epochs, validation=validation, seed=seed,
        preprocessing=preprocessing, targets=targets, shuffle=shuffle, l1=l1, l2=l2, penalties=penalties, clip_norm=clip_norm,
        sample_weight=sample_weight, class_weight=class_weight, loss_weights=loss_weights, early_stopping=early_stopping,
        tolerance=tolerance, on_trouble=on_trouble, callbacks=callbacks, engine=engine,
    )  # fmt: skip
    return Loop(prepared, started).run_all()


def step_listing(network: Network, data: Any, **settings: Any) -> str:
    """What a step of ``fit`` with these arguments does, as text; the network is left as it is."""
    given = inspect.signature(fit).bind(network, data, **settings)
    given.apply_defaults()
    before = vars(network).copy()
    try:
        return Prepared(**given.arguments).steps.listing()
    finally:
        vars(network).clear()
        vars(network).update(before)
