"""The preprocessing of named inputs and of targets of named outputs: measured, applied and kept for each by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from unstuck.data.dataset import Dataset
from unstuck.data.named import NamedRows, for_each
from unstuck.data.preprocessing import Preprocessing
from unstuck.errors import InputError

ALONE = ""  # the name of inputs or outputs that have none, because there is only one


@dataclass(frozen=True, eq=False)
class NamedPreprocessing:
    """One :class:`Preprocessing` for each named input, and one, of which only the part for targets counts, for each output."""

    inputs: Mapping[str, Preprocessing]
    targets: Mapping[str, Preprocessing]

    @classmethod
    def fit(
        cls, train: Dataset, answers: Mapping[str, Dataset], how: Any = "auto", targets: Any = "none"
    ) -> NamedPreprocessing:
        """Measure the training part; ``answers`` are its named outputs, each as a data set.

        ``how`` and ``targets`` are as in :meth:`Preprocessing.fit`, one for all or a dict by name. Targets "standardise" for all
        spares classes. InputError as there, and for unknown names.
        """
        named = isinstance(train.inputs, NamedRows)
        rows: Mapping[str, NDArray[Any]] = (
            train.inputs.parts if isinstance(train.inputs, NamedRows) else {ALONE: train.inputs}
        )
        if isinstance(how, Mapping) and not named:
            raise InputError(f"preprocessing is the dict {how!r}, but the inputs have no names; give one for all.")
        if isinstance(targets, Mapping) and not answers:
            raise InputError(f"targets is the dict {targets!r}, but the targets have no names; give one for all.")
        hows = for_each(how, rows, "input", "auto")
        whole = next(iter(answers.values()), train)
        parts = {name: replace(whole, inputs=part, name=_called(train, "input", name)) for name, part in rows.items()}
        one = next(iter(parts.values()))
        outputs = {name: replace(answer, inputs=one.inputs) for name, answer in answers.items()} or {ALONE: one}
        wanted = for_each(targets, outputs, "output", "none")
        if answers and not isinstance(targets, Mapping):
            wanted = {name: targets if outputs[name].task == "regression" else "none" for name in outputs}
        measured = {name: Preprocessing.fit(part, hows[name]) for name, part in parts.items()}
        if answers:  # no input belongs to one of them
            measured = {name: replace(p, task=None, class_names=None) for name, p in measured.items()}
        return cls(
            measured,
            {name: Preprocessing.fit(part, "none", wanted[name]) for name, part in outputs.items()},
        )

    def for_input(self, name: str = ALONE) -> Preprocessing:
        """What is done to the input of this name."""
        return self.inputs[name]

    def for_output(self, name: str = ALONE) -> Preprocessing:
        """What is done to the targets of the output of this name."""
        return self.targets[name]

    @property
    def target_divisor(self) -> Any:
        """That of the first targets that have one."""
        return next((p.target_divisor for p in self.targets.values() if p.target_divisor is not None), None)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the numbers, as plain JSON values; the numbers are in :meth:`arrays`."""
        return {
            "inputs": {name: p.to_dict() for name, p in self.inputs.items()},
            "targets": {name: p.to_dict() for name, p in self.targets.items()},
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The numbers, float64, by names such as "inputs/facts/shift"."""
        groups = {"inputs": self.inputs, "targets": self.targets}
        return {
            f"{group}/{name}/{key}": array
            for group, parts in groups.items()
            for name, part in parts.items()
            for key, array in part.arrays().items()
        }


AnyPreprocessing = Preprocessing | NamedPreprocessing


def preprocessing_from_dict(stored: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> AnyPreprocessing:
    """What ``to_dict`` and ``arrays`` of either kind gave, put together again. InputError when it does not fit together."""
    if "inputs" not in stored:
        return Preprocessing.from_dict(stored, arrays)

    def group(key: str) -> dict[str, Preprocessing]:
        return {
            name: Preprocessing.from_dict(
                part, {k.rpartition("/")[2]: a for k, a in arrays.items() if k.startswith(f"{key}/{name}/")}
            )
            for name, part in stored[key].items()
        }

    return NamedPreprocessing(group("inputs"), group("targets"))


def _called(train: Dataset, what: str, name: str) -> str:
    return f"{train.name}: {what} {name!r}" if name else train.name
