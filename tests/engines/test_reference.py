"""The reference engine: what a graph means, and where a NaN began."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unstuck import nn
from unstuck.autodiff import Graph, gradients
from unstuck.autodiff.graph import record
from unstuck.engines import engine
from unstuck.engines.reference import Program, ReferenceEngine, is_finite

UNARY = [np.tanh, np.exp, np.abs, np.square, np.sin, np.negative, np.sign, np.expm1]
BINARY = [np.add, np.subtract, np.multiply, np.maximum, np.minimum, np.logaddexp, np.hypot]
SHAPES = [(3, 4), (1, 4), (3, 1), (4,), ()]


def grown(graph: Graph, leaves: list[Any], choices: list[tuple[int, int, int, int]]) -> Any:
    """A random graph: each choice adds one operation on two earlier values; the end is a number."""
    values = list(leaves)
    for kind, which, first, second in choices:
        a, b = values[first % len(values)], values[second % len(values)]
        if kind == 0:
            values.append(np.tanh(UNARY[which % len(UNARY)](a)))
        elif kind == 1:
            values.append(np.tanh(BINARY[which % len(BINARY)](a, b)))
        elif kind == 2 and len(a.shape):
            values.append(np.sum(a, axis=which % len(a.shape), keepdims=True))
        elif kind == 3 and len(a.shape) == 2:
            values.append(a @ np.reshape(np.arange(a.shape[1], dtype=a.dtype) / 3, (a.shape[1], 1)))
        else:
            values.append(np.where(a > 0, a, b))
    return sum((np.sum(v) for v in values[1:]), np.sum(values[0]))


steps = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=10
)


@settings(deadline=None)
@given(steps, st.integers(0, 1000), st.sampled_from([np.float32, np.float64]))
def test_running_a_plan_gives_the_very_values_of_recording_it_eagerly(
    choices: list[tuple[int, int, int, int]], seed: int, dtype: Any
) -> None:
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(rng.normal(size=shape), dtype) for shape in SHAPES]
    eager, plan = Graph(eager=True), Graph()
    nodes = [eager.input(f"x{i}", a.shape, dtype, value=a) for i, a in enumerate(arrays)]
    total = grown(eager, nodes, choices)
    expected = [node.value for node in (total, *gradients(total, nodes))]
    inputs = [plan.input(f"x{i}", a.shape, dtype) for i, a in enumerate(arrays)]
    end = grown(plan, inputs, choices)
    plan.outputs = [end, *gradients(end, inputs)]
    for program in (ReferenceEngine().compile(plan), ReferenceEngine().compile(plan.pruned())):
        for value, right, node in zip(program(*arrays), expected, plan.outputs, strict=True):
            assert np.array_equal(value, right, equal_nan=True)
            assert np.shape(value) == node.shape
            assert value.dtype == node.dtype


def test_a_program_runs_again_and_again_without_remembering() -> None:
    program = Program(record(lambda x: np.cumsum(x) * 2, np.zeros(3)))
    x = np.array([1.0, 2.0, 3.0])
    assert [program(x)[0].tolist() for _ in range(2)] == [[2.0, 6.0, 12.0]] * 2
    assert x.tolist() == [1.0, 2.0, 3.0]


def test_infinities_raise_no_warning() -> None:
    program = Program(record(lambda x: (np.log(x), 1 / x, np.exp(x * 1e5)), np.zeros(1)))
    assert not any(is_finite(v) for v in program(np.zeros(1))[:2])


def test_the_name_reference_and_auto_are_engines() -> None:
    assert engine("reference").name == "reference"
    assert callable(engine("auto").compile(record(np.tanh, np.zeros(2))))


def first(function: Any, *arrays: Any) -> str:
    node = Program(record(function, *arrays)).first_non_finite(*arrays)
    return "none" if node is None else (node.name or node.operation)


def test_the_first_non_finite_value_is_the_one_that_began_it() -> None:
    x = np.array([1.0, -2.0])
    assert first(lambda x: np.sum(np.exp(x)), x) == "none"
    assert first(lambda x: np.sum(np.tanh(np.log(x))), x) == "log"
    assert first(lambda x: np.exp(np.exp(np.exp(x * 10))) * 0.0, x) == "exp"
    assert first(lambda x: x + 1, np.array([np.inf])) == "input0"
    assert first(lambda x, y: x - y, np.array([1e308]), np.array([-1e308])) == "subtract"


def test_values_that_reach_no_output_are_not_blamed() -> None:
    def function(x: Any) -> Any:
        safe = np.where(x > 0, x, np.log(x))  # the log of a negative number is chosen: this is the fault
        unused = np.where(x > 0, 1 / (x - x), x)  # infinite where x > 0, and chosen there
        return np.sum(np.where(x > 100, unused, safe))  # but not here

    assert first(function, np.array([3.0])) == "none"
    assert first(function, np.array([-3.0])) == "log"


def test_the_place_in_the_network_comes_with_the_node() -> None:
    network = nn.Network(nn.Dense(2), nn.Function(np.sqrt, name="root"), nn.Dense(1), input_shape=2)
    network.parameters["dense1.weight"][:] = -1
    node = Program(network.graph(1)).first_non_finite(np.ones((1, 2), np.float32), *network.parameters.values())
    assert node is not None
    assert (node.operation, node.scope) == ("sqrt", "root1")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_keeps_the_dtype_of_the_graph(dtype: Any) -> None:
    program = Program(record(lambda x: 1.5 * x + 1, np.zeros(2, dtype)))
    assert program(np.ones(2, dtype))[0].dtype == dtype
