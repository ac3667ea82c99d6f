"""Gradients that never arrive: parameters that stand still, unequal scales, shared arrays, lost updates, signs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unstuck.doctor.handwritten import applied
from unstuck.doctor.handwritten.examine import Examination, examine
from unstuck.doctor.handwritten.program import from_text
from unstuck.doctor.handwritten.session import Session

TEXT = """import numpy as np

rng = np.random.default_rng(3)
x = rng.uniform(-1, 1, (40, 2))
t = np.sin(2 * x.sum(axis=1, keepdims=True))
w1, b1 = rng.normal(0, 0.7, (2, 6)), np.zeros((1, 6))
w2, b2 = rng.normal(0, 0.4, (6, 6)), np.zeros((1, 6))
w3, b3 = rng.normal(0, 0.4, (6, 1)), np.zeros((1, 1))
for epoch in range(30):
    h = np.tanh(x @ w1 + b1)
    k = np.tanh(h @ w2 + b2)
    y = k @ w3 + b3
    d3 = (y - t) / len(x)
    d2 = (d3 @ w3.T) * (1 - k ** 2)
    d1 = (d2 @ w2.T) * (1 - h ** 2)
    gw3, gb3 = k.T @ d3, d3.sum(axis=0, keepdims=True)
    gw2, gb2 = h.T @ d2, d2.sum(axis=0, keepdims=True)
    gw1, gb1 = x.T @ d1, d1.sum(axis=0, keepdims=True)
    w3 -= 0.3 * gw3
    b3 -= 0.3 * gb3
    w2 -= 0.3 * gw2
    b2 -= 0.3 * gb2
    w1 -= 0.3 * gw1
    b1 -= 0.3 * gb1
print("loss", round(float(np.mean((y - t) ** 2)), 4))
"""


@contextmanager
def watched(*changes: tuple[str, str]) -> Iterator[tuple[Session, Examination | None, int]]:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    with Session(from_text(text, Path.cwd(), "network.py")) as session:
        found = examine(session, session.program, session.scout(seconds=10.0, patience=0.3))
        yield session, None if found is None else found[0], -1 if found is None else found[1]


def test_a_right_network_has_equal_scales_and_no_shared_arrays() -> None:
    with watched() as (session, found, loop):
        assert found is not None and found.state == "right"
        assert not any(p.unmoved for p in found.known.parameters)
        assert applied.unequal(found) is None
        assert not list(applied.unshared(session, session.program, loop, found, 10.0))


def test_a_parameter_that_a_line_moves_by_nothing_is_a_parameter() -> None:
    with watched(("gb2 = h.T @ d2, d2.sum(axis=0, keepdims=True)", "gb2 = h.T @ d2, np.zeros((1, 6))")) as (
        _,
        found,
        _,
    ):
        assert found is not None and found.state == "wrong" and found.best is not None
        assert [p.path for p in found.known.parameters if p.unmoved] == ["b2"]
        assert [v.path for v in found.best.of("wrong")] == ["b2"]


def test_an_array_that_no_line_moves_is_left_alone() -> None:
    with watched(("    b1 -= 0.3 * gb1\n", ""), ("    w1 -= 0.3 * gw1\n", "")) as (_, found, _):
        assert found is not None and found.state == "right"
        assert not {"w1", "b1"} & {p.path for p in found.known.parameters}


def test_one_rate_before_unequal_gradients_is_seen() -> None:
    with watched(("gw2, gb2 = h.T @ d2,", "gw2, gb2 = 0.5 * (h.T @ d2),")) as (_, found, _):
        assert found is not None
        unequal = applied.unequal(found)
        assert unequal is not None and list(unequal.others) == ["w2"]
        assert not unequal.mended(found)


def test_rates_of_their_own_are_a_choice() -> None:
    with watched(("w2 -= 0.3 * gw2", "w2 -= 0.15 * gw2")) as (_, found, _):
        assert found is not None and found.state == "right"
        assert applied.unequal(found) is None


def test_two_names_of_one_array_are_told_apart_by_the_repair() -> None:
    with watched(("w3, b3 = rng", "b2 = b1\nw3, b3 = rng")) as (session, found, loop):
        assert found is not None
        mended = next(applied.unshared(session, session.program, loop, found, 20.0))
        assert mended.edit.cause == "weights-aliased"
        assert session.program.line("network.py", mended.edit.line) == "b2 = b1"


def test_where_the_gradient_points_uphill_a_climbing_step_is_the_fault_of_the_update() -> None:
    with watched(("-= 0.3", "+= 0.3")) as (_, found, _):
        assert found is not None
        assert applied.points_uphill(found)
    with watched(("d3 = (y - t)", "d3 = (t - y)")) as (_, found, _):
        assert found is not None
        assert not applied.points_uphill(found)
