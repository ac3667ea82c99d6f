"""How a network learns: the step, the loop over batches, optimisers, schedules, stopping, history, metrics, saving."""

from unstuck.training.callbacks import Callback, LambdaCallback, PrintProgress
from unstuck.training.fit import fit
from unstuck.training.history import History
from unstuck.training.optimizers import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
)
from unstuck.training.run import Run, evaluate
from unstuck.training.sampling import sample
from unstuck.training.saving import load, load_with_history, save
from unstuck.training.step import Penalty, StepPlan
from unstuck.training.stopping import EarlyStopping, Tolerance

__all__ = [
    "SGD", "Adagrad", "Adam", "AdamW", "Callback", "EarlyStopping", "History", "LambdaCallback", "Momentum", "Nesterov",
    "Optimizer", "Penalty", "PrintProgress", "RMSProp", "Run", "StepPlan", "Tolerance", "evaluate", "fit", "load",
    "load_with_history", "sample", "save",
]  # fmt: skip
