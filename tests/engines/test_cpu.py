"""The CPU engine says what the reference engine says: for every primitive, layer, loss and optimiser, at any size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unstuck import nn
from unstuck.autodiff import Graph, apply, gradients
from unstuck.autodiff.graph import record
from unstuck.engines.cpu import CpuEngine
from unstuck.engines.cpu.engine import Compiled
from unstuck.engines.reference import ReferenceEngine
from unstuck.nn.layers.activations import ACTIVATIONS
from unstuck.nn.losses import LOSSES, loss_function
from unstuck.training.optimizers import OPTIMIZERS
from unstuck.training.step import Penalty, StepPlan

TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}


def compare(graph: Graph, arrays: list[Any], tolerance: float) -> None:
    """Equal up to a share of the largest value of each output."""
    found = CpuEngine().compile(graph)(*arrays)
    right = ReferenceEngine().compile(graph)(*arrays)
    for node, a, b in zip(graph.outputs, found, right, strict=True):
        assert np.shape(a) == node.shape
        assert a.dtype == node.dtype
        usual = np.isfinite(b)
        assert np.array_equal(np.where(usual, 0, a), np.where(usual, 0, b), equal_nan=True)
        size = np.max(np.abs(b), initial=0.0, where=usual)
        assert np.all(np.abs(np.where(usual, a, 0) - np.where(usual, b, 0)) <= tolerance * max(size, 1e-30)), node


def step_inputs(plan: StepPlan, rows: int, seed: int = 0) -> tuple[Graph, list[Any]]:
    network, rng = plan.network, np.random.default_rng(seed)
    x = rng.normal(size=(rows, *(network.input_shape or ()))).astype(network.dtype)
    width = network.output_shape[-1]
    targets: Any = rng.integers(0, max(width, 2), rows)
    if plan.loss.takes in ("values", "log rates") and not plan.counts_correct:
        targets = rng.integers(0, 5, (rows, width)).astype(network.dtype)
    graph = plan.record(x.shape, targets.shape, targets.dtype)
    slots = [np.abs(rng.normal(size=s.shape)).astype(s.dtype) for s in plan.slots().values()]
    weights = [rng.random(rows).astype(network.dtype)] if plan.weighted else []
    scalar = network.dtype.type
    key = np.array([3, seed], np.uint32)
    return graph, [x, targets, *weights, scalar(0.1), scalar(4), key, *network.parameters.values(), *slots]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_a_step_through_every_activation(activation: str, dtype: Any) -> None:
    network = nn.Network(
        nn.Dense(9), ACTIVATIONS[activation](), nn.Dropout(0.3), nn.Dense(4), input_shape=6, dtype=dtype
    )
    plan = StepPlan(network, loss_function("cross_entropy"), OPTIMIZERS["sgd"](0.1), counts_correct=True)
    compare(*step_inputs(plan, 21), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("width", [1, 5])
def test_a_step_on_every_loss(loss: str, width: int, dtype: Any) -> None:
    layers = [nn.Dense(7), nn.Tanh(), nn.Dense(width)]
    if loss == "cross_entropy_probabilities":
        layers.append(nn.Softmax())
    network = nn.Network(*layers, input_shape=5, dtype=dtype)
    plan = StepPlan(network, loss_function(loss), OPTIMIZERS["sgd"](0.1), weighted=True)
    compare(*step_inputs(plan, 18), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_a_step_with_every_optimiser(name: str, dtype: Any) -> None:
    network = nn.Network(nn.Dense(20), nn.Sigmoid(), nn.Dense(3), input_shape=17, dtype=dtype)
    plan = StepPlan(
        network, loss_function("squared_error"), OPTIMIZERS[name](0.1, weight_decay=0.01), (Penalty(0.01, 0.02),), 0.5,
        reports_gradient=True,
    )  # fmt: skip
    compare(*step_inputs(plan, 13), TOLERANCE[dtype])


@settings(deadline=None, max_examples=15)
@given(*[st.integers(1, 70)] * 3, st.sampled_from([np.float32, np.float64]), st.integers(0, 99))
def test_products_of_any_size_in_every_orientation(m: int, k: int, n: int, dtype: Any, seed: int) -> None:
    in_every_orientation(m, k, n, dtype, seed)


@settings(deadline=None, max_examples=10)
@given(
    st.integers(1, 70), st.integers(380, 1200), st.integers(8, 100), st.sampled_from([np.float32, np.float64]),
    st.integers(0, 99),
)  # fmt: skip
def test_products_with_many_inner_places_which_are_made_in_pieces(
    m: int, k: int, n: int, dtype: Any, seed: int
) -> None:
    in_every_orientation(m, k, n, dtype, seed)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("m", "k", "n"), [(1, 190, 180), (5, 193, 171), (33, 400, 101), (16, 16, 2100), (29, 1030, 32)]
)
def test_products_whose_second_operand_is_large_and_lies_turned_round(m: int, k: int, n: int, dtype: Any) -> None:
    rng = np.random.default_rng(m)
    a, bt = (rng.normal(size=(m, k)) / k**0.5).astype(dtype), rng.normal(size=(n, k)).astype(dtype)
    before, bias = rng.normal(size=(m, n)).astype(dtype), rng.normal(size=n).astype(dtype)

    def function(a: Any, bt: Any, before: Any, bias: Any) -> Any:
        z = a @ bt.T
        return z, np.tanh(z + bias) * before, np.max(z, axis=1), bt - 0.1 * (before.T @ a)

    graph = record(function, a, bt, before, bias)
    kinds = [kernel.kind for kernel in Compiled(graph).plan.kernels]
    assert "deep" in kinds
    assert "pack" not in kinds
    compare(graph, [a, bt, before, bias], TOLERANCE[dtype])


def in_every_orientation(m: int, k: int, n: int, dtype: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.normal(size=(m, k)) / k**0.5).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
    graph = record(lambda a, b: (a @ b, a.T.T @ b), a, b)
    compare(graph, [a, b], TOLERANCE[dtype])
    compare(record(lambda at, b: np.tanh(at.T @ b), a.T, b), [np.ascontiguousarray(a.T), b], TOLERANCE[dtype])
    compare(
        record(lambda a, bt: np.sum(a @ bt.T, axis=0), a, b.T), [a, np.ascontiguousarray(b.T)], 10 * TOLERANCE[dtype]
    )


SHAPES = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)


@settings(deadline=None, max_examples=25)
@given(SHAPES, st.data())
def test_reductions_over_any_axes(shape: tuple[int, ...], data: Any) -> None:
    axes = tuple(sorted(data.draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))))
    keepdims = data.draw(st.booleans())
    x = np.random.default_rng(1).normal(size=shape)

    def function(x: Any) -> Any:
        kept = {"axes": axes, "keepdims": keepdims}
        parts = [apply(name, np.square(x) - x, **kept) for name in ("sum", "max", "min")]
        return (*(np.tanh(p) for p in parts), apply("sum", x > 0, **kept), np.argmax(x, axis=-1))

    compare(record(function, x), [x], 1e-12)


@settings(deadline=None, max_examples=25)
@given(SHAPES, st.data())
def test_broadcasting_between_any_shapes(shape: tuple[int, ...], data: Any) -> None:
    rng = np.random.default_rng(2)

    def other() -> Any:
        start = data.draw(st.integers(0, len(shape)))
        return rng.normal(size=tuple(n if data.draw(st.booleans()) else 1 for n in shape[start:]))

    arrays = [rng.normal(size=shape), other(), other()]

    def function(x: Any, y: Any, z: Any) -> Any:
        out = np.exp(x * y) + np.where(x > z, np.log1p(np.abs(y)), z) - np.expand_dims(np.max(x, axis=-1), -1)
        return out, np.sum(out, axis=0), out.T * 2.0, out[::-1]

    compare(record(function, *arrays), arrays, 1e-12)


UNARY = ["negative", "square", "sqrt", "absolute", "exp", "expm1", "log", "log1p", "sigmoid", "tanh", "erf", "sin", "cos",
         "tan", "sinh", "cosh", "arcsin", "arccos", "arctan", "sign", "floor", "ceil", "rint", "isfinite"]  # fmt: skip
BINARY = ["add", "subtract", "multiply", "divide", "power", "remainder", "maximum", "minimum", "logaddexp", "arctan2",
          "equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]  # fmt: skip
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, np.inf, -np.inf, np.nan, 1e-30, -1e-30, 88.0, -88.0, 100.0, -104.0, 3e38, 1e-40]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", UNARY)
def test_every_function_of_one_value_also_at_its_ends(name: str, dtype: Any) -> None:
    x = np.array([*SPECIAL, *np.random.default_rng(0).normal(size=50) * 3], dtype)
    found = CpuEngine().compile(record(lambda x: apply(name, x), x))(x)[0]
    right = ReferenceEngine().compile(record(lambda x: apply(name, x), x))(x)[0]
    np.testing.assert_allclose(
        found, right, rtol=4 * float(np.finfo(dtype).eps), atol=np.finfo(dtype).smallest_subnormal
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", BINARY)
def test_every_function_of_two_values_also_at_its_ends(name: str, dtype: Any) -> None:
    a, b = (v.ravel().astype(dtype) for v in np.meshgrid([*SPECIAL, 2.5, -7.3], [*SPECIAL, 2.5, -7.3]))
    graph = record(lambda a, b: apply(name, a, b), a, b)
    found, right = CpuEngine().compile(graph)(a, b)[0], ReferenceEngine().compile(graph)(a, b)[0]
    np.testing.assert_allclose(
        found, right, rtol=4 * float(np.finfo(dtype).eps), atol=np.finfo(dtype).smallest_subnormal
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "sigmoid", "tanh"])
def test_exponentials_and_logarithms_are_within_two_units_in_the_last_place(name: str, dtype: Any) -> None:
    rng = np.random.default_rng(5)
    x = np.concatenate([rng.uniform(-87, 88, 20000), rng.normal(size=20000), rng.normal(size=5000) * 1e-6]).astype(
        dtype
    )
    if name.startswith("log"):
        x = np.abs(x)
    wide = x.astype(np.longdouble)
    exact = {"sigmoid": lambda x: 1 / (1 + np.exp(-x))}.get(name) or getattr(np, name)
    right = exact(wide)
    found = CpuEngine().compile(record(lambda x: apply(name, x), x))(x)[0]
    usual = np.abs(right) < np.finfo(dtype).max
    unit = np.spacing(np.abs(right[usual].astype(dtype))).astype(np.longdouble)
    assert float(np.max(np.abs(found[usual].astype(np.longdouble) - right[usual]) / unit)) <= 2.0


def test_operations_without_a_kernel_run_in_between() -> None:
    x = np.random.default_rng(3).normal(size=(4, 6))

    def function(x: Any) -> Any:
        joined = np.concatenate([np.tanh(x), x * 2], axis=1)
        return np.exp(joined).sum(axis=1), np.cumsum(joined, axis=0) + 1, np.einsum("ij,kj->ik", x, x)

    compare(record(function, x), [x], 1e-12)


def test_gradients_through_pictures_and_sequences() -> None:
    rng = np.random.default_rng(4)
    x, w = rng.normal(size=(3, 5, 4)), rng.normal(size=(4, 6))
    graph = Graph()
    nodes = [graph.input("x", x.shape, x.dtype), graph.input("w", w.shape, w.dtype)]
    hidden = np.tanh(nodes[0] @ nodes[1])
    scores = hidden @ np.swapaxes(hidden, 1, 2)
    total = np.sum(np.reshape(np.exp(scores), (3, 25)) ** 2) + np.sum(np.mean(hidden, axis=1))
    graph.outputs = [total, *gradients(total, nodes)]
    compare(graph.pruned(), [x, w], 1e-12)
