"""Random numbers as a pure function of a key and a counter: Threefry-2x32 with 20 rounds.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011). It uses only addition,
rotation and exclusive or of 32-bit words, so every engine can draw the same numbers in any order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA

Words = np.ndarray[Any, np.dtype[np.uint32]]


def bits(key: Any, counter0: Words, counter1: Words) -> tuple[Words, Words]:
    """Two arrays of random 32-bit words from a key (two 32-bit words) and two arrays of counters of one shape."""
    k0, k1 = (np.uint32(int(word) & 0xFFFFFFFF) for word in key)
    schedule = (k0, k1, np.uint32(k0 ^ k1 ^ np.uint32(_PARITY)))
    with np.errstate(over="ignore"):
        x0, x1 = counter0 + schedule[0], counter1 + schedule[1]
        for group in range(5):
            for rotation in _ROTATIONS[group % 2]:
                x0 = x0 + x1
                x1 = ((x1 << np.uint32(rotation)) | (x1 >> np.uint32(32 - rotation))) ^ x0
            x0 = x0 + schedule[(group + 1) % 3]
            x1 = x1 + schedule[(group + 2) % 3] + np.uint32(group + 1)
    return x0, x1


def uniform(key: Any, *, shape: tuple[int, ...], stream: int, dtype: Any) -> np.ndarray[Any, Any]:
    """Uniform draws in [0, 1) of the given shape; different streams of one key are independent.

    ``float32`` values are multiples of 2**-24, ``float64`` values of 2**-53.
    """
    count = int(np.prod(shape, dtype=np.int64))
    counter = np.arange(count, dtype=np.uint32)
    high, low = bits(key, counter, np.full(count, stream, np.uint32))
    if np.dtype(dtype) == np.float32:
        return ((high >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)).reshape(shape)
    whole = (high >> np.uint32(5)).astype(np.float64) * 2.0**26 + (low >> np.uint32(6)).astype(np.float64)
    return (whole * 2.0**-53).reshape(shape)
