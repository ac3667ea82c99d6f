"""examples/adding_problem.py, labelled_sequences.py and thousand_classes.py: short runs of each."""

import math

import numpy as np
import pytest


def test_the_adding_problem_is_what_it_says_and_is_learnt_below_guessing(example):
    program = example("adding_problem")
    data = program.sequences(200, 12, 3)
    numbers, marks = data.inputs[..., 0], data.inputs[..., 1]
    assert (marks.sum(axis=1) == 2).all()
    np.testing.assert_allclose(data.targets[:, 0], (numbers * marks).sum(axis=1))
    run = program.train(8, epochs=8, rows=1000)
    assert run.evaluate(program.sequences(300, 8, 1))["mse"] < program.GUESSING / 4


def test_states_of_brackets_are_right_and_are_learnt(example):
    program = example("labelled_sequences")
    data = program.brackets(50, 4)
    for tokens, states in zip(data.inputs, data.targets, strict=True):
        depth, broken = 0, False
        for token, state in zip(tokens, states, strict=True):
            if token == program.PADDING:
                assert state == -1
                continue
            depth += 1 if token == program.OPEN else -1
            broken |= depth < 0
            assert program.STATES[state] == ("broken" if broken else "open" if depth else "balanced")
    run = program.train(epochs=5)
    assert run.evaluate(program.brackets(200, 1))["accuracy"] > 0.9


def test_a_thousand_classes_begin_at_ln_1000_stay_there_without_a_rate_and_leave_it_with_one(example):
    program = example("thousand_classes")
    still = program.train(1e-8, epochs=5, rows=4000, on_trouble="stop")
    assert still.history["loss"] == pytest.approx([math.log(1000)] * 3, rel=1e-3)
    assert still.stopped_because == "trouble" and "about ln 1000" in str(still.troubles[0])
    assert still.troubles[0].likely.cause == "lr-too-low"
    moving = program.train(3e-3, epochs=4, rows=4000)
    assert moving.history["loss"][-1] < 1
    assert moving.troubles == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("adding_problem", "the network says"),
        ("labelled_sequences", "states told rightly in new sequences"),
    ],
)
def test_as_a_script_it_tells_what_came_of_it(run_example, name, said):
    assert said in run_example(name, "--epochs", "1")
