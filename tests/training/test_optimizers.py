"""Optimisers: closed forms, ten steps beside PyTorch, and every one of them on several problems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck.autodiff import Graph, gradients
from unstuck.engines.reference import ReferenceEngine
from unstuck.training.optimizers import OPTIMIZERS, Optimizer, optimizer, slot_names

Objective = Callable[[Any], Any]
DTYPES = [np.float32, np.float64]


def trajectory(
    rule: Optimizer, objective: Objective, start: Any, steps: int, dtype: Any, decay: float | None = None
) -> Any:
    """The parameter before and after each step, (steps + 1, *shape), by the rule that is recorded into the step graph."""
    start = np.asarray(start, dtype)
    graph = Graph()
    p, rate, step = graph.input("p", start.shape, dtype), graph.input("rate", (), dtype), graph.input("step", (), dtype)
    slots = {name: graph.input(name, start.shape, dtype) for name in slot_names(rule)}
    (gradient,) = gradients(objective(p), [p])
    new, new_slots = rule.update(p, gradient, slots, rate, step, decay=rule.weight_decay if decay is None else decay)
    graph.outputs = [new, *new_slots.values()]
    program = ReferenceEngine().compile(graph)
    states, state = [start], [np.zeros_like(start) for _ in slots]
    for k in range(steps):
        value, *state = program(states[-1], dtype(rule.learning_rate.at(0, 1)), dtype(k + 1), *state)
        assert value.dtype == dtype
        states.append(value)
    return np.array(states)


def slope(g: float) -> Objective:
    return lambda p: np.sum(g * p)


def bowl(curvature: float) -> Objective:
    return lambda p: np.sum(0.5 * curvature * np.square(p))


def powers(matrix: list[list[float]], n: int) -> Any:
    """The first component of matrixⁿ (2, 0)."""
    return [(np.linalg.matrix_power(np.array(matrix), k) @ [2.0, 0.0])[0] for k in range(n + 1)]


K = np.arange(11)
A, R, M, D, L = 3.0, 0.1, 0.9, 0.8, 0.05
SHRINK = 1 - R * L
SUMS = {name: np.concatenate([[0], np.cumsum(f(K[1:]))]) for name, f in {
    "adagrad": lambda k: A / (A * np.sqrt(k) + 1e-10), "rmsprop": lambda k: A / (A * np.sqrt(1 - D**k) + 1e-8),
}.items()}  # fmt: skip
CLOSED: dict[str, tuple[Optimizer, Objective, Any]] = {
    "gradient descent": (us.SGD(R), bowl(A), 2 * (1 - R * A) ** K),
    "with weight decay": (us.SGD(R, weight_decay=L), bowl(A), 2 * (1 - R * (A + L)) ** K),
    "momentum": (us.Momentum(R), bowl(A), powers([[1 - R * A, -R * M], [A, M]], 10)),
    "nesterov": (us.Nesterov(R), bowl(A), powers([[1 - R * A * (1 + M), -R * M * M], [A, M]], 10)),
    "adagrad": (us.Adagrad(R), slope(A), 2 - R * SUMS["adagrad"]),
    "rmsprop": (us.RMSProp(R, decay=D), slope(A), 2 - R * SUMS["rmsprop"]),
    "adam": (us.Adam(R), slope(A), 2 - R * K * A / (A + 1e-8)),
    "adam without means": (us.Adam(R, 0.0, 0.0), bowl(A), 2 - R * K),
    "adamw": (us.AdamW(R, weight_decay=L), slope(A), 2 * SHRINK**K - R * (1 - SHRINK**K) / (1 - SHRINK)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CLOSED)
def test_ten_steps_are_those_of_the_closed_form(name: str, dtype: Any) -> None:
    rule, objective, expected = CLOSED[name]
    found = trajectory(rule, objective, [2.0, 2.0], 10, dtype)
    for column in found.T:
        np.testing.assert_allclose(column, expected, rtol=1e-12 if dtype is np.float64 else 3e-6, atol=1e-6)


def rough(p: Any) -> Any:
    return np.sum(np.square(np.sin(p)) + 0.1 * p**4 + p[0] * p[1])


@pytest.mark.extra
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "name", ["sgd", "sgd decay", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "decay as l2"]
)
def test_ten_steps_are_those_of_pytorch(name: str, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    optim = torch.optim
    mine, theirs = {
        "sgd": (us.SGD(0.05), lambda p: optim.SGD(p, 0.05)),
        "sgd decay": (us.SGD(0.05, weight_decay=0.2), lambda p: optim.SGD(p, 0.05, weight_decay=0.2)),
        "momentum": (us.SGD(0.05, 0.8), lambda p: optim.SGD(p, 0.05, momentum=0.8)),
        "nesterov": (us.Nesterov(0.05), lambda p: optim.SGD(p, 0.05, momentum=0.9, nesterov=True)),
        "adagrad": (us.Adagrad(0.05), lambda p: optim.Adagrad(p, 0.05)),
        "rmsprop": (us.RMSProp(0.05), lambda p: optim.RMSprop(p, 0.05)),
        "adam": (us.Adam(0.05), lambda p: optim.Adam(p, 0.05)),
        "adamw": (us.AdamW(0.05, weight_decay=0.1), lambda p: optim.AdamW(p, 0.05, weight_decay=0.1)),
        # PyTorch's SGD adds the decay to the gradient, before momentum; here that is what the l2 penalty does.
        "decay as l2": (us.Momentum(0.05), lambda p: optim.SGD(p, 0.05, momentum=0.9, weight_decay=0.2)),
    }[name]
    start = [0.7, -1.3, 0.2]
    objective = (lambda p: rough(p) + 0.1 * np.sum(np.square(p))) if name == "decay as l2" else rough
    found = trajectory(mine, objective, start, 10, np.dtype(dtype).type)
    p = torch.tensor(start, dtype=getattr(torch, dtype), requires_grad=True)
    rule = theirs([p])
    for state in found[1:]:
        rule.zero_grad()
        loss = (torch.sin(p) ** 2 + 0.1 * p**4 + p[0] * p[1]).sum()
        loss.backward()
        rule.step()
        np.testing.assert_allclose(state, p.detach().numpy(), rtol=1e-12 if dtype == "float64" else 2e-5, atol=1e-6)


def regression(p: Any) -> Any:
    x = np.array([[1.0, 0.5], [-0.3, 2.0], [0.7, -1.1], [1.5, 0.2]])
    return np.mean(np.square(x.astype(p.dtype) @ p - np.array([1.0, -2.0, 2.5, 1.2], p.dtype)))


def logistic(p: Any) -> Any:
    x = np.array([[1.0, 2.0], [2.0, 0.3], [-1.0, -0.5], [-2.0, 0.4]], p.dtype)
    return np.mean(np.logaddexp(0.0, -(x @ p) * np.array([1.0, 1.0, -1.0, -1.0], p.dtype))) + 0.01 * np.sum(
        np.square(p)
    )


def valley(p: Any) -> Any:
    return np.sum(np.array([1.0, 25.0], p.dtype) * np.square(p - np.array([1.0, -1.0], p.dtype)))


PROBLEMS = {"regression": regression, "logistic": logistic, "valley": valley}
RATES = {"sgd": 0.03, "momentum": 0.01, "nesterov": 0.01, "adagrad": 0.5, "rmsprop": 0.02, "adam": 0.05, "adamw": 0.05}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimiser_comes_close_to_the_minimum(name: str, problem: str, dtype: Any) -> None:
    from scipy.optimize import minimize

    objective = PROBLEMS[problem]
    start = np.array([-2.0, 2.0])
    found = trajectory(OPTIMIZERS[name](RATES[name], weight_decay=0.0), objective, start, 600, dtype)[-1].astype(float)
    best, first = minimize(objective, start).fun, objective(start)
    assert objective(found) - best < 0.02 * (first - best)


def test_a_name_gives_the_optimiser_and_its_stored_form_gives_it_back() -> None:
    for name in OPTIMIZERS:
        rule = optimizer(name.upper())
        assert type(rule).__name__.lower() == name
        assert optimizer(rule.to_dict()) == rule
    rule = us.Adam(us.schedules.WarmUp(0.1, 2, us.schedules.Cosine(0.1, 0.01)), beta1=0.8)
    assert optimizer(rule.to_dict()) == rule
