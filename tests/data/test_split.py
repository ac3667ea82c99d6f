"""Splits lose no row, keep classes in proportion, and depend on nothing but the seed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unstuck.data import Dataset, load, shuffle, split

labels = st.lists(st.integers(0, 4), min_size=2, max_size=80)
fractions = st.floats(0.01, 0.99)
seeds = st.integers(0, 2**32 - 1)


def numbered(classes: list[int]) -> Dataset:
    """A data set whose single input is the number of the row."""
    return Dataset.from_arrays(np.arange(len(classes)).reshape(-1, 1), classes, class_names=list("abcde"))


@given(classes=labels, fraction=fractions, seed=seeds, stratify=st.booleans())
def test_every_row_is_in_exactly_one_part_and_keeps_its_target(
    classes: list[int], fraction: float, seed: int, stratify: bool
) -> None:
    if stratify and max(map(classes.count, classes)) == 1:
        classes = [*classes, classes[0]]  # with a single row of each class nothing could be split off
    parts = split(numbered(classes), fraction, seed, stratify=stratify)
    rows = np.concatenate([part.inputs[:, 0] for part in parts])
    assert sorted(rows) == list(range(len(classes)))
    assert all(np.array(classes)[part.inputs[:, 0]].tolist() == part.targets.tolist() for part in parts)
    assert all(part.n_classes == 5 for part in parts)


@given(classes=labels, fraction=fractions, seed=seeds)
def test_each_class_is_split_in_proportion_and_keeps_a_row_to_learn_from(
    classes: list[int], fraction: float, seed: int
) -> None:
    classes = [*classes, classes[0]]
    first, second = split(numbered(classes), fraction, seed)
    counts, taken = np.bincount(classes, minlength=5), np.bincount(second.targets, minlength=5)
    assert (np.abs(taken - counts * fraction) <= 1 + 1e-9).all()
    assert set(first.targets) == set(classes)


@given(rows=st.integers(2, 200), fraction=fractions, seed=seeds)
def test_without_classes_the_second_part_is_the_rounded_fraction(rows: int, fraction: float, seed: int) -> None:
    dataset = Dataset.from_arrays(np.arange(rows).reshape(-1, 1), np.linspace(0, 1, rows))
    _, second = split(dataset, fraction, seed)
    assert len(second) == min(rows - 1, max(1, round(rows * fraction)))


def test_the_stratified_part_has_the_rounded_size_when_the_classes_allow_it() -> None:
    assert [len(split(load("iris", test_fraction=0).train, f)[1]) for f in (0.1, 0.25, 1 / 3, 0.5)] == [15, 38, 50, 75]


@given(classes=labels, seed=seeds)
def test_the_same_seed_gives_the_same_order(classes: list[int], seed: int) -> None:
    dataset = numbered(classes)
    first, second = shuffle(dataset, seed), shuffle(dataset, seed)
    assert first.inputs.tolist() == second.inputs.tolist()
    assert sorted(first.inputs[:, 0]) == list(range(len(classes)))


def test_another_seed_gives_another_order() -> None:
    dataset = numbered([0, 1] * 50)
    assert shuffle(dataset, 0).inputs.tolist() != shuffle(dataset, 1).inputs.tolist()
    assert split(dataset, 0.5, 0)[1].inputs.tolist() != split(dataset, 0.5, 1)[1].inputs.tolist()


def test_a_test_part_of_a_single_row_is_not_made() -> None:
    splits = load("linnerud", test_fraction=0.05, validation_fraction=0.2)
    assert splits.test is None and splits.validation is not None and len(splits.validation) == 4
    assert splits.notes[0] == "All 20 rows were kept for training: they are too few for a test part."
