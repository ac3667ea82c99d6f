"""What a reader of arrays hands on: inputs and targets as they lie in the file, before anything is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

PartName = Literal["all", "train", "validation", "test"]
ORDER: tuple[PartName, ...] = ("all", "train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Part:
    """Inputs (N, ...) and, if there are any, targets (N, ...) of one part."""

    inputs: NDArray[Any]
    targets: NDArray[Any] | None
    what: str
    """How messages call the inputs."""
    what_targets: str
    """How messages call the targets or, when there are none, what was looked for and where."""
    row_names: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False)
class Arrays:
    """The parts of a file or folder: "all" when it has no parts of its own, else "train" and perhaps the others."""

    name: str
    parts: Mapping[PartName, Part]
    image_shape: tuple[int, ...] | None = None
    class_names: tuple[str, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


def part_of(word: str) -> PartName | None:
    """The part that a word in a file's or array's name stands for, or None.

    >>> part_of("t10k"), part_of("Train"), part_of("images")
    ('test', 'train', None)
    """
    return PART_WORDS.get(word.lower())


PART_WORDS: dict[str, PartName] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
    "t10k": "test",
}
