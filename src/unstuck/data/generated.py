"""Small data sets drawn from a seed: shapes in the plane that need a hidden layer, and a curve to fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = tuple[NDArray[np.float64], NDArray[np.float64]]
ROWS = 1_000


def moons(seed: int = 0) -> Points:
    """Two half circles that reach into each other: inputs (1000, 2), classes 0 and 1."""
    random = np.random.default_rng(seed)
    labels = np.arange(ROWS) % 2
    angle = random.uniform(0, np.pi, ROWS)
    x = np.where(labels == 0, np.cos(angle), 1 - np.cos(angle))
    y = np.where(labels == 0, np.sin(angle), 0.5 - np.sin(angle))
    return np.column_stack([x, y]) + random.normal(0, 0.1, (ROWS, 2)), labels.astype(np.float64)


def circles(seed: int = 0) -> Points:
    """A ring of radius 1 (class 0) around one of radius 0.5 (class 1): inputs (1000, 2)."""
    random = np.random.default_rng(seed)
    labels = np.arange(ROWS) % 2
    angle = random.uniform(0, 2 * np.pi, ROWS)
    radius = np.where(labels == 0, 1.0, 0.5) + random.normal(0, 0.08, ROWS)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), labels.astype(np.float64)


def spiral(seed: int = 0) -> Points:
    """Three arms that wind once around the middle: inputs (1000, 2), classes 0, 1 and 2."""
    random = np.random.default_rng(seed)
    labels = np.arange(ROWS) % 3
    radius = random.uniform(0.05, 1, ROWS)
    angle = 2 * np.pi * (labels / 3 + 0.7 * radius) + random.normal(0, 0.15, ROWS)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), labels.astype(np.float64)


def xor(seed: int = 0) -> Points:
    """Four clouds around (±1, ±1): inputs (1000, 2), class 1 where the signs differ."""
    random = np.random.default_rng(seed)
    signs = random.integers(0, 2, (ROWS, 2))
    labels = signs[:, 0] ^ signs[:, 1]
    return 2.0 * signs - 1 + random.normal(0, 0.3, (ROWS, 2)), labels.astype(np.float64)


def sine(seed: int = 0) -> Points:
    """One and a half waves with a little noise: inputs (1000, 1) from -1 to 1, targets (1000, 1): sin(1.5 π x)."""
    random = np.random.default_rng(seed)
    x = random.uniform(-1, 1, (ROWS, 1))
    return x, np.sin(1.5 * np.pi * x) + random.normal(0, 0.1, (ROWS, 1))
