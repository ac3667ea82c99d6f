"""Preprocessing is measured on the training part, applied to anything later, and survives being stored."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unstuck.data import Dataset, Preprocessing, load, split
from unstuck.data.preprocessing import BLOCK_VALUES, SCALINGS
from unstuck.errors import InputError

tables = hnp.arrays(
    np.float64, st.tuples(st.integers(2, 30), st.integers(1, 5)), elements=st.floats(-1e6, 1e6, width=32)
)


def numbers(inputs: np.ndarray, **more: object) -> Dataset:
    return Dataset.from_arrays(inputs, np.arange(len(inputs), dtype=float), **more)  # type: ignore[arg-type]


@given(inputs=tables)
def test_standardised_features_have_mean_0_and_deviation_1_or_are_0(inputs: np.ndarray) -> None:
    result = Preprocessing.fit(numbers(inputs), "standardise").apply(inputs, np.float64)
    deviation = inputs.std(axis=0)
    resolution = 1e-9 * np.abs(inputs).max(axis=0)  # deviations below are made of rounding
    clear = deviation > resolution
    assert np.allclose(result[:, clear].mean(axis=0), 0, atol=1e-6)
    assert np.allclose(result[:, clear].std(axis=0), 1, atol=1e-6)
    constant = (inputs == inputs[0]).all(axis=0)
    assert np.allclose(result[:, constant], 0, atol=1e-9)


@given(inputs=tables)
def test_scaled_features_run_from_0_to_1_or_are_0(inputs: np.ndarray) -> None:
    result = Preprocessing.fit(numbers(inputs), "scale").apply(inputs, np.float64)
    varies = np.ptp(inputs, axis=0) > 1e-9 * np.abs(inputs).max(axis=0)
    assert np.allclose(result.min(axis=0), 0) and np.allclose(result[:, varies].max(axis=0), 1)


def test_a_large_offset_loses_no_precision() -> None:
    years = 1.7e9 + np.linspace(-1, 1, 101).reshape(-1, 1)  # as of time stamps in seconds
    result = Preprocessing.fit(numbers(years), "standardise").apply(years)
    assert result.dtype == np.float32
    assert np.allclose(result, (years - 1.7e9) / (years - 1.7e9).std(), atol=1e-5)


def test_only_the_training_part_is_measured() -> None:
    train, test = split(load("wine", test_fraction=0).train, 0.3)
    fitted = Preprocessing.fit(train)
    assert fitted.how == "standardise"
    assert np.allclose(fitted.shift, train.inputs.mean(axis=0)) and np.allclose(
        fitted.divisor, train.inputs.std(axis=0)
    )
    expected = (test.inputs - train.inputs.mean(axis=0)) / train.inputs.std(axis=0)
    assert np.allclose(fitted.apply(test.inputs), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "largest", "divisor"),
    [(np.uint8, 255, 255), (np.uint8, 16, 16), (np.uint16, 60_000, 65_535), (float, 16, 16), (np.uint8, 0, 1)],
)
def test_pixels_are_divided_by_the_value_of_white(kind: type, largest: int, divisor: float) -> None:
    inputs = np.linspace(0, largest, 32).reshape(2, 4, 4).astype(kind)
    data = Dataset.from_arrays(inputs, [0, 1], image_shape=(4, 4), scaling_hint="pixels")
    result = Preprocessing.fit(data).apply(inputs)
    assert np.array_equal(result, (inputs / divisor).astype(np.float32))


def test_pictures_are_standardised_per_channel_and_sequences_per_feature() -> None:
    random = np.random.default_rng(0)
    colour = random.integers(0, 256, (20, 5, 6, 3)).astype(np.uint8)
    fitted = Preprocessing.fit(numbers(colour, image_shape=(5, 6, 3)), "standardise")
    assert np.allclose(fitted.shift, colour.mean(axis=(0, 1, 2))) and np.allclose(
        fitted.divisor, colour.std(axis=(0, 1, 2))
    )
    fitted = Preprocessing.fit(numbers(colour[..., 0], image_shape=(5, 6)), "standardise")
    assert np.allclose([fitted.shift, fitted.divisor], [colour[..., 0].mean(), colour[..., 0].std()])
    sequences = random.normal(3, 2, (20, 7, 4))
    fitted = Preprocessing.fit(numbers(sequences), "standardise")
    assert np.allclose(fitted.shift, sequences.mean(axis=(0, 1))) and np.allclose(
        fitted.divisor, sequences.std(axis=(0, 1))
    )


def test_many_rows_give_the_same_as_one_by_one() -> None:
    inputs = np.random.default_rng(0).normal(5, 3, (3 * BLOCK_VALUES // 7 + 5, 7))
    fitted = Preprocessing.fit(numbers(inputs), "standardise")
    assert np.allclose(fitted.shift, inputs.mean(axis=0)) and np.allclose(fitted.divisor, inputs.std(axis=0))
    whole = fitted.apply(inputs)
    assert np.array_equal(whole[-3:], fitted.apply(inputs[-3:])) and np.array_equal(whole[:1], fitted.apply(inputs[:1]))


def test_the_inputs_are_left_alone_and_flat_rows_are_folded() -> None:
    inputs = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    before = inputs.copy()
    for how in SCALINGS:
        fitted = Preprocessing.fit(numbers(inputs), how)
        result = fitted.apply(inputs.reshape(2, 12))
        assert result.shape == (2, 3, 4) and result.dtype == np.float32
        result[:] = -1
        assert np.array_equal(inputs, before)


def test_unfitted_preprocessing_only_changes_the_type() -> None:
    inputs = np.array([[1, 2], [3, 4]], np.uint8)
    assert Preprocessing().apply(inputs).tolist() == inputs.tolist()
    assert (
        Preprocessing().apply(inputs).dtype == np.float32
        and Preprocessing().apply(inputs, "float64").dtype == np.float64
    )


@given(targets=hnp.arrays(np.float64, st.tuples(st.integers(2, 20), st.integers(1, 3)), elements=st.floats(-1e4, 1e4)))
def test_standardised_targets_can_be_turned_back(targets: np.ndarray) -> None:
    data = Dataset.from_arrays(np.zeros((len(targets), 1)), targets)
    fitted = Preprocessing.fit(data, targets="standardise")
    turned = fitted.apply_targets(data.targets, np.float64)
    assert np.allclose(fitted.invert_targets(turned), targets, atol=1e-8)
    varies = targets.std(axis=0) > 1e-6
    assert np.allclose(turned[:, varies].std(axis=0), 1)


def test_class_labels_and_unmeasured_targets_pass_unchanged() -> None:
    labels = np.array([0, 2, 1])
    assert Preprocessing().apply_targets(labels) is labels
    assert Preprocessing().apply_targets(np.array([[0.5]])).dtype == np.float32
    predictions = np.array([[0.5]])
    assert Preprocessing().invert_targets(predictions) is predictions


@pytest.mark.parametrize("how", SCALINGS)
@pytest.mark.parametrize("name", ["wine", "linnerud", "digits"])
def test_storing_and_reading_gives_the_same_to_the_bit(how: str, name: str) -> None:
    train = load(name).train
    fitted = Preprocessing.fit(train, how, targets="standardise" if train.task == "regression" else "none")
    again = Preprocessing.from_dict(json.loads(json.dumps(fitted.to_dict())), fitted.arrays())
    assert np.array_equal(again.apply(train.inputs), fitted.apply(train.inputs))
    assert np.array_equal(again.apply_targets(train.targets), fitted.apply_targets(train.targets))
    assert again.to_dict() == fitted.to_dict()
    assert (again.input_shape, again.image_shape, again.class_names) == (
        train.input_shape,
        train.image_shape,
        train.class_names,
    )


@pytest.mark.parametrize("missing", ["how", "layout", "input_shape", "class_names"])
def test_a_description_with_a_piece_missing_is_refused(missing: str) -> None:
    fitted = Preprocessing.fit(load("iris").train)
    stored = fitted.to_dict()
    del stored[missing]
    with pytest.raises(InputError, match=f"cannot be read.*{missing}"):
        Preprocessing.from_dict(stored, fitted.arrays())


@given(bad=st.sampled_from([np.nan, np.inf]), row=st.integers(0, 4))
def test_new_rows_are_checked_before_they_are_used(bad: float, row: int) -> None:
    rows = np.zeros((5, 2))
    rows[row, 1] = bad
    with pytest.raises(InputError, match=f"^new.csv: row {row}, column 1 holds"):
        Preprocessing().apply(rows, what="new.csv")
