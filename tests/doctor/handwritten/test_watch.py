"""Watching a program changes nothing in it, and its steps can be stopped and nudged."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pytest

from unstuck.doctor.handwritten.program import from_text, load
from unstuck.doctor.handwritten.session import Session
from unstuck.errors import InputError

CASES = Path(__file__).parents[2] / "cases" / "handwritten"
# one of each style: vectorised script, class with lists, loops over indices, nested lists, own automatic gradient, recurrent
STYLES = [
    "digits-tanh-script",
    "digits-ten-units-a-layer",
    "circles-index-loops",
    "rings-scalar-graph",
    "parity-three-bits",
]


def program(text: str, folder: Path) -> Session:
    return Session(from_text(textwrap.dedent(text), folder, "network.py"))


@pytest.mark.parametrize("name", STYLES)
def test_watching_changes_no_bit_of_the_results(name: str) -> None:
    with Session(load(CASES / name / "fixed.py")) as session:
        plain, watched = session.finish(state=True), session.watch_to_end(state=True)
    assert plain.stdout == watched.stdout and plain.stdout
    assert plain.error is None and watched.error is None
    assert set(plain.state) == set(watched.state)
    for path, value in plain.state.items():
        assert np.array_equal(value, watched.state[path], equal_nan=True), path


def test_what_a_program_writes_does_not_land_beside_it(tmp_path: Path) -> None:
    text = """
        import numpy as np
        np.save("weights.npy", np.arange(3.0))
        open("log.txt", "w").write("hello")
        print(np.load("weights.npy").sum(), open("log.txt").read())
    """
    with program(text, tmp_path) as session:
        outcome = session.finish()
    assert outcome.stdout == "3.0 hello\n"
    assert list(tmp_path.iterdir()) == []


def test_reading_files_and_asking_for_input_keep_working(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text("4 5 6")
    (tmp_path / "helper.py").write_text("def double(v):\n    return 2 * v\n")
    (tmp_path / "main.py").write_text(
        "import helper\nn = int(input('epochs? '))\nprint(n, helper.double(len(open('rows.txt').read().split())))\n"
    )
    with Session(load(tmp_path / "main.py"), answers=["7"]) as session:
        assert session.finish().stdout == "epochs? 7 6\n"


def test_a_program_that_never_ends_is_cut(tmp_path: Path) -> None:
    with program("print('started', flush=True)\nwhile True:\n    pass\n", tmp_path) as session:
        outcome = session.finish(seconds=0.5)
    assert outcome.cut and outcome.stdout == "started\n"


def test_an_exception_is_told_with_its_line_and_the_values_around_it(tmp_path: Path) -> None:
    text = """
        import numpy as np
        def forward(x, w):
            return x @ w
        forward(np.ones((2, 3)), np.ones((4, 5)))
    """
    with program(text, tmp_path) as session:
        error = session.finish().error
    assert error is not None and error.type == "ValueError" and error.line == 4
    assert error.values["w"] == "array of shape (4, 5), float64"


def test_a_nudge_gives_the_derivative_and_leaves_the_step_where_it_was(tmp_path: Path) -> None:
    text = """
        import numpy as np
        w = np.array([1.0, 2.0])
        for step in range(3):
            loss = np.sum(w ** 3)
            w = w - 0.01 * 3 * w ** 2
    """
    with program(text, tmp_path) as session, session.stop(loop=0, hit=1) as step:  # type: ignore[union-attr]
        site = next(s.number for s in session.table().sites if s.text == "loss")
        h, v = 1e-6, np.array([0.6, 0.8])

        def loss(delta: np.ndarray) -> float:
            return float(step.take({"w": delta})[0].series[site, ""].flat[0])

        derivative = (loss(h * v) - loss(-h * v)) / (2 * h)
        assert derivative == pytest.approx(3 * 0.6 + 12 * 0.8, rel=1e-8)
        assert loss(0 * v) == 9.0
        assert step.go(3) and np.array_equal(step.leaves["w"] < [1.0, 2.0], [True, True])


def test_steps_of_a_float_variable_of_a_function_can_be_nudged(tmp_path: Path) -> None:
    text = """
        def train():
            w, bias = [0.5, -0.5], 0.25
            for step in range(2):
                out = sum(x * v for x, v in zip((1.0, 2.0), w)) + bias
                bias = bias - 0.1 * out
            return out
        train()
    """
    with program(text, tmp_path) as session:
        loop = next(n.number for n in session.table().loops if n.line == 4)
        step = session.stop(loop, 1)
        assert step is not None
        with step:
            site = next(s.number for s in session.table().sites if s.text == "out")
            window = step.take({"train: bias": np.asarray(1.0)})[0]
            assert window.series[site, ""].flat[0] == 0.75  # -0.5 + 0.25 + 1


@pytest.mark.parametrize(
    ("text", "message"),
    [("def f(:\n    pass\n", "line 1"), ("print('x'\n", "line 1")],
)
def test_a_syntax_error_is_one_sentence_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "broken.py"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        load(file)


def test_a_missing_file_and_a_file_that_is_no_text_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        load(tmp_path / "nothing.py")
    (tmp_path / "picture.py").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="not a Python text file"):
        load(tmp_path / "picture.py")


def test_the_cells_of_a_notebook_run_as_one_program(tmp_path: Path) -> None:
    import json

    cells = [
        {"cell_type": "markdown", "source": ["# title"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "a = 2"]},
        {"cell_type": "code", "source": ["print(a + 1)"]},
    ]
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4}))
    with Session(load(tmp_path / "n.ipynb")) as session:
        assert session.finish().stdout == "3\n"


PAIRS = """
    import numpy as np
    rng = np.random.default_rng(0)
    data = []
    for i in range(200):
        row = rng.normal(size=(6, 1))
        data.append((row, np.array([[row.sum()]])))
    w = rng.normal(size=(1, 6))
    for epoch in range(20):
        for x, t in data:
            y = w @ x
            w -= 0.01 * (y - t) @ x.T
"""


def test_a_long_list_of_pairs_is_two_variables_that_can_be_nudged_row_by_row(tmp_path: Path) -> None:
    with program(PAIRS, tmp_path) as session:
        table = session.scout()
        lines = {session.table().loops[row["loop"]].line for row in table["loops"] if any(row["changes"])}
        assert 10 in lines, "the loop that prepares the data was taken for all there is"
        loop = next(n.number for n in session.table().loops if n.line == 10)
        step = session.stop(loop, 1)
        assert step is not None
        with step:
            assert step.leaves["data[*][0]"].shape == (200, 6, 1)
            assert step.leaves["data[*][1]"].shape == (200, 1, 1)
            delta = np.zeros((200, 6, 1))
            delta[0, 2] = 1.0
            moved = step.take({"data[*][0]": delta})[0].leaves["w"] - step.take()[0].leaves["w"]
            delta[0, 2], delta[5, 2] = 0.0, 1.0
            unmoved = step.take({"data[*][0]": delta})[0].leaves["w"] - step.take()[0].leaves["w"]
    assert np.any(moved) and not np.any(unmoved)


def test_every_run_of_a_step_draws_the_same_random_numbers(tmp_path: Path) -> None:
    text = """
        import random
        import numpy as np
        w = np.zeros(3)
        for i in range(4):
            w = w + random.random() * np.ones(3) + np.random.rand(3)
    """
    with program(text, tmp_path) as session:
        step = session.stop(0, 2)
        assert step is not None
        with step:
            one, other = step.take()[0], step.take()[0]
    assert np.array_equal(one.leaves["w"], other.leaves["w"])


def test_two_runs_at_one_step_take_the_same_windows_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unstuck.doctor.handwritten.step.LONG", -1e9)  # always worth a second run
    text = """
        import numpy as np
        w = np.arange(3.0)
        for i in range(4):
            w = w - 0.1 * np.tanh(w)
    """
    nudges = [{"w": np.full(3, 0.1 * k)} for k in range(6)]
    with program(text, tmp_path) as session:
        step = session.stop(0, 2)
        assert step is not None
        with step:
            alone = [step.take(nudge)[0].leaves["w"] for nudge in nudges]
            beside = step.take_each([[nudge] for nudge in nudges], lambda windows: windows[0][0].leaves["w"])
            assert step.go(3) and np.array_equal(step.leaves["w"], alone[0])  # (the first nudge is nothing)
    assert all(np.array_equal(a, b) for a, b in zip(alone, beside, strict=True))


def test_several_passes_of_a_loop_may_be_one_step(tmp_path: Path) -> None:
    text = """
        import numpy as np
        w, g = np.ones(3), np.zeros(3)
        for i in range(9):
            g = g + w
            if i % 3 == 2:
                w = w - 0.1 * g
                g = np.zeros(3)
    """
    with program(text, tmp_path) as session:
        session.spans[0] = 3
        step = session.stop(0, 2)
        assert step is not None
        with step:
            window = step.take()[0]
    assert np.allclose(step.leaves["w"], 0.7) and np.allclose(window.leaves["w"], 0.49)
