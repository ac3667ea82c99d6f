"""The random draws: Threefry's published answers, JAX's own implementation, and sanity of what is drawn."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from unstuck.autodiff import Graph, threefry
from unstuck.autodiff.graph import apply

# Known answers of Threefry-2x32 with 20 rounds, from Random123's file kat_vectors (Salmon, Moraes, Dror, Shaw).
KNOWN = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


@pytest.mark.parametrize(("key", "counter", "answer"), KNOWN)
def test_bits_are_the_published_ones(key: Any, counter: Any, answer: Any) -> None:
    words = threefry.bits(key, *(np.array([c], np.uint32) for c in counter))
    assert tuple(int(w[0]) for w in words) == answer


def test_bits_do_not_depend_on_the_company_or_the_shape_of_the_counters() -> None:
    first, second = np.arange(12, dtype=np.uint32), np.arange(12, dtype=np.uint32)[::-1].copy()
    x, y = threefry.bits((1, 2), first, second)
    for i in range(12):
        assert [w[0] for w in threefry.bits((1, 2), first[i : i + 1], second[i : i + 1])] == [x[i], y[i]]
    matrix = threefry.bits((1, 2), first.reshape(3, 4), second.reshape(3, 4))
    np.testing.assert_array_equal(matrix[0].ravel(), x)


@pytest.mark.extra
def test_bits_equal_those_of_jax(jax64: Any) -> None:
    prng = importlib.import_module("jax.extend.random")
    for seed in range(5):
        r = np.random.default_rng(seed)
        key = r.integers(0, 2**32, 2, dtype=np.uint32)
        counters = r.integers(0, 2**32, (2, 50), dtype=np.uint32)
        ours = np.stack(threefry.bits(key, counters[0], counters[1]))
        theirs = prng.threefry_2x32(jax64.numpy.asarray(key), jax64.numpy.asarray(counters.ravel()))
        np.testing.assert_array_equal(ours.ravel(), np.asarray(theirs))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_draws_are_uniform_in_zero_to_one(dtype: Any) -> None:
    x = threefry.uniform((7, 9), shape=(200, 500), stream=3, dtype=dtype)
    assert (x.dtype, x.shape) == (dtype, (200, 500))
    assert x.min() >= 0.0
    assert x.max() < 1.0
    n = x.size
    assert abs(x.mean() - 0.5) < 5 * np.sqrt(1 / 12 / n)
    counts = np.histogram(x, 100, (0, 1))[0]
    chi_square = float(np.sum((counts - n / 100) ** 2 / (n / 100)))
    assert 99 - 5 * np.sqrt(198) < chi_square < 99 + 5 * np.sqrt(198)
    grid = 2.0**24 if dtype == np.float32 else 2.0**53
    assert (x * grid % 1 == 0).all()


def test_draws_of_other_keys_streams_and_places_are_independent() -> None:
    def draw(key: Any, stream: int) -> Any:
        return threefry.uniform(key, shape=(50_000,), stream=stream, dtype=np.float64)

    base = draw((0, 0), 0)
    for other in (
        draw((0, 1), 0),
        draw((1, 0), 0),
        draw((0, 0), 1),
        draw((0, 0), 2),
        np.roll(base, 1),
        np.roll(base, 1000),
    ):
        assert not (other == base).any()
        assert abs(np.corrcoef(base, other)[0, 1]) < 5 / np.sqrt(base.size)


def test_the_same_key_gives_the_same_draws_and_the_first_ones_do_not_depend_on_how_many_follow() -> None:
    few, many = (threefry.uniform((4, 2), shape=(n,), stream=1, dtype=np.float32) for n in (10, 1000))
    np.testing.assert_array_equal(few, many[:10])
    assert threefry.uniform((4, 2), shape=(), stream=1, dtype=np.float32).shape == ()
    assert threefry.uniform((4, 2), shape=(0, 3), stream=1, dtype=np.float32).shape == (0, 3)


def test_a_recorded_draw_is_drawn_once_per_key_and_stream() -> None:
    graph = Graph(eager=True)
    key = graph.constant(np.array([1, 2], np.uint32))
    settings = {"shape": (3,), "dtype": np.dtype(np.float32)}
    first, again, other = (apply("random_uniform", key, stream=s, **settings) for s in (0, 0, 1))
    assert first is again
    assert first.value is not None
    assert other.value is not None
    np.testing.assert_array_equal(first.value, threefry.uniform((1, 2), shape=(3,), stream=0, dtype=np.float32))
    assert not np.array_equal(first.value, other.value)
