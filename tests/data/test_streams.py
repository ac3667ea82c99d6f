"""streams: each row goes on where the row one batch before ended, and nothing is lost but the end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unstuck.data.streams import streams
from unstuck.errors import InputError


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 60), st.sampled_from([(), (2,), (2, 3)]))
def test_each_row_goes_on_where_the_row_one_batch_before_ended(
    batch: int, steps: int, extra: int, shape: tuple[int, ...]
) -> None:
    length = batch * steps + extra
    series = np.arange(length * int(np.prod(shape))).reshape(length, *shape)
    rows = streams(series, batch, steps)
    pieces = length // (batch * steps)
    assert rows.shape == (pieces * batch, steps, *shape)
    for i in range(batch):
        np.testing.assert_array_equal(
            np.concatenate(rows[i::batch]), series[i * pieces * steps : (i + 1) * pieces * steps]
        )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((np.arange(11), 3, 4), "has 11 steps; expected at least 12 for a batch of 3 rows of 4 steps"),
        ((np.arange(11), 0, 4), "batch_size is 0; expected a whole number"),
        ((np.arange(11), 3, 1.5), "steps is 1.5; expected a whole number"),
        ((["a", "b"], 1, 1), "expected numbers"),
        ((3, 1, 1), "has shape"),
        (([[1, 2], [3]], 1, 1), "different shapes"),
    ],
)
def test_what_fills_no_batch_is_refused(arguments: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        streams(*arguments)
