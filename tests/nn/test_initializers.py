"""Initialisers: the moments and structure they promise, their names, and that the seed decides."""

from __future__ import annotations

import math

import numpy as np
import pytest

from unstuck import nn
from unstuck.nn.initializers import ALIASES, INITIALIZERS, initializer

FANS = (300, 500)
STANDARD_DEVIATIONS = {
    "glorot_normal": math.sqrt(2 / 800), "glorot_uniform": math.sqrt(2 / 800), "he_normal": math.sqrt(2 / 300),
    "he_uniform": math.sqrt(2 / 300), "lecun_normal": math.sqrt(1 / 300), "lecun_uniform": math.sqrt(1 / 300),
    "normal": 0.05, "uniform": 0.1 / math.sqrt(12),
}  # fmt: skip


def drawn(spec: object, shape: tuple[int, ...] = FANS, seed: int = 0) -> np.ndarray:
    return initializer(spec).sample(shape, shape[0], shape[-1], np.random.default_rng(seed))


@pytest.mark.parametrize("name", STANDARD_DEVIATIONS)
def test_mean_and_standard_deviation_are_those_of_the_scheme(name: str) -> None:
    values, expected = drawn(name), STANDARD_DEVIATIONS[name]
    assert values.shape == FANS
    assert abs(values.mean()) < 5 * expected / math.sqrt(values.size)
    assert values.std() == pytest.approx(expected, rel=0.01)
    if "uniform" in name:
        assert np.abs(values).max() <= math.sqrt(3) * expected
        assert np.abs(values).max() > 0.999 * math.sqrt(3) * expected
    else:
        assert np.abs(values).max() > 3 * expected


@pytest.mark.parametrize("shape", [(40, 40), (60, 20), (20, 60), (4, 5, 30)])
def test_orthogonal_has_orthonormal_rows_or_columns(shape: tuple[int, ...]) -> None:
    matrix = drawn(nn.Orthogonal(gain=2.0), shape).reshape(-1, shape[-1]) / 2.0
    small = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-12)


def test_constants_are_what_they_say() -> None:
    for spec, value in ((0.25, 0.25), ("zeros", 0), ("ones", 1), (nn.Constant(-3), -3), (np.float32(0.5), 0.5)):
        assert (drawn(spec) == value).all()


def test_uniform_and_normal_take_their_own_bounds() -> None:
    values = drawn(nn.Uniform(0, 1))
    assert 0 <= values.min() < 0.001 < 0.999 < values.max() < 1
    values = drawn(nn.Normal(std=2.0, mean=10.0))
    assert values.mean() == pytest.approx(10, abs=0.03)
    assert values.std() == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_is_another_name_of_its_scheme(alias: str) -> None:
    assert initializer(alias) == initializer(ALIASES[alias])


@pytest.mark.parametrize("name", INITIALIZERS)
def test_every_name_works_and_survives_its_stored_form(name: str) -> None:
    scheme = initializer(name.upper())
    assert drawn(scheme).shape == FANS
    assert initializer(scheme.to_dict()) == scheme


def test_a_seed_gives_the_same_network_and_another_seed_another_one() -> None:
    def weights(seed: int) -> list[np.ndarray]:
        return list(nn.Network(nn.Dense(8), nn.Tanh(), nn.Dense(3), input_shape=5, seed=seed).parameters.values())

    assert all(np.array_equal(a, b) for a, b in zip(weights(4), weights(4), strict=True))
    assert not np.array_equal(weights(4)[0], weights(5)[0])
