"""MNIST inside the package is the original, byte for byte, and damage to it is noticed."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from unstuck.data import load, mnist
from unstuck.errors import InputError


@pytest.fixture(scope="module")
def stored() -> bytes:
    return mnist.read_embedded()


@pytest.fixture(scope="module")
def decoded(stored: bytes) -> tuple[np.ndarray, np.ndarray]:
    return mnist.decode(stored)


@pytest.fixture(scope="module")
def encoder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("encode_mnist", Path(__file__).with_name("encode_mnist.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("part", "rows"), [("train", slice(0, 60_000)), ("t10k", slice(60_000, None))])
def test_decoded_arrays_reproduce_the_original_files(
    part: str, rows: slice, decoded: tuple[np.ndarray, np.ndarray]
) -> None:
    pictures, labels = (array[rows] for array in decoded)
    count = len(labels).to_bytes(4, "big")
    images_file = b"\0\0\x08\x03" + count + (28).to_bytes(4, "big") * 2 + pictures.tobytes()
    labels_file = b"\0\0\x08\x01" + count + labels.tobytes()
    assert hashlib.sha256(images_file).hexdigest() == mnist.IDX_SHA256[f"{part}-images-idx3-ubyte"]
    assert hashlib.sha256(labels_file).hexdigest() == mnist.IDX_SHA256[f"{part}-labels-idx1-ubyte"]


def test_encoding_what_was_decoded_and_decoding_it_again_changes_nothing(
    encoder: ModuleType, decoded: tuple[np.ndarray, np.ndarray]
) -> None:
    random = np.random.default_rng(0)
    order = random.permutation(mnist.ROWS)
    pictures, labels = decoded[0][order[::-1]], decoded[1][order]
    pictures[:100] = random.integers(0, 256, (100, 28, 28))  # also values that MNIST does not have
    pictures[100], pictures[101] = 0, 255
    again = mnist.unpack(encoder.encode(pictures, labels, level=1))
    assert np.array_equal(again[0], pictures)
    assert np.array_equal(again[1], labels)


def test_embedded_file_is_at_most_12_million_bytes(stored: bytes) -> None:
    assert len(stored) <= 12_000_000


@pytest.mark.parametrize("place", [0, 17, 200, 5_000_000, -1])
def test_one_changed_bit_anywhere_is_noticed(place: int, stored: bytes) -> None:
    damaged = bytearray(stored)
    damaged[place] ^= 1
    with pytest.raises(InputError, match="the MNIST file inside the package is damaged"):
        mnist.decode(bytes(damaged))


def test_a_file_cut_short_is_noticed(stored: bytes) -> None:
    with pytest.raises(InputError, match="the MNIST file inside the package is damaged: its 1,000 bytes"):
        mnist.decode(stored[:1000])


def test_mnist_loads_by_name_with_its_own_test_part() -> None:
    splits = load("mnist")
    assert splits.validation is None and splits.test is not None and splits.notes == ()
    for dataset, rows in ((splits.train, 60_000), (splits.test, 10_000)):
        assert dataset.inputs.shape == (rows, 28, 28) and dataset.inputs.dtype == np.uint8
        assert dataset.targets.shape == (rows,) and dataset.targets.dtype == np.int64
        assert dataset.class_names == tuple("0123456789")
        assert (dataset.image_shape, dataset.scaling_hint) == ((28, 28), "pixels")
    assert splits.train.targets[:5].tolist() == [5, 0, 4, 1, 9]  # as everybody knows them


def test_a_validation_part_of_mnist_comes_from_its_training_part() -> None:
    splits = load("mnist", validation_fraction=0.1, seed=3)
    assert splits.validation is not None and splits.test is not None
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (54_000, 6_000, 10_000)
    counts = np.bincount(splits.validation.targets) / np.bincount(load("mnist").train.targets)
    assert np.allclose(counts, 0.1, atol=2e-4)
