"""grad and value_and_grad: forms of arguments, higher derivatives, branches, and the corners where derivatives go wrong."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import unstuck.autodiff
from unstuck.autodiff import Graph, apply, grad, gradients, record, stop_gradient, value_and_grad

Pair = namedtuple("Pair", "weight bias")
R = np.random.default_rng(5)


# Forms ---------------------------------------------------------------------------------------------------------------
def test_the_gradient_has_the_form_of_nested_arguments() -> None:
    def f(p: Any) -> Any:
        return np.sum(p["layers"][0].weight * 2) + np.sum(p["layers"][1].bias ** 2) + p["scale"][0] * p["scale"][1]

    layers = [Pair(np.ones((2, 3)), np.ones(3)), Pair(np.ones(2), np.arange(2.0))]
    found = grad(f)({"layers": layers, "scale": (3.0, np.float32(4.0))})
    assert list(found) == ["layers", "scale"]
    assert isinstance(found["layers"], list)
    assert isinstance(found["layers"][0], Pair)
    assert isinstance(found["scale"], tuple)
    np.testing.assert_array_equal(found["layers"][0].weight, np.full((2, 3), 2.0))
    np.testing.assert_array_equal(found["layers"][0].bias, np.zeros(3))
    np.testing.assert_array_equal(found["layers"][1].bias, [0.0, 2.0])
    assert found["scale"] == (4.0, 3.0)
    assert found["scale"][1].dtype == np.float32


def test_argnums_choose_arguments_in_the_order_asked() -> None:
    def f(a: Any, b: Any, c: Any) -> Any:
        return a * 2 + b["x"] * 3 + c * c

    args = (1.0, {"x": 5.0}, 7.0)
    assert grad(f, 0)(*args) == 2.0
    assert grad(f, 1)(*args) == {"x": 3.0}
    assert grad(f, -1)(*args) == 14.0
    assert grad(f, (2, 0))(*args) == (14.0, 2.0)
    assert grad(f, (1, 0))(*args) == ({"x": 3.0}, 2.0)
    assert grad(f, [0, 0])(*args) == (2.0, 2.0)
    assert grad(f, np.int64(2))(*args) == 14.0
    assert value_and_grad(f, (0, 2))(*args) == (66.0, (2.0, 14.0))


def test_keyword_arguments_are_passed_through_and_not_differentiated() -> None:
    assert grad(lambda x, *, power: x**power)(3.0, power=2) == 6.0


def test_arrays_that_are_not_arguments_count_as_constants() -> None:
    x = R.normal(size=(4, 3))
    w = R.normal(size=3)
    np.testing.assert_allclose(grad(lambda w: np.sum(x @ w))(w), x.sum(axis=0))


def test_integers_become_float64_and_float32_stays() -> None:
    assert grad(lambda x: np.sum(x * x))(np.array([1, 2])).dtype == np.float64
    assert grad(lambda x: np.sum(x * x))(np.ones(2, np.float32)).dtype == np.float32
    assert grad(lambda x: x * x)(3) == 6.0
    assert grad(lambda x: np.sum(x.astype(np.float64) * 1.5))(np.ones(2, np.float32)).dtype == np.float32


def test_the_result_is_a_copy_and_the_argument_stays_as_it_was() -> None:
    x = np.ones(3)
    found = grad(np.sum)(x)
    found += 1.0
    np.testing.assert_array_equal(x, np.ones(3))
    np.testing.assert_array_equal(grad(np.sum)(x), np.ones(3))


def test_a_function_that_returns_its_argument_or_a_constant() -> None:
    assert grad(lambda x: x)(3.0) == 1.0
    assert value_and_grad(lambda x: 2.5)(3.0) == (2.5, 0.0)
    assert grad(lambda x, y: y)(3.0, 4.0) == 0.0


def test_a_value_used_many_times_collects_all_its_gradients() -> None:
    def f(x: Any) -> Any:
        y = x * x
        return np.sum(y * y + np.sin(y) * y + y[::-1] * x)

    x = R.normal(size=4)
    steps = [(f(x + 1e-6 * e) - f(x - 1e-6 * e)) / 2e-6 for e in np.eye(4)]
    np.testing.assert_allclose(grad(f)(x), steps, rtol=1e-7)


# Control flow, higher derivatives ------------------------------------------------------------------------------------
def test_python_branches_and_loops_follow_the_values() -> None:
    def f(x: Any) -> Any:
        while x < 100:
            x = x * x if x > 3 else x + 1
        return x

    assert grad(f)(2.0) == 2 * 4 * 2 * 16  # 2, 3, 4, 16, 256
    assert grad(lambda x: np.sum(x) if np.any(x > 0) else -np.sum(x))(np.array([-1.0, -2.0])).tolist() == [-1.0, -1.0]


def test_higher_derivatives_of_one_number() -> None:
    f = np.tanh
    x, t = 0.3, np.tanh(0.3)
    assert grad(f)(x) == pytest.approx(1 - t**2, rel=1e-14)
    assert grad(grad(f))(x) == pytest.approx(-2 * t * (1 - t**2), rel=1e-14)
    assert grad(grad(grad(f)))(x) == pytest.approx((6 * t**2 - 2) * (1 - t**2), rel=1e-13)


def test_a_product_of_the_hessian_with_a_vector() -> None:
    a, x, v = R.normal(size=(3, 3)), R.normal(size=3), R.normal(size=3)

    def f(x: Any) -> Any:
        return np.sum(np.exp(a @ x))

    hessian = a.T @ np.diag(np.exp(a @ x)) @ a
    np.testing.assert_allclose(grad(lambda x: np.sum(grad(f)(x) * v))(x), hessian @ v, rtol=1e-13)


def test_the_gradient_of_a_gradient_penalty_by_the_other_argument() -> None:
    def net(w: Any, x: Any) -> Any:
        return np.sum(np.tanh(w * x) ** 2)

    def penalty(w: Any) -> Any:
        return np.sum(grad(net, 1)(w, np.array([0.5, -1.0])) ** 2)

    w = np.array([0.7, 1.1])
    steps = [(penalty(w + 1e-6 * e) - penalty(w - 1e-6 * e)) / 2e-6 for e in np.eye(2)]
    np.testing.assert_allclose(grad(penalty)(w), steps, rtol=1e-8)


def test_the_inner_gradient_counts_only_the_inner_use() -> None:
    assert grad(lambda x: x * grad(lambda y: x * y)(x))(3.0) == 6.0  # d/dx of x * x
    assert grad(lambda x: grad(lambda y: y * stop_gradient(y))(x) + x)(3.0) == 1.0


def test_stop_gradient_makes_a_constant_of_a_value() -> None:
    assert grad(lambda x: x * stop_gradient(x))(3.0) == 3.0
    assert stop_gradient(3.0) == 3.0


def test_gradients_of_a_planned_graph_have_shape_and_dtype_of_the_parameters_and_zeros_where_unused() -> None:
    graph = Graph()
    w, unused = graph.input("w", (3, 2), np.float32), graph.input("u", (4,), np.float64)
    whole = graph.input("n", (2,), np.int64)
    found = gradients(np.sum(np.square(w)) + np.sum(whole) * 1.0, [w, unused, whole])
    assert [(g.shape, g.dtype) for g in found] == [((3, 2), np.float32), ((4,), np.float64), ((2,), np.int64)]
    assert found[1].operation == "constant"


def test_equal_operations_are_recorded_once() -> None:
    graph = record(lambda x: np.sum(np.tanh(x) * np.tanh(x)) + np.sum(np.tanh(x) * np.tanh(x)), np.ones(3))
    assert [n.operation for n in graph.nodes] == ["input", "tanh", "multiply", "sum", "add"]


def test_a_graph_that_is_pruned_keeps_its_inputs_and_what_the_outputs_need() -> None:
    graph = record(lambda x, y: (np.exp(x), np.sin(x))[0], np.ones(2), np.ones(3), names=["x", "y"])
    assert [n.operation for n in graph.nodes] == ["input", "input", "exp"]


def test_the_listing_of_a_step_reads_name_operation_operands_and_shape() -> None:
    def step(x: Any, w: Any) -> Any:
        loss = np.mean(np.square(np.maximum(x @ w, 0)))
        (g,) = gradients(loss, [w])
        return loss, w - 0.1 * g

    graph = record(step, np.zeros((4, 3), np.float32), np.zeros((3, 2), np.float32), names=["x", "w"])
    assert str(graph) == LISTING


LISTING = """\
graph: 2 inputs, 27 nodes, 2 outputs
  %0   input         x                                  float32[4, 3]
  %1   input         w                                  float32[3, 2]
  %2   matmul        %0 %1                              float32[4, 2]
  %3   constant      0                                  float32[]
  %4   maximum       %2 %3                              float32[4, 2]
  %5   square        %4                                 float32[4, 2]
  %6   sum           %5  (axes=(0, 1), keepdims=False)  float32[]
  %7   constant      8                                  float32[]
  %8   divide        %6 %7                              float32[]
  %9   constant      1                                  float32[]
  %10  divide        %9 %7                              float32[]      gradient
  %11  reshape       %10  (shape=(1, 1))                float32[1, 1]  gradient
  %12  broadcast_to  %11  (shape=(4, 2))                float32[4, 2]  gradient
  %13  constant      2                                  float32[]      gradient
  %14  multiply      %13 %4                             float32[4, 2]  gradient
  %15  multiply      %12 %14                            float32[4, 2]  gradient
  %16  greater       %2 %3                              bool[4, 2]     gradient
  %17  equal         %2 %3                              bool[4, 2]     gradient
  %18  constant      0.5                                float32[]      gradient
  %19  select        %17 %18 %3                         float32[4, 2]  gradient
  %20  select        %16 %9 %19                         float32[4, 2]  gradient
  %21  multiply      %15 %20                            float32[4, 2]  gradient
  %22  transpose     %0  (axes=(1, 0))                  float32[3, 4]  gradient
  %23  matmul        %22 %21                            float32[3, 2]  gradient
  %24  constant      0.1                                float32[]
  %25  multiply      %24 %23                            float32[3, 2]
  %26  subtract      %1 %25                             float32[3, 2]
  return %8, %26"""


# Corners -------------------------------------------------------------------------------------------------------------
INF, NAN = np.inf, np.nan


def derivative(function: Callable[..., Any], *xs: float) -> Any:
    with np.errstate(all="raise"):
        return tuple(float(g) for g in grad(function, range(len(xs)))(*xs))


@pytest.mark.parametrize(
    ("function", "xs", "expected"),
    [
        # Ties share: a half each, or an equal part of a maximum over several.
        (np.maximum, (2.0, 2.0), (0.5, 0.5)),
        (np.minimum, (2.0, 2.0), (0.5, 0.5)),
        (lambda a, b, c: np.max(np.stack([a, b, c])), (1.0, 1.0, 0.0), (0.5, 0.5, 0.0)),
        (lambda a, b: np.maximum(a, b), (INF, INF), (0.5, 0.5)),
        (lambda a: np.maximum(a, 0), (0.0,), (0.5,)),
        (np.abs, (0.0,), (0.0,)),
        # Powers at 0 and below.
        (lambda x: x**2, (0.0,), (0.0,)),
        (lambda x: x**3, (0.0,), (0.0,)),
        (lambda x: x**1, (0.0,), (1.0,)),
        (lambda x: x**0, (0.0,), (0.0,)),
        (lambda x: x**1.5, (0.0,), (0.0,)),
        (lambda x: x**0.5, (0.0,), (INF,)),
        (lambda x: x**-1, (-2.0,), (-0.25,)),
        (lambda x: x**-2, (-2.0,), (0.25,)),
        (lambda x: x**5, (-2.0,), (80.0,)),
        (lambda x: x**7.0, (-1.0,), (7.0,)),
        (lambda a, b: a**b, (0.0, 2.0), (0.0, 0.0)),
        (lambda a, b: a**b, (0.0, 1.0), (1.0, 0.0)),
        (lambda a, b: a**b, (0.0, 0.0), (0.0, 0.0)),
        (lambda a, b: a**b, (-2.0, 3.0), (12.0, NAN)),  # no real derivative by the exponent at a negative base
        (lambda b: 0.0**b, (2.0,), (0.0,)),
        # Roots, logarithms and divisions at 0.
        (np.sqrt, (0.0,), (INF,)),
        (np.log, (0.0,), (INF,)),
        (np.log1p, (-1.0,), (INF,)),
        (lambda x: 1 / x, (0.0,), (-INF,)),
        (lambda a, b: a / b, (0.0, 2.0), (0.5, 0.0)),
        (lambda a, b: a / b, (1.0, INF), (0.0, 0.0)),
        # Saturated functions of large arguments.
        (lambda x: apply("sigmoid", x), (1000.0,), (0.0,)),
        (lambda x: apply("sigmoid", x), (-1000.0,), (0.0,)),
        (np.tanh, (1000.0,), (0.0,)),
        (np.logaddexp, (1000.0, 0.0), (1.0, 0.0)),
        (np.logaddexp, (-1000.0, 0.0), (0.0, 1.0)),
        (np.logaddexp, (0.0, -INF), (1.0, 0.0)),
        (np.logaddexp, (INF, 0.0), (1.0, 0.0)),
        (np.logaddexp, (INF, INF), (0.5, 0.5)),
        (np.logaddexp, (-INF, -INF), (0.5, 0.5)),
        # Bounds: at the bound itself the derivative is 1.
        (lambda x: np.clip(x, 0, 1), (0.0,), (1.0,)),
        (lambda x: np.clip(x, 0, 1), (1.0,), (1.0,)),
        (lambda x: np.clip(x, 0, 1), (1.5,), (0.0,)),
        (lambda x, low: np.clip(x, low, 9), (1.0, 2.0), (0.0, 1.0)),
        # A branch that is not taken passes nothing, whatever its value; its own slope at NaN or infinity does not count
        # if its argument is made harmless as well.
        (lambda x: np.where(x > 0, x, x * NAN), (1.0,), (NAN,)),
        (lambda x: np.where(x > 0, x, stop_gradient(x) * NAN), (1.0,), (1.0,)),
        (lambda x: np.where(x > 0, np.log(x), 0.0), (-1.0,), (0.0,)),
        (lambda x: np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), 0.0), (0.0,), (0.0,)),
        # Lengths and spreads of nothing.
        (lambda a, b: np.linalg.norm(np.stack([a, b])), (0.0, 0.0), (0.0, 0.0)),
        (lambda a, b: np.std(np.stack([a, b])), (3.0, 3.0), (0.0, 0.0)),
        (np.hypot, (0.0, 0.0), (0.0, 0.0)),
        # Remainders and steps.
        (lambda a, b: a % b, (7.5, 2.0), (1.0, -3.0)),
        (lambda a, b: a % b, (-7.5, 2.0), (1.0, 4.0)),
        (lambda a, b: a % b, (1.0, 0.1), (1.0, -9.0)),
        (np.floor, (1.5,), (0.0,)),
        (np.sign, (0.0,), (0.0,)),
        (np.arcsinh, (0.0,), (1.0,)),
        (np.arcsinh, (-1e9,), (1e-9,)),
        (np.arctan2, (0.0, -1.0), (-1.0, 0.0)),
    ],
)
def test_derivatives_in_the_corners(function: Callable[..., Any], xs: tuple[float, ...], expected: Any) -> None:
    np.testing.assert_allclose(derivative(function, *xs), expected, rtol=1e-12)


def test_a_maximum_with_ties_shares_the_gradient_equally() -> None:
    np.testing.assert_allclose(
        grad(lambda x: np.sum(np.max(x, axis=1)))(np.array([[1.0, 1, 1], [0, 2, 2]])), [[1 / 3] * 3, [0, 0.5, 0.5]]
    )


def test_gather_with_repeated_rows_adds_up() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(x[[0, 0, 2, -1]]))(np.ones(3)), [2.0, 0.0, 2.0])
    np.testing.assert_array_equal(grad(lambda x: np.sum(x[[0, 1], [1, 1]] ** 2))(np.ones((2, 2))), [[0, 2], [0, 2]])


def test_recorded_indices_count_from_the_end_when_negative() -> None:
    def f(x: Any, rows: Any) -> Any:
        return np.sum(x[rows.astype(np.int64), np.array([0, 1])] * np.array([1.0, 10.0]))

    x = np.arange(6.0).reshape(3, 2)
    assert value_and_grad(f)(x, np.array([-1.0, -3.0]))[0] == x[-1, 0] + 10 * x[-3, 1]
    np.testing.assert_array_equal(
        grad(lambda x: np.sum(x[np.argmax(x, axis=0)]))(np.array([1.0, 5.0, 2.0])), [0.0, 1.0, 0.0]
    )


def test_a_mask_known_in_advance_selects_and_a_slice_that_is_empty_gives_nothing() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.sum(x[np.array([True, False, True])]))(np.ones(3)), [1, 0, 1])
    np.testing.assert_array_equal(grad(lambda x: np.sum(x[-10::-1]))(np.ones(5)), np.zeros(5))
    np.testing.assert_array_equal(
        grad(lambda x: np.sum(x[..., None, ::-1][0] * np.arange(3)))(np.ones((2, 3))), [[2, 1, 0], [0, 0, 0]]
    )


def test_every_example_in_the_docstrings_is_true() -> None:
    names = [m.name for m in pkgutil.iter_modules(unstuck.autodiff.__path__, "unstuck.autodiff.")]
    results = [doctest.testmod(importlib.import_module(name), extraglobs={"np": np}) for name in names]
    assert sum(r.attempted for r in results) >= 8
    assert sum(r.failed for r in results) == 0
