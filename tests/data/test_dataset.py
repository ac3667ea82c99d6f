"""A data set keeps what it was given, and gives parts of it without forgetting what the whole was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unstuck.data import Dataset
from unstuck.errors import InputError


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int64, np.float16, np.float32, np.float64])
def test_the_stored_type_is_kept(kind: type) -> None:
    assert Dataset.from_arrays(np.ones((2, 3), kind), [0, 1]).inputs.dtype == kind


def test_booleans_become_bytes() -> None:
    data = Dataset.from_arrays([[True, False]], [True])
    assert data.inputs.dtype == np.uint8 and data.inputs.tolist() == [[1, 0]]
    assert data.targets.tolist() == [1] and data.n_classes == 2


@given(labels=st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_labels_mean_the_same_in_every_spelling(labels: list[int]) -> None:
    inputs = np.zeros((len(labels), 2))
    classes = max(labels) + 1
    spellings = [labels, np.array(labels, np.uint8), np.array(labels, float), np.array(labels).reshape(-1, 1)]
    if classes > 1:
        spellings.append(np.eye(classes)[labels])
    for spelling in spellings:
        data = Dataset.from_arrays(inputs, spelling, task="classification")
        assert data.targets.tolist() == labels and data.targets.dtype == np.int64
        assert data.n_classes == classes and data.class_names == tuple(map(str, range(classes)))


def test_texts_become_classes_in_alphabetical_order_or_in_the_order_given() -> None:
    rows = np.zeros((3, 1))
    data = Dataset.from_arrays(rows, ["b", "a", "b"])
    assert (data.targets.tolist(), data.class_names) == ([1, 0, 1], ("a", "b"))
    data = Dataset.from_arrays(rows, np.array(["b", "a", "b"], object), class_names=("c", "b", "a"))
    assert (data.targets.tolist(), data.class_names) == ([1, 2, 1], ("c", "b", "a"))


def test_the_task_follows_from_the_type_of_the_targets_unless_it_is_given() -> None:
    rows = np.zeros((3, 1))
    assert Dataset.from_arrays(rows, [0, 1, 2]).task == "classification"
    assert Dataset.from_arrays(rows, [0.0, 1.0, 2.0]).task == "regression"
    numbers = Dataset.from_arrays(rows, [0, 1, 2], task="regression")
    assert numbers.targets.dtype == np.float64 and numbers.targets.shape == (3, 1)


def test_numbers_kept_as_objects_are_numbers() -> None:
    data = Dataset.from_arrays(np.array([[1, 2.5], [np.float32(3), True]], object), [0, 1])
    assert data.inputs.dtype == np.float64 and data.inputs.tolist() == [[1, 2.5], [3, 1]]


def test_flat_pictures_are_folded() -> None:
    data = Dataset.from_arrays(np.arange(12).reshape(2, 6), [0, 1], image_shape=(2, 3))
    assert data.inputs.shape == (2, 2, 3) and data.input_shape == data.image_shape == (2, 3)


def test_a_subset_keeps_the_classes_of_the_whole() -> None:
    data = Dataset.from_arrays(np.arange(8).reshape(4, 2), ["a", "b", "c", "a"], name="letters")
    for rows in (slice(0, 4, 3), [0, 3], np.array([True, False, False, True])):
        part = data.subset(rows)
        assert part.inputs.tolist() == [[0, 1], [6, 7]] and part.targets.tolist() == [0, 0]
        assert part.n_classes == 3 and part.name == "letters" and len(part) == 2


def test_it_says_what_it_is() -> None:
    data = Dataset.from_arrays(np.zeros((2, 3)), [[0.5, 1.0], [1.0, 2.0]], name="pairs")
    assert repr(data) == "<Dataset 'pairs': 2 rows of shape (3,) float64, regression of 2 numbers>"


@given(
    row=st.integers(0, 5),
    column=st.integers(0, 3),
    value=st.sampled_from([np.nan, np.inf, -np.inf]),
    later=st.integers(0, 5),
)
def test_the_first_bad_value_is_the_one_that_is_named(row: int, column: int, value: float, later: int) -> None:
    inputs = np.zeros((6, 4), np.float32)
    inputs[row, column] = inputs[max(row, later), 3] = value
    with pytest.raises(InputError, match=rf"^inputs: row {row}, column {column} holds (NaN|-?infinity)"):
        Dataset.from_arrays(inputs, range(6))
