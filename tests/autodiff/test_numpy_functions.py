"""Every NumPy function that recorded values understand: value and dtype of NumPy, gradient of central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from unstuck.autodiff import Graph, grad, value_and_grad
from unstuck.autodiff.graph import Node
from unstuck.autodiff.numpy_functions import COMPOSED, FUNCTIONS, METHODS, UFUNCS

R = np.random.default_rng(11)
V = R.normal(size=4)
W = R.normal(size=4)
A = R.normal(size=(3, 4))
B = R.normal(size=(3, 4))
S = R.normal(size=(3, 3))
T = R.normal(size=(2, 3, 4))
P = R.uniform(0.3, 2.0, size=(3, 4))
INSIDE = R.uniform(-0.8, 0.8, size=(3, 4))
X0 = np.array(0.7)
ROWS = np.array([2, 0, 0, -1])

# For each function, calls that must agree: (a function of floating arrays, those arrays).
CALLS: dict[Any, list[tuple[Callable[..., Any], tuple[Any, ...]]]] = {
    np.sum: [
        (lambda x: np.sum(x), (A,)),
        (lambda x: np.sum(x, axis=-1, keepdims=True), (T,)),
        (lambda x: np.sum(x, (0, 2)), (T,)),
        (lambda x: np.sum(x, axis=()), (A,)),
        (lambda x: np.sum(x > 0, axis=0) * x[0], (A,)),
        (lambda x: np.add.reduce(x), (A,)),
        (lambda x: np.add.reduce(x, 1), (A,)),
        (lambda x: np.add.reduce(x, axis=(0, 1), keepdims=True), (A,)),
    ],
    np.mean: [
        (lambda x: np.mean(x), (A,)),
        (lambda x: np.mean(x, axis=0), (A,)),
        (lambda x: np.mean(x, axis=(0, -1), keepdims=True), (T,)),
        (lambda x: np.mean(x > 0) * x, (V,)),
    ],
    np.max: [
        (lambda x: np.max(x), (A,)),
        (lambda x: np.max(x, axis=1, keepdims=True), (A,)),
        (lambda x: np.maximum.reduce(x), (A,)),
    ],
    np.min: [(lambda x: np.min(x, axis=0), (A,)), (lambda x: np.minimum.reduce(x, axis=-1), (A,))],
    np.var: [
        (lambda x: np.var(x), (A,)),
        (lambda x: np.var(x, axis=0, ddof=1), (A,)),
        (lambda x: np.var(x, axis=(0, 1), keepdims=True), (A,)),
    ],
    np.std: [(lambda x: np.std(x), (A,)), (lambda x: np.std(x, axis=1, ddof=1, keepdims=True), (A,))],
    np.prod: [
        (lambda x: np.prod(x), (V,)),
        (lambda x: np.prod(x, axis=0), (A,)),
        (lambda x: np.prod(x, axis=(0, 2), keepdims=True), (T,)),
        (lambda x: np.prod(x * np.array([1.0, 0.0, 2.0, 0.0])), (V,)),
        (lambda x: np.prod(x * np.array([1.0, 0.0, 2.0, 3.0])), (V,)),
        (lambda x: np.prod(x[:0]) + x[0], (V,)),
        (lambda x: np.prod(x > -9) * x[0], (V,)),
        (lambda x: np.multiply.reduce(x), (A,)),
    ],
    np.any: [(lambda x: np.where(np.any(x > 1, axis=1), 1.0, 2.0) * x[:, 0], (A,)), (lambda x: np.any(x) * x, (V,))],
    np.all: [(lambda x: np.where(np.all(x > -1, axis=1), 1.0, 2.0) * x[:, 0], (A,)), (lambda x: np.all(x > 0) * x, (V,))],
    np.argmax: [(lambda x: np.argmax(x, axis=1) * x[:, 0], (A,)), (lambda x: np.argmax(x) * x, (A,))],
    np.argmin: [(lambda x: np.argmin(x, axis=0) * x[0], (A,)), (lambda x: np.argmin(x) * x, (A,))],
    np.argsort: [(lambda x: np.argsort(x, axis=0) * x, (A,)), (lambda x: np.argsort(x, axis=None) * x.ravel(), (A,))],
    np.sort: [(lambda x: np.sort(x), (A,)), (lambda x: np.sort(x, axis=0), (A,)), (lambda x: np.sort(x, None), (A,))],
    np.cumsum: [(lambda x: np.cumsum(x), (A,)), (lambda x: np.cumsum(x, axis=1), (A,)), (lambda x: np.cumsum(x > 0) * x, (V,))],
    np.linalg.norm: [
        (lambda x: np.linalg.norm(x), (A,)),
        (lambda x: np.linalg.norm(x, axis=1, keepdims=True), (A,)),
        (lambda x: np.linalg.norm(x, 2), (V,)),
        (lambda x: np.linalg.norm(x, 2, axis=0), (A,)),
        (lambda x: np.linalg.norm(x, "fro"), (A,)),
    ],
    np.reshape: [
        (lambda x: np.reshape(x, (4, -1)), (A,)),
        (lambda x: np.reshape(x, 12), (A,)),
        (lambda x: x.reshape(2, 6), (A,)),
        (lambda x: x.reshape((2, -1)), (A,)),
        (lambda x: x.reshape(-1), (X0,)),
        (lambda x: x[:0].reshape(-1, 4), (A,)),
    ],
    np.transpose: [
        (lambda x: np.transpose(x), (A,)),
        (lambda x: np.transpose(x, (1, -1, 0)), (T,)),
        (lambda x: x.transpose(2, 0, 1), (T,)),
        (lambda x: x.transpose((2, 0, 1)), (T,)),
        (lambda x: x.transpose(), (T,)),
        (lambda x: x.T, (T,)),
    ],
    np.swapaxes: [(lambda x: np.swapaxes(x, 0, -1), (T,))],
    np.moveaxis: [(lambda x: np.moveaxis(x, 0, -1), (T,)), (lambda x: np.moveaxis(x, -1, 1), (T,))],
    np.ravel: [(lambda x: np.ravel(x), (A,)), (lambda x: x.flatten(), (A,))],
    np.squeeze: [(lambda x: np.squeeze(x[:1]), (A,)), (lambda x: np.squeeze(x[:, :1], axis=-1), (A,))],
    np.expand_dims: [(lambda x: np.expand_dims(x, 0), (A,)), (lambda x: np.expand_dims(x, (0, -1)), (A,))],
    np.broadcast_to: [(lambda x: np.broadcast_to(x, (2, 3, 4)), (A,)), (lambda x: np.broadcast_to(x, 3), (X0,))],
    np.flip: [(lambda x: np.flip(x), (A,)), (lambda x: np.flip(x, 1), (A,)), (lambda x: np.flip(x, (0, -1)), (T,))],
    np.roll: [
        (lambda x: np.roll(x, 1), (A,)),
        (lambda x: np.roll(x, -2, axis=1), (A,)),
        (lambda x: np.roll(x, 1, axis=0), (A,)),
        (lambda x: np.roll(x[:0], 1, axis=0), (A,)),
    ],
    np.concatenate: [
        (lambda x, y: np.concatenate([x, y]), (A, B)),
        (lambda x, y: np.concatenate((x, y, x), axis=-1), (A, B)),
        (lambda x, y: np.concatenate([x, y], axis=None), (A, V)),
        (lambda x: np.concatenate([x, np.ones((3, 1))], 1), (A,)),
        (lambda x: np.concatenate(x), (A,)),
    ],
    np.stack: [
        (lambda x, y: np.stack([x, y]), (A, B)),
        (lambda x, y: np.stack([x, y], axis=-1), (A, B)),
        (lambda x: np.stack([x[0], 2.0, x[1] * x[2]]), (V,)),
    ],
    np.hstack: [(lambda x, y: np.hstack([x, y]), (A, B)), (lambda x, y: np.hstack([x, y, y[0]]), (V, W))],
    np.vstack: [(lambda x, y: np.vstack([x, y]), (A, V)), (lambda x: np.vstack([x, x]), (X0,))],
    np.column_stack: [(lambda x, y: np.column_stack([x, y]), (V, W)), (lambda x, y: np.column_stack([x, y[:3]]), (A, V))],
    np.split: [(lambda x: np.split(x, 2, axis=1)[1], (A,)), (lambda x: np.split(x, [1, 2])[1], (A,))],
    np.array_split: [(lambda x: np.array_split(x, 3, axis=1)[0], (A,)), (lambda x: np.array_split(x, 5)[1], (A,))],
    np.pad: [
        (lambda x: np.pad(x, 1), (A,)),
        (lambda x: np.pad(x, ((0, 1), (2, 0)), constant_values=3.0), (A,)),
        (lambda x: np.pad(x, (1, 2)), (V,)),
    ],
    np.tile: [
        (lambda x: np.tile(x, 3), (V,)),
        (lambda x: np.tile(x, (2, 1)), (V,)),
        (lambda x: np.tile(x, 2), (A,)),
        (lambda x: np.tile(x, (2, 1, 3)), (A,)),
        (lambda x: np.tile(x, 0), (V,)),
    ],
    np.repeat: [
        (lambda x: np.repeat(x, 3), (A,)),
        (lambda x: np.repeat(x, 2, axis=1), (A,)),
        (lambda x: np.repeat(x, [2, 0, 1], axis=0), (A,)),
    ],
    np.matmul: [
        (lambda x, y: x @ y, (A, B.T)),
        (lambda x, y: x @ y, (V, W)),
        (lambda x, y: x @ y, (A, V)),
        (lambda x, y: x @ y, (V, B.T)),
        (lambda x, y: x @ y, (T, V)),
        (lambda x, y: x @ y, (V[:3], T)),
        (lambda x, y: x @ y, (A, np.swapaxes(T, 1, 2))),
        (lambda x, y: x[:, None] @ np.swapaxes(y, 1, 2)[None], (T, T)),
        (lambda x: np.ones((2, 3)) @ x, (A,)),
        (lambda x: np.matmul(x, np.ones(4)), (A,)),
    ],
    np.dot: [
        (lambda x, y: np.dot(x, y), (V, W)),
        (lambda x, y: np.dot(x, y), (A, B.T)),
        (lambda x, y: np.dot(x, y), (A, np.swapaxes(T, 1, 2))),
        (lambda x, y: np.dot(x, y), (V[:3], T)),
        (lambda x, y: x.dot(y), (T, V)),
        (lambda x, y: np.dot(x, y), (X0, A)),
    ],
    np.inner: [
        (lambda x, y: np.inner(x, y), (V, W)),
        (lambda x, y: np.inner(x, y), (A, T)),
        (lambda x: np.inner(x[0, 0], x), (A,)),
    ],
    np.outer: [(lambda x, y: np.outer(x, y), (V, W)), (lambda x, y: np.outer(x, y), (A, V))],
    np.vdot: [(lambda x, y: np.vdot(x, y), (A, B))],
    np.tensordot: [
        (lambda x, y: np.tensordot(x, y, 2), (A, B)),
        (lambda x, y: np.tensordot(x, y, 1), (A, B.T)),
        (lambda x, y: np.tensordot(x, y, ([0, 1], [1, 2])), (A, T)),
        (lambda x, y: np.tensordot(x, y, (1, -1)), (A, T)),
        (lambda x, y: np.tensordot(x, y, 0), (V, W)),
    ],
    np.einsum: [
        (lambda x, y: np.einsum("ij,kj->ik", x, y), (A, B)),
        (lambda x, y: np.einsum("ij,kj", x, y), (A, B)),
        (lambda x, y: np.einsum("ij, bij -> b", x, y, optimize=True), (A, T)),
        (lambda x, y: np.einsum("ij,kl->i", x, y), (A, B)),
        (lambda x: np.einsum("ij->", x), (A,)),
    ],
    np.trace: [(lambda x: np.trace(x), (S,)), (lambda x: np.trace(x), (A,))],
    np.diag: [(lambda x: np.diag(x), (V,)), (lambda x: np.diag(x), (A,))],
    np.diagonal: [(lambda x: np.diagonal(x), (S,))],
    np.where: [
        (lambda x, y: np.where(x > 0, x, y), (A, B)),
        (lambda x: np.where(x > 0, x, 0), (A,)),
        (lambda x: np.where(x, 2.0, 1.0) * x, (A,)),
        (lambda x: np.where([True, False, True, False], x, 1), (A,)),
        (lambda x: np.where(x > 0, 1.0, 0.0) * x, (A,)),
        (lambda x, y: np.where(x[0] > 99, x, y), (V, A)),
    ],
    np.clip: [
        (lambda x: np.clip(x, -0.5, 0.5), (A,)),
        (lambda x: np.clip(x, None, 0.5), (A,)),
        (lambda x, y: np.clip(x, y, y + 0.3), (A, V)),
        (lambda x: np.clip(x, min=0), (A,)),
    ],
    np.take: [
        (lambda x: np.take(x, ROWS, axis=1), (A,)),
        (lambda x: np.take(x, ROWS), (A,)),
        (lambda x: np.take(x, [[0, 1], [2, 2]], axis=1), (T,)),
        (lambda x: np.take(x, np.argsort(x)), (V,)),
        (lambda x: np.take(x, 1, axis=1), (A,)),
    ],
    np.take_along_axis: [
        (lambda x: np.take_along_axis(x, np.argsort(-x, axis=1), axis=1), (A,)),
        (lambda x: np.take_along_axis(x, np.argmax(B, axis=0)[None], 0), (A,)),
    ],
    np.zeros_like: [(lambda x: np.zeros_like(x) + x, (A,))],
    np.ones_like: [(lambda x: np.ones_like(x) * x, (A,))],
    np.full_like: [(lambda x: np.full_like(x, 2) * x, (A,)), (lambda x: np.full_like(x, x[0, 1]), (A,))],
    np.copy: [(lambda x: np.copy(x) * x.copy(), (A,))],
    np.nan_to_num: [
        (lambda x: np.nan_to_num(x + np.array([0, 0, np.nan, np.inf])) / 1e300, (V,)),
        (lambda x: np.nan_to_num(x + np.array([1, -np.inf, np.nan, np.inf]), nan=2.0, posinf=5.0, neginf=7.0), (V,)),
    ],
    np.shape: [(lambda x: x * np.shape(x)[0], (A,))],
    np.ndim: [(lambda x: x * np.ndim(x), (A,))],
    np.size: [(lambda x: x * np.size(x) * np.size(x, 1), (A,))],
    # Universal functions that are composed of several primitives, and forms that a single primitive does not show.
    np.positive: [(lambda x: +x, (A,))],
    np.reciprocal: [(lambda x: np.reciprocal(x), (P,))],
    np.float_power: [(lambda x, y: np.float_power(x, y), (P, A)), (lambda x: np.float_power(x, 2), (P,))],
    np.power: [
        *((lambda x, n=n: x**n, (P,)) for n in (2, 1, 0, 3, 4, -1, -2, 0.5, 1.5, 2.0, 3.0, np.float64(2.0))),
        (lambda x: x**3, (A,)),
        (lambda x: 2**x, (A,)),
        (lambda x: np.power(2.0, x), (A,)),
        (lambda x: np.argsort(x) ** 2.0 * x, (V,)),
        (lambda x: np.argsort(x) ** 2 * x, (V,)),
    ],
    np.fabs: [(lambda x: np.fabs(x), (A,)), (lambda x: np.fabs(np.argsort(x)) * x, (V,))],
    np.exp2: [(lambda x: np.exp2(x), (A,)), (lambda x: np.exp2(np.argsort(x)) * x, (V,))],
    np.log2: [(lambda x: np.log2(x), (P,))],
    np.log10: [(lambda x: np.log10(x), (P,))],
    np.hypot: [(lambda x, y: np.hypot(x, y), (A, V)), (lambda x: np.hypot(3.0, x), (A,))],
    np.floor_divide: [
        (lambda x: (x * 10 // 3) * x, (A,)),
        (lambda x: (np.argsort(x) // 2) * x, (V,)),
        (lambda x: (np.array([1.0, 0.3, -1.0, 5.0]) // (0.1 + 0 * x)) * x, (V,)),
        (lambda x: x[np.argsort(x) // 2], (V,)),
    ],
    np.fmax: [(lambda x: np.fmax(x, B), (A,)), (lambda x: np.fmax(x, np.array([np.nan, 0, 0, np.nan])), (A,))],
    np.fmin: [(lambda x: np.fmin(x, B), (A,)), (lambda x: np.fmin(np.array([np.nan, 0, 0, np.nan]), x), (A,))],
    np.cbrt: [(lambda x: np.cbrt(x), (A,))],
    np.heaviside: [(lambda x: np.heaviside(x, 0.5) * x, (A,)), (lambda x: np.heaviside(np.array([-1.0, 0, 0, 2]), x), (V,))],
    np.arcsinh: [(lambda x: np.arcsinh(x), (A,)), (lambda x: np.arcsinh(x * 1e9), (A,)), (np.arcsinh, (np.zeros(2),))],
    np.arctanh: [(lambda x: np.arctanh(x), (INSIDE,))],
    np.isnan: [(lambda x: np.where(np.isnan(x / np.array([1, 1, 1, np.nan])), 1.0, x), (V,))],
    np.isinf: [(lambda x: np.where(np.isinf(x * np.array([1, np.inf, np.nan, -np.inf])), 1.0, x), (V,))],
    np.invert: [(lambda x: ~(x > 0) * x, (A,))],
    np.bitwise_and: [(lambda x: ((x > 0) & (x < 1)) * x, (A,))],
    np.bitwise_or: [(lambda x: ((x < 0) | (x > 1)) * x, (A,))],
}  # fmt: skip

NAMED = [
    pytest.param(function, xs, id=f"{key.__name__}-{i}")
    for key, calls in CALLS.items()
    for i, (function, xs) in enumerate(calls)
]


def test_every_numpy_function_with_a_rule_is_called_here() -> None:
    aliases = {np.amax, np.amin}
    assert {*FUNCTIONS, *COMPOSED} - aliases <= set(CALLS)
    assert set(CALLS) <= {*FUNCTIONS, *COMPOSED, *UFUNCS}


@pytest.mark.parametrize(("function", "xs"), NAMED)
def test_value_shape_and_dtype_are_numpys(function: Callable[..., Any], xs: tuple[Any, ...]) -> None:
    for dtype in (np.float64, np.float32):
        arrays = [x.astype(dtype) for x in xs]
        with np.errstate(all="ignore"):
            expected = np.asarray(function(*arrays))
        graph = Graph(eager=True)
        node = function(*(graph.input(f"x{i}", x.shape, x.dtype, value=x) for i, x in enumerate(arrays)))
        assert isinstance(node, Node)
        assert node.value is not None
        assert (node.shape, node.dtype) == (expected.shape, expected.dtype)
        assert (node.value.shape, node.value.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(node.value, expected, rtol=1e-14 if dtype is np.float64 else 1e-5, atol=1e-15)


@pytest.mark.parametrize(("function", "xs"), NAMED)
def test_gradient_equals_central_differences(
    function: Callable[..., Any], xs: tuple[Any, ...], differences: Callable[..., Any]
) -> None:
    def number(*arrays: Any) -> Any:
        y = function(*arrays)
        return np.sum(y * np.cos(np.arange(y.size) * 1.7 + 0.3).reshape(y.shape))

    found = value_and_grad(number, range(len(xs)))(*xs)[1]
    with np.errstate(all="ignore"):
        expected = differences(number, *xs, step=1e-6)
    for a, n in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, n, rtol=1e-5, atol=1e-7 * max(1.0, float(np.abs(n).max(initial=0))))


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"item"}))  # item: see test_messages.py
def test_array_methods_are_the_functions_of_the_same_name(name: str) -> None:
    arguments: dict[str, tuple[Any, ...]] = {
        "repeat": (2,),
        "reshape": (9,),
        "swapaxes": (0, 1),
        "take": (ROWS % 3,),
        "clip": (-0.5, 0.5),
        "dot": (S,),
        "astype": (np.float32,),
    }
    graph = Graph(eager=True)
    node = getattr(graph.input("x", S.shape, S.dtype, value=S), name)(*arguments.get(name, ()))
    expected = np.asarray(getattr(S, name)(*arguments.get(name, ())))
    assert (node.shape, node.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(node.value, expected, rtol=1e-14)


def test_operators_with_arrays_lists_and_numbers_on_either_side_record() -> None:
    def f(x: Any) -> Any:
        total = 0
        for part in (
            np.add([1.0, 2.0], x),
            x - [1.0, 2.0],
            np.ones(2) * x,
            2 / x,
            x % 3,
            7 % x,
            1 - x,
            abs(-x),
            2**x,
            x // 2,
        ):
            total += part
        return total @ np.array([1.0, 10.0])

    x = np.array([0.8, 1.9])
    value, gradient = value_and_grad(f)(x)
    assert value == pytest.approx(float(f(x)), rel=1e-14)
    steps = [(f(x + 1e-6 * e) - f(x - 1e-6 * e)) / 2e-6 for e in np.eye(2)]
    np.testing.assert_allclose(gradient, steps, rtol=1e-7)


def test_accumulating_with_plus_equals_keeps_the_gradient() -> None:
    def f(x: Any) -> Any:
        total = x[0] * 0.0
        for i in range(3):
            total += x[i] ** 2
            total *= 2.0
        total -= x[0]
        total /= 2
        return total

    np.testing.assert_allclose(grad(f)(np.array([1.0, 2.0, 3.0])), [8 * 1.0 - 0.5, 4 * 2.0, 2 * 3.0])


def test_in_place_operators_keep_the_dtype_as_in_numpy() -> None:
    graph = Graph()
    x = graph.input("x", (2,), np.float32)
    x += np.ones(2)
    assert x.dtype == np.float32


def test_hypot_neither_overflows_nor_underflows() -> None:
    for size in (1e200, 1e-200):
        value, gradient = value_and_grad(np.hypot, (0, 1))(3.0 * size, 4.0 * size)
        assert value == pytest.approx(5.0 * size, rel=1e-14)
        np.testing.assert_allclose(gradient, (0.6, 0.8), rtol=1e-14)


def test_python_numbers_are_weak_and_numpy_scalars_are_not_as_in_numpy() -> None:
    x = np.ones(3, np.float32)
    for function in (
        lambda x: x * 2.0,
        lambda x: 2 + x,
        lambda x: x * True,
        lambda x: x * np.float32(2),
        lambda x: x * np.float64(2),
        lambda x: x ** np.float64(2),
        lambda x: x + np.int64(1),
        lambda x: np.maximum(x, 0),
        lambda x: np.where(x > 0, x, 0.0),
        lambda x: np.where(x > 0, x, np.float64(0.0)),
        lambda x: x * np.arange(3),
        lambda x: x * np.arange(3, dtype=np.int16),
        lambda x: (x > 0) * 1.5,
        lambda x: (x > 0) + 1,
        lambda x: (x > 0).astype(np.uint8) + 1,
    ):
        graph = Graph(eager=True)
        node = function(graph.input("x", x.shape, x.dtype, value=x))
        assert node.dtype == function(x).dtype == node.value.dtype


def test_no_function_of_numpy_turns_float32_into_float64_by_itself() -> None:
    for key, calls in CALLS.items():
        for function, xs in calls:
            with np.errstate(all="ignore"):
                plain = np.asarray(function(*(x.astype(np.float32) for x in xs)))
            if plain.dtype != np.float32:
                continue  # NumPy itself gives another dtype for this call, because of float64 or integer operands

            def number(*arrays: Any, function: Callable[..., Any] = function) -> Any:
                return np.sum(function(*arrays))

            value, found = value_and_grad(number, range(len(xs)))(*(x.astype(np.float32) for x in xs))
            assert value.dtype == np.float32, key
            assert {g.dtype for g in found} == {np.dtype(np.float32)}, key
