"""What named outputs need around the steps: their targets as data sets, side by side in one row, and their losses as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from unstuck.data.dataset import Dataset
from unstuck.data.named import as_inputs, by_name, for_each, of_one_length
from unstuck.data.named_preprocessing import AnyPreprocessing
from unstuck.errors import InputError
from unstuck.nn.answers import Head
from unstuck.nn.checks import number
from unstuck.nn.losses import NamedLoss, Part, loss_function
from unstuck.nn.network import Network
from unstuck.training.checks import check_output, check_targets, default_loss

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False, repr=False)
class NamedDataset(Dataset):
    """Rows with several targets by name: ``answers`` has each as a data set of its own, ``targets`` all side by side.

    ``task`` and ``class_names`` are dicts.
    """

    answers: Mapping[str, Dataset] = field(default_factory=dict)

    @classmethod
    def from_targets(
        cls, inputs: Any, targets: Mapping[str, Any], *, name: str, task: Any = None, class_names: Any = None
    ) -> NamedDataset:
        """A data set from inputs and a dict of targets; see :meth:`Dataset.from_arrays`."""
        inputs = as_inputs(inputs, "inputs" if name == "data" else f"{name}: inputs")
        tasks, names = task or {}, class_names or {}
        answers = {}
        for key, part in of_one_length(_with_lengths(targets, name), f"{name}: targets").items():
            known = names.get(key) if tasks.get(key) == "classification" else None
            called = f"{name}: {key!r}"
            answers[key] = Dataset.from_arrays(inputs, part, name=called, task=tasks.get(key), class_names=known)
        columns = [answer.targets.reshape(len(answer), -1).astype(np.float64) for answer in answers.values()]
        return cls(
            inputs, np.concatenate(columns, axis=1), name,
            {key: answer.task for key, answer in answers.items()},  # type: ignore[arg-type]
            {key: answer.class_names for key, answer in answers.items()},  # type: ignore[arg-type]
            answers=answers,
        )  # fmt: skip

    def subset(self, rows: Any) -> NamedDataset:
        chosen = super().subset(rows)
        assert isinstance(chosen, NamedDataset)
        return replace(chosen, answers={name: answer.subset(rows) for name, answer in self.answers.items()})

    def __repr__(self) -> str:
        told = ", ".join(f"{name!r} {answer.task}" for name, answer in self.answers.items())
        return f"<Dataset {self.name!r}: {len(self):,} rows of shape {self.input_shape} {self.inputs.dtype}, {told}>"


def answers_of(data: Dataset) -> Mapping[str, Dataset]:
    """The named outputs of a data set, none for one with plain targets."""
    return data.answers if isinstance(data, NamedDataset) else {}


def check_names(network: Network, data: Dataset) -> None:
    """InputError where the targets have names and the outputs have none, or the other way round, or other names."""
    heads, answers = network.heads, answers_of(data)
    if answers and not heads:
        ways = ", ".join(f"{name}=…" for name in answers)
        raise InputError(
            f"the targets of {data.name!r} are a dict, but the network does not end in nn.Outputs; end it in nn.Outputs({ways}), "
            "or give an array."
        )
    if heads and not answers:
        raise InputError(
            f"the network tells {', '.join(heads)} by name; give the targets of {data.name!r} as a dict of arrays."
        )
    by_name(answers, heads, "output")


def joint_loss(heads: Mapping[str, Head], data: Dataset, loss: Any, weights: Any = None) -> NamedLoss:
    """The loss of all heads: ``loss`` is a dict by name, one for all, or "auto"; ``weights`` a dict of factors (default 1)."""
    answers = answers_of(data)
    if isinstance(loss, NamedLoss):
        weights = weights or {name: part.weight for name, part in loss.parts.items()}
        loss = {name: part.loss for name, part in loss.parts.items()}
    chosen = for_each(loss, heads, "output", "auto")
    factors = for_each(1.0 if weights is None else weights, heads, "output", 1.0)
    parts = {}
    for name, head in heads.items():
        given = chosen[name]
        auto = isinstance(given, str) and given == "auto"
        own = loss_function(default_loss(head, answers[name].task) if auto else given)
        factor = number(f"loss_weights[{name!r}]", factors[name], least=0)
        parts[name] = Part(own, head.output_shape, answers[name].task == "classification", factor)
    return NamedLoss(parts, batch=next(iter(parts.values())).loss.batch)


def packed_targets(
    heads: Mapping[str, Head], data: Dataset, loss: NamedLoss, preprocessing: AnyPreprocessing, dtype: Any
) -> Array:
    """The targets of all heads as their losses see them, side by side; InputError where they do not go together."""
    columns = []
    for name, head in heads.items():
        answer, own = answers_of(data)[name], loss.parts[name].loss
        targets = preprocessing.for_output(name).apply_targets(answer.targets, dtype)
        try:
            check_output(head, own)
            check_targets(head, own, answer, targets)
        except InputError as error:
            raise InputError(f"output {name!r}: {error}") from None
        columns.append(targets.reshape(len(targets), -1).astype(dtype))
    return np.concatenate(columns, axis=1)


def _with_lengths(targets: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = dict(targets)
    for key, part in found.items():
        if not hasattr(part, "__len__") or isinstance(part, str | bytes | Mapping):
            raise InputError(
                f"{name}: the targets of {key!r} are {part!r}; expected an array with one row for each example."
            )
    return found
