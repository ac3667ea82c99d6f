"""scan: a recurrence in one node is the loop it stands for, in value, gradient and gradient of the gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck.autodiff import Graph, gradients
from unstuck.autodiff.simplify import simplified
from unstuck.engines.reference import ReferenceEngine

R = np.random.default_rng(5)
W, U, B = R.normal(size=(3, 4)), R.normal(size=(4, 4)) / 2, R.normal(size=4)
H, X = R.normal(size=(2, 4)), R.normal(size=(5, 2, 3))
WEIGHTS = R.normal(size=(5, 2, 4))


def by_scan(w: Any, u: Any, b: Any, h: Any, x: Any, *, reverse: bool) -> Any:
    return np.sum(WEIGHTS * us.scan(lambda h, x: np.tanh(x @ w + h @ u + b), h, x, reverse=reverse))


def by_loop(w: Any, u: Any, b: Any, h: Any, x: Any, *, reverse: bool) -> Any:
    total = 0.0
    for t in reversed(range(5)) if reverse else range(5):
        h = np.tanh(x[t] @ w + h @ u + b)
        total = total + np.sum(WEIGHTS[t] * h)
    return total


ARGUMENTS = (W, U, B, H, X)


@pytest.mark.parametrize("reverse", [False, True])
def test_value_and_all_gradients_are_those_of_the_loop(reverse: bool) -> None:
    value, found = us.value_and_grad(by_scan, range(5))(*ARGUMENTS, reverse=reverse)
    expected, known = us.value_and_grad(by_loop, range(5))(*ARGUMENTS, reverse=reverse)
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    for a, b in zip(found, known, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("k", range(5))
def test_the_gradient_of_a_gradient_is_that_of_the_loop(k: int, reverse: bool) -> None:
    def squares(function: Callable[..., Any]) -> Any:
        return us.grad(
            lambda v: np.sum(us.grad(function, 1)(*ARGUMENTS[:k], v, *ARGUMENTS[k + 1 :], reverse=reverse) ** 2)
        )

    np.testing.assert_allclose(squares(by_scan)(ARGUMENTS[k]), squares(by_loop)(ARGUMENTS[k]), rtol=1e-9, atol=1e-11)


def test_the_gradient_is_that_of_central_differences(differences: Callable[..., Any]) -> None:
    def plain(*arguments: Any) -> Any:
        return by_loop(*arguments, reverse=False)

    found = us.grad(lambda *a: by_scan(*a, reverse=False), range(5))(*ARGUMENTS)
    for a, n in zip(found, differences(plain, *ARGUMENTS), strict=True):
        np.testing.assert_allclose(a, n, rtol=1e-6, atol=1e-8)


def test_a_carry_of_several_arrays_and_inputs_of_several_arrays() -> None:
    def step(carry: Any, x: Any) -> Any:
        return {"h": np.tanh(carry["c"] @ U + x[0] @ W), "c": np.where(x[1], carry["h"] * 0.5 + carry["c"], carry["c"])}

    mask = R.random((5, 2, 1)) < 0.6

    def scanned(h: Any) -> Any:
        states = us.scan(step, {"h": h, "c": h * 2}, (X, mask))
        return np.sum(states["h"] * WEIGHTS) + np.sum(states["c"][-1])

    def looped(h: Any) -> Any:
        carry, total = {"h": h, "c": h * 2}, 0.0
        for t in range(5):
            carry = step(carry, (X[t], mask[t]))
            total = total + np.sum(carry["h"] * WEIGHTS[t])
        return total + np.sum(carry["c"])

    for a, b in zip(us.value_and_grad(scanned)(H), us.value_and_grad(looped)(H), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11)


V, S = R.normal(size=(2, 4)), R.normal()
STEPS = {
    "a factor on the right": (lambda h, x, c: np.tanh(h @ c), U),
    "a factor on the right, turned round": (lambda h, x, c: np.tanh(h @ c.T), U),
    "a factor on the left": (lambda h, x, c: np.tanh(c @ h), R.normal(size=(2, 2))),
    "a factor on the left, turned round": (lambda h, x, c: np.tanh(c.T @ h), R.normal(size=(2, 2))),
    "a factor of turned states": (lambda h, x, c: np.tanh((h.T @ c).T), R.normal(size=(2, 2))),
    "parts of one factor": (lambda h, x, c: np.tanh((h @ c[:, :4]) * (h @ c[:, 4:])), R.normal(size=(4, 8))),
    "a factor used twice": (lambda h, x, c: np.tanh(np.tanh(h @ c) @ c + x @ W), U),
    "a scaled factor": (lambda h, x, c: np.tanh(h @ (0.5 * c)), U),
    "a row added": (lambda h, x, c: np.tanh(h * 0.5 + x @ W + c), B),
    "a column added": (lambda h, x, c: np.tanh(h * 0.5 + x @ W + c), R.normal(size=(2, 1))),
    "a number": (lambda h, x, c: np.tanh(h * c + x @ W), S),
    "a value for each place": (lambda h, x, c: np.tanh(h * c + x @ W), V),
    "batches of products": (lambda h, x, c: np.tanh(np.matmul(h[:, None, :], c)[:, 0]), R.normal(size=(2, 4, 4))),
    "something that the state is not made of": (lambda h, x, c: np.tanh(x @ W) + 0.0 * np.sum(c), V),
    "the constant alone": (lambda h, x, c: np.tanh(c), V),
    "an exponential": (lambda h, x, c: np.exp(-np.square(h @ c)) / (1.0 + np.abs(x @ W)), U),
}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "made again"])
@pytest.mark.parametrize("name", STEPS)
def test_gradients_of_constants_in_any_role(
    name: str, kept: bool, reverse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, constant = STEPS[name]
    if not kept:
        monkeypatch.setattr("unstuck.autodiff.through_time.LARGEST_KEPT", 0)

    def scanned(h: Any, x: Any, c: Any) -> Any:
        return np.sum(WEIGHTS * us.scan(lambda h, x: step(h, x, c), h, x, reverse=reverse))

    def looped(h: Any, x: Any, c: Any) -> Any:
        total = 0.0
        for t in reversed(range(5)) if reverse else range(5):
            h = step(h, x[t], c)
            total = total + np.sum(WEIGHTS[t] * h)
        return total

    found, known = (us.grad(f, (0, 1, 2))(H, X, constant) for f in (scanned, looped))
    for a, b in zip(found, known, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_gradient_that_reaches_the_last_step_alone_and_one_that_reaches_the_first(reverse: bool) -> None:
    for place in (0, 2, -1):

        def scanned(h: Any, u: Any, place: int = place) -> Any:
            return np.sum(WEIGHTS[0] * us.scan(lambda h, x: np.tanh(x @ W + h @ u), h, X, reverse=reverse)[place])

        def looped(h: Any, u: Any, place: int = place) -> Any:
            states = []
            for t in reversed(range(5)) if reverse else range(5):
                h = np.tanh(X[t] @ W + h @ u)
                states.append(h)
            return np.sum(WEIGHTS[0] * (states[::-1] if reverse else states)[place])

        found, known = us.grad(scanned, (0, 1))(H, U), us.grad(looped, (0, 1))(H, U)
        for a, b in zip(found, known, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


def test_the_way_back_makes_no_product_again_and_adds_none_up_step_by_step() -> None:
    graph = Graph()
    h, x, u = graph.input("h", (2, 4)), graph.input("x", (9, 2, 4)), graph.input("u", (4, 4))
    graph.outputs = gradients(np.sum(us.scan(lambda h, x: 1.0 / (1.0 + np.exp(h @ u + x)), h, x)[-1]), [h, x, u])
    bodies = [node.params["body"] for node in simplified(graph).nodes if node.operation == "scan"]
    counts = [sum(node.operation == "matmul" for node in body.nodes) for body in bodies]
    assert counts == [1, 1]
    assert not any(node.operation in ("exp", "transpose") for node in bodies[1].nodes)
    assert len(bodies[1].inputs) == 4  # the gradient of the state, two kept values, and the weights turned round


def test_a_scan_within_a_scan_reaches_arrays_around_both() -> None:
    def scanned(u: Any) -> Any:
        return np.sum(us.scan(lambda h, x: us.scan(lambda k, _: np.tanh(k @ u), h, np.zeros(2))[-1] + x, H, WEIGHTS))

    def looped(u: Any) -> Any:
        h, total = H, 0.0
        for t in range(5):
            h = np.tanh(np.tanh(h @ u) @ u) + WEIGHTS[t]
            total = total + np.sum(h)
        return total

    np.testing.assert_allclose(us.grad(scanned)(U), us.grad(looped)(U), rtol=1e-10)


def test_the_recurrence_is_one_node_however_many_steps() -> None:
    def nodes(steps: int) -> int:
        graph = Graph()
        h, x, u = graph.input("h", (2, 4)), graph.input("x", (steps, 2, 4)), graph.input("u", (4, 4))
        total = np.sum(us.scan(lambda h, x: np.tanh(h @ u + x), h, x))
        graph.outputs = [total, *gradients(total, [h, x, u])]
        return len(graph.pruned().nodes)

    assert nodes(300) == nodes(3)


def test_float32_stays_float32_also_where_the_function_makes_float64() -> None:
    graph = Graph()
    h, x = graph.input("h", (2,), np.float32), graph.input("x", (3, 2), np.float32)
    states = us.scan(lambda h, x: h * np.array([0.5, 2.0]) + x, h, x)
    total = np.sum(states)
    graph.outputs = [states, *gradients(total, [h, x])]
    results = ReferenceEngine().compile(graph)(np.ones(2, np.float32), np.ones((3, 2), np.float32))
    assert [r.dtype for r in results] == [np.float32] * 3
    np.testing.assert_allclose(results[0], [[1.5, 3], [1.75, 7], [1.875, 15]])


@pytest.mark.extra
@pytest.mark.parametrize(("steps", "reverse"), [(200, False), (200, True), (1, False)])
def test_a_long_recurrence_agrees_with_jax(steps: int, reverse: bool, jax64: Any) -> None:
    rng = np.random.default_rng(steps)
    h, x, u = rng.normal(size=(3, 6)), rng.normal(size=(steps, 3, 6)), np.linalg.qr(rng.normal(size=(6, 6)))[0]
    weights = rng.normal(size=(steps, 3, 6))
    jnp = jax64.numpy

    def ours(h: Any, x: Any, u: Any) -> Any:
        return np.sum(weights * us.scan(lambda h, x: np.tanh(h @ u + x), h, x, reverse=reverse))

    def theirs(h: Any, x: Any, u: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            h = jnp.tanh(h @ u + x)
            return h, h

        return jnp.sum(weights * jax64.lax.scan(step, h, x, reverse=reverse)[1])

    value, found = us.value_and_grad(ours, (0, 1, 2))(h, x, u)
    expected, known = jax64.value_and_grad(theirs, (0, 1, 2))(h, x, u)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    for a, b in zip(found, known, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
