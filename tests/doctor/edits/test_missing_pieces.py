"""What a program lacks is offered: a target that is never taken off, a layer left out, a value that is never carried on."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable

import pytest

from unstuck.doctor.handwritten.edits.families import copied, dataflow, left_out, signs, target
from unstuck.doctor.handwritten.edits.model import Change, Facts, Shape
from unstuck.doctor.handwritten.edits.reading import Reading


def offered(propose: Callable[[Reading], Iterable[Change]], text: str, shapes: dict[str, Shape]) -> list[str]:
    """The mended programs, in the order in which they are offered."""
    source = textwrap.dedent(text)
    names: dict[str, Shape | None] = {**shapes}
    told = Facts(scope={"<module>": names}, parameters=[n for n in shapes if n.startswith("w")])
    reading = Reading(source, told)
    changes = sorted(propose(reading), key=lambda c: c.cost)
    return [mended for c in changes if (mended := reading.text.apply(c.pieces)) is not None]


SOFTMAX = """
    p = softmax(x @ w1)
    loss = -np.log(p[range(n), y]).mean()
    d = p
    d /= n
    w1 -= 0.1 * x.T @ d
"""
LAYERS = """
    for i in range(9):
        a1 = f(x @ w1)
        p = g(a1 @ w2)
        d2 = p - t
        d1 = d2 @ w2.T * a1 * (1 - a1)
        dw2 = a1.T @ d2
        w2 -= 0.1 * dw2
"""
CARRIED = """
    dh_next = np.zeros_like(h)
    for t in reversed(range(9)):
        dh = np.zeros_like(h)
        dz = (dh + e[t]) * slope(z[t])
        dw += h.T @ dz
        dh_next = dz @ w.T
"""
COPIED = """
    for i in range(9):
        w1 -= rate * dw1
        b1 -= rate * db1
        w2 -= rate * dw1
        b2 -= rate * db1
    print(dw2, db2)
"""
ASCENDING = """
    for i in range(9):
        ws = [w + rate * g for w, g in zip(ws, gs)]
        bs = [b + rate * g for b, g in zip(bs, hs)]
"""


@pytest.mark.parametrize(
    ("propose", "text", "shapes", "wanted"),
    [
        (target.propose, SOFTMAX, {"p": (9, 3), "d": (9, 3), "x": (9, 4), "w1": (4, 3)}, "d[range(n), y] -= 1"),
        (
            left_out.propose,
            LAYERS,
            {"x": (9, 4), "a1": (9, 5), "p": (9, 3), "t": (9, 3), "d1": (9, 5), "d2": (9, 3), "w1": (4, 5), "w2": (5, 3),
             "dw2": (5, 3)},
            "w1 -= 0.1 * (x.T @ d1)",
        ),
        (
            dataflow.propose,
            CARRIED,
            {"h": (9, 4), "dh": (9, 4), "dh_next": (9, 4), "dz": (9, 4), "w": (4, 4)},
            "    dh = dh_next\n",
        ),
        (copied.propose, COPIED, {}, "    w2 -= rate * dw2\n    b2 -= rate * db2\n"),
        (signs.propose, ASCENDING, {}, "[w - rate * g for w, g in zip(ws, gs)]\n    bs = [b - rate * g"),
    ],
    ids=["target", "layer", "next round", "copied lines", "all steps"],
)  # fmt: skip
def test_the_missing_piece_is_offered_among_the_first(
    propose: Callable[[Reading], Iterable[Change]], text: str, shapes: dict[str, Shape], wanted: str
) -> None:
    assert any(wanted in mended for mended in offered(propose, text, shapes)[:8])


def test_a_program_that_takes_its_target_off_is_offered_nothing() -> None:
    shapes: dict[str, Shape] = {"p": (9, 3), "d": (9, 3), "t": (9, 3)}
    assert offered(target.propose, "d = p - t\n", shapes) == []
