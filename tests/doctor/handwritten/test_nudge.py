"""True derivatives by nudges: where a unit stands at its kink, and losses that differ in one axis only."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np

from unstuck.doctor.handwritten.examine import Examination, examine, examine_step
from unstuck.doctor.handwritten.program import from_text
from unstuck.doctor.handwritten.session import Session

# The first row is zero and so are the biases: each hidden unit stands at its kink for it.
CLASSES = """
    import numpy as np
    rng = np.random.default_rng(1)
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    t = np.eye(2)[[0, 1, 1, 0]]
    w1, b1 = rng.normal(size=(2, 5)), np.zeros(5)
    w2, b2 = rng.normal(size=(5, 2)), np.zeros(2)
    for i in range(200):
        a = np.maximum(x @ w1 + b1, 0)
        z = a @ w2 + b2
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        d2 = (p - t) / 4
        d1 = d2 @ w2.T * (a > 0)
        w2 -= 0.5 * a.T @ d2
        b2 -= 0.5 * d2.sum(axis=0)
        w1 -= 0.5 * x.T @ d1
        b1 -= 0.5 * d1.sum(axis=0)
"""


def test_a_unit_at_its_kink_is_looked_at_in_the_next_step(tmp_path: Path) -> None:
    program = from_text(textwrap.dedent(CLASSES), tmp_path, "network.py")
    with Session(program) as session:
        with session.stop(0, 1) as step:  # type: ignore[union-attr]
            first = examine_step(step, 0)
        found = examine(session, program, session.scout())
    assert isinstance(first, Examination) and first.state != "right"
    assert found is not None and found[0].state == "right" and found[2] == 2


def test_no_two_objectives_have_the_same_label(tmp_path: Path) -> None:
    program = from_text(textwrap.dedent(CLASSES), tmp_path, "network.py")
    with Session(program) as session, session.stop(0, 3) as step:  # type: ignore[union-attr]
        found = examine_step(step, 0)
    assert found is not None and found.state == "right"
    labels = [o.label for o in found.derivatives.objectives]
    assert len(set(labels)) == len(labels)
    over = [o for o in found.derivatives.objectives if o.name == "cross-entropy of logits"]
    assert len(over) > 1 and not np.allclose(over[0].derivative, over[1].derivative)
