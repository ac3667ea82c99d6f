"""examples/own_function.py: us.grad on a formula, and a loop by hand."""

import numpy as np
import pytest

import unstuck as us


def test_the_gradient_is_that_of_central_differences(example):
    program = example("own_function")
    t, y = program.measurements(rows=40)
    gradient = us.grad(program.loss)(program.START, t, y)
    for name, value in program.START.items():
        up = program.loss({**program.START, name: value + 1e-6}, t, y)
        down = program.loss({**program.START, name: value - 1e-6}, t, y)
        assert gradient[name] == pytest.approx((up - down) / 2e-6, rel=1e-6), name


def test_descent_finds_the_formula_behind_the_measurements(example):
    program = example("own_function")
    t, y = program.measurements()
    found = program.descend(t, y)
    for name, value in program.TRUE.items():
        assert found[name] == pytest.approx(value, abs=0.03), name
    assert program.loss(found, t, y) < 1.02 * program.loss(program.TRUE, t, y) < program.loss(program.START, t, y) / 50


def test_descent_leaves_its_start_as_it_was(example):
    program = example("own_function")
    before = dict(program.START)
    program.descend(*program.measurements(rows=50), epochs=1)
    assert before == program.START
    assert np.isfinite(list(before.values())).all()


def test_as_a_script_it_prints_what_was_found_beside_what_is_true(run_example):
    printed = run_example("own_function")
    assert [line.split()[0] for line in printed.splitlines()[-4:]] == ["amplitude", "decay", "frequency", "phase"]
    assert "true 2.000" in printed
