"""Losses: their values against closed forms, their gradients against differences and PyTorch, and far-out logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from unstuck import nn
from unstuck.autodiff import Graph, gradients
from unstuck.engines.reference import ReferenceEngine
from unstuck.errors import InputError
from unstuck.nn.losses import LOSSES, loss_function

RNG = np.random.default_rng(5)
Z = RNG.normal(size=(6, 4)) * 2
T = RNG.normal(size=(6, 4))
LABELS = np.array([0, 3, 1, 2, 0, 1])
ONE_HOT = np.eye(4)[LABELS]
P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
MANY = (RNG.random((6, 4)) > 0.5).astype(float)
COUNTS = RNG.integers(0, 9, (6, 4)).astype(float)


def loss_and_gradient(loss: nn.Loss, outputs: Any, targets: Any, weights: Any = None) -> tuple[Any, Any]:
    graph = Graph()
    given = [graph.input(n, a.shape, a.dtype) for n, a in (("o", outputs), ("t", targets))]
    extra = [] if weights is None else [graph.input("w", weights.shape, weights.dtype)]
    value = loss(*given, *extra)
    graph.outputs = [value, *gradients(value, given[:1])]
    found = ReferenceEngine().compile(graph)(outputs, targets, *([] if weights is None else [weights]))
    return found[0], found[1]


def huber(e: Any, delta: float) -> Any:
    return np.where(np.abs(e) <= delta, e**2 / 2, delta * (np.abs(e) - delta / 2))


# name: loss, outputs, targets, closed form of one value per row
CLOSED: dict[str, tuple[nn.Loss, Any, Any, Callable[[], Any]]] = {
    "squared, sum": (nn.SquaredError(), Z, T, lambda: ((Z - T) ** 2).sum(1)),
    "squared, mean": (nn.SquaredError(outputs="mean"), Z, T, lambda: ((Z - T) ** 2).mean(1)),
    "squared, half": (nn.SquaredError(half=True), Z, T, lambda: ((Z - T) ** 2).sum(1) / 2),
    "squared, half mean": (nn.SquaredError(half=True, outputs="mean"), Z, T, lambda: ((Z - T) ** 2).mean(1) / 2),
    "squared, labels": (nn.SquaredError(), Z, LABELS, lambda: ((Z - ONE_HOT) ** 2).sum(1)),
    "absolute": (nn.AbsoluteError(), Z, T, lambda: np.abs(Z - T).mean(1)),
    "huber": (nn.Huber(0.7), Z, T, lambda: huber(Z - T, 0.7).mean(1)),
    "cross-entropy, labels": (nn.CrossEntropy(), Z, LABELS, lambda: -np.log(P[np.arange(6), LABELS])),
    "cross-entropy, one-hot": (nn.CrossEntropy(), Z, ONE_HOT, lambda: -np.log(P[np.arange(6), LABELS])),
    "cross-entropy, soft": (nn.CrossEntropy(), Z, P[::-1], lambda: -(P[::-1] * np.log(P)).sum(1)),
    "on probabilities": (nn.CrossEntropyProbabilities(), P, LABELS, lambda: -np.log(P[np.arange(6), LABELS])),
    "binary, labels": (nn.BinaryCrossEntropy(), Z, LABELS, lambda: (np.log1p(np.exp(Z)) - ONE_HOT * Z).sum(1)),
    "binary, many": (nn.BinaryCrossEntropy(), Z, MANY, lambda: (np.log1p(np.exp(Z)) - MANY * Z).sum(1)),
    "binary, one output": (
        nn.BinaryCrossEntropy(), Z[:, :1], LABELS % 2, lambda: np.log1p(np.exp(Z[:, 0])) - (LABELS % 2) * Z[:, 0]
    ),
    "poisson": (nn.Poisson(), Z, COUNTS, lambda: (np.exp(Z) - COUNTS * Z).sum(1)),
    "a user's own, by rows": (
        nn.FunctionLoss(function=lambda o, t: np.sum(np.cosh(o - t) - 1, axis=-1)), Z, T, lambda: (np.cosh(Z - T) - 1).sum(1)
    ),
    "a user's own, on labels": (
        nn.FunctionLoss(function=lambda o, t: np.sum((o - t) ** 4, axis=-1)), Z, LABELS, lambda: ((Z - ONE_HOT) ** 4).sum(1)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("batch", ["mean", "sum"])
def test_the_value_is_the_closed_form_averaged_or_summed_over_the_batch(name: str, batch: str) -> None:
    loss, outputs, targets, rows = CLOSED[name]
    settings = {k: v for k, v in vars(loss).items() if k != "batch"}
    loss = type(loss)(batch=batch, **settings)
    expected = rows().mean() if batch == "mean" else rows().sum()
    assert loss_and_gradient(loss, outputs, targets)[0] == pytest.approx(expected, rel=1e-12)
    weights = np.arange(1.0, 7.0)
    expected = (rows() * weights).mean() if batch == "mean" else (rows() * weights).sum()
    assert loss_and_gradient(loss, outputs, targets, weights)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", CLOSED)
def test_the_gradient_is_that_of_central_differences(name: str) -> None:
    loss, outputs, targets, _ = CLOSED[name]
    found = loss_and_gradient(loss, outputs, targets)[1]
    numeric = np.empty_like(outputs)
    for place in np.ndindex(outputs.shape):
        up, down = outputs.copy(), outputs.copy()
        up[place] += 1e-6
        down[place] -= 1e-6
        high, low = (loss_and_gradient(loss, o, targets)[0] for o in (up, down))
        numeric[place] = (high - low) / 2e-6
    np.testing.assert_allclose(found, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.extra
@pytest.mark.parametrize("name", [n for n in CLOSED if "user" not in n])
def test_value_and_gradient_agree_with_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    from torch.nn import functional as F

    loss, outputs, targets, _ = CLOSED[name]
    z, t = torch.tensor(outputs, requires_grad=True), torch.tensor(np.ascontiguousarray(targets))
    hot = torch.tensor(ONE_HOT)
    n = len(outputs)
    theirs = {
        "squared, sum": lambda: F.mse_loss(z, t, reduction="sum") / n,
        "squared, mean": lambda: F.mse_loss(z, t),
        "squared, half": lambda: F.mse_loss(z, t, reduction="sum") / n / 2,
        "squared, half mean": lambda: F.mse_loss(z, t) / 2,
        "squared, labels": lambda: F.mse_loss(z, hot, reduction="sum") / n,
        "absolute": lambda: F.l1_loss(z, t),
        "huber": lambda: F.huber_loss(z, t, delta=0.7),
        "cross-entropy, labels": lambda: F.cross_entropy(z, t),
        "cross-entropy, one-hot": lambda: F.cross_entropy(z, t),
        "cross-entropy, soft": lambda: F.cross_entropy(z, t),
        "on probabilities": lambda: F.nll_loss(torch.log(z), t),
        "binary, labels": lambda: F.binary_cross_entropy_with_logits(z, hot, reduction="sum") / n,
        "binary, many": lambda: F.binary_cross_entropy_with_logits(z, t, reduction="sum") / n,
        "binary, one output": lambda: F.binary_cross_entropy_with_logits(z[:, 0], t.double()),
        "poisson": lambda: F.poisson_nll_loss(z, t, reduction="sum") / n,
    }[name]()
    theirs.backward()
    value, gradient = loss_and_gradient(loss, outputs, targets)
    assert value == pytest.approx(theirs.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, z.grad.numpy(), rtol=1e-10, atol=1e-13)


FAR = np.array([[1000.0, -1000.0, 0.0], [-1000.0, 1000.0, 1000.0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [*LOSSES])
@pytest.mark.parametrize("labels", [[0, 1], [1, 0]], ids=["right", "wrong"])
def test_logits_of_a_thousand_give_a_finite_loss_and_gradient(name: str, labels: list[int], dtype: Any) -> None:
    targets = np.eye(3, dtype=dtype)[labels]
    outputs = FAR.astype(dtype)
    if name == "cross_entropy_probabilities":  # what a softmax of these logits gives
        outputs = np.array([[1, 0, 0], [0, 0.5, 0.5]], dtype)
    value, gradient = loss_and_gradient(loss_function(name), outputs, targets)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_far_out_logits_give_the_exact_loss_where_it_is_known() -> None:
    z, labels = FAR[:1].astype(np.float32), np.array([1])
    assert loss_and_gradient(nn.CrossEntropy(), z, labels)[0] == 2000
    assert loss_and_gradient(nn.CrossEntropy(), z, np.array([0]))[0] == 0
    assert loss_and_gradient(nn.BinaryCrossEntropy(), z[:, :1], np.array([0]))[0] == 1000
    assert loss_and_gradient(nn.BinaryCrossEntropy(), z[:, :1], np.array([1]))[0] == 0
    np.testing.assert_allclose(loss_and_gradient(nn.CrossEntropy(), z, labels)[1], [[1, -1, 0]])


def test_poisson_grows_as_a_straight_line_beyond_its_largest_rate() -> None:
    def at(z: float) -> float:
        return float(loss_and_gradient(nn.Poisson(), np.array([[z]]), np.array([[0.0]]))[0])

    assert at(30) == pytest.approx(np.exp(30))
    assert at(33) - at(32) == pytest.approx(at(32) - at(31)) == pytest.approx(np.exp(30))


def test_cross_entropy_gives_the_same_for_labels_and_one_hot_rows_bit_by_bit() -> None:
    for loss in (nn.CrossEntropy(), nn.BinaryCrossEntropy(), nn.SquaredError()):
        labels, rows = loss_and_gradient(loss, Z, LABELS), loss_and_gradient(loss, Z, ONE_HOT)
        assert labels[0] == rows[0]
        assert np.array_equal(labels[1], rows[1])


def test_a_users_loss_may_give_one_number_for_the_batch() -> None:
    own = loss_function(lambda o, t: np.mean(np.abs(o - t)))
    assert loss_and_gradient(own, Z, T)[0] == pytest.approx(np.abs(Z - T).mean())


def test_one_number_for_the_batch_cannot_be_weighted() -> None:
    own = loss_function(lambda o, t: np.mean(np.abs(o - t)))
    with pytest.raises(InputError, match="gives one number for the whole batch, so rows cannot be weighted"):
        loss_and_gradient(own, Z, T, np.ones(6))


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_survives_its_stored_form(name: str) -> None:
    loss = loss_function(name)
    assert loss_function(loss.to_dict()) == loss


def test_targets_of_another_shape_are_refused_instead_of_broadcast() -> None:
    with pytest.raises(InputError) as error:
        loss_and_gradient(nn.SquaredError(), Z[:, :1], T[:, 0])
    assert str(error.value) == (
        "targets of shape (6,) and dtype float64 do not go with outputs of shape (6, 1); expected shape (6, 1), or whole class "
        "numbers of shape (6,)."
    )
