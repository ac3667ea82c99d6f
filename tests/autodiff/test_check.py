"""The gradient check: right gradients pass, each kind of wrong one is found and named, nothing is left changed."""

# ruff: noqa: E501 - sentences are given whole

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from unstuck.autodiff import GradientCheck, check_gradient
from unstuck.errors import InputError

Parameters = dict[str, np.ndarray[Any, Any]]
R = np.random.default_rng(0)
ROWS = 16
X = R.normal(size=(ROWS, 5))
Y = np.eye(3)[R.integers(0, 3, ROWS)]


class Net:
    """A network 5-8-8-3 with its gradient written by hand, and a place for each fault."""

    def __init__(self, activation: str = "tanh", loss: str = "cross-entropy") -> None:
        self.activation, self.kind = activation, loss

    def parameters(self, seed: int = 0) -> Parameters:
        r = np.random.default_rng(seed)
        p: Parameters = {}
        for i, (n, m) in enumerate([(5, 8), (8, 8), (8, 3)], 1):
            p[f"W{i}"], p[f"b{i}"] = r.normal(size=(n, m)) / np.sqrt(n), r.normal(size=m) * 0.1
        return p

    def act(self, z: Any) -> Any:
        if self.activation == "tanh":
            return np.tanh(z)
        return 1 / (1 + np.exp(-z)) if self.activation == "sigmoid" else np.maximum(z, 0)

    def slope(self, z: Any) -> Any:
        a = self.act(z)
        if self.activation == "tanh":
            return 1 - a * a
        return a * (1 - a) if self.activation == "sigmoid" else (z > 0) * 1.0

    def forward(self, p: Parameters) -> tuple[list[Any], list[Any]]:
        a, z = [X.astype(p["W1"].dtype)], []
        for i in (1, 2, 3):
            z.append(a[-1] @ p[f"W{i}"] + p[f"b{i}"])
            a.append(self.act(z[-1]) if i < 3 else z[-1])
        return a, z

    def loss(self, p: Parameters) -> Any:
        out = self.forward(p)[0][-1]
        if self.kind == "squared":
            return np.mean(np.sum((out - Y.astype(out.dtype)) ** 2, axis=1))
        shifted = out - out.max(axis=1, keepdims=True)
        return -np.mean(np.sum(Y * (shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))), axis=1))

    def gradient(self, p: Parameters) -> Parameters:
        a, z = self.forward(p)
        if self.kind == "squared":
            delta = 2 * (a[-1] - Y.astype(a[-1].dtype)) / ROWS
        else:
            e = np.exp(a[-1] - a[-1].max(axis=1, keepdims=True))
            delta = (e / e.sum(axis=1, keepdims=True) - Y) / ROWS
        g: Parameters = {}
        for i in (3, 2, 1):
            g[f"W{i}"], g[f"b{i}"] = a[i - 1].T @ delta, delta.sum(axis=0)
            if i > 1:
                delta = (delta @ p[f"W{i}"].T) * self.slope(z[i - 2])
        return g


NET = Net()
RELU = Net("relu")


def verdicts(check: GradientCheck) -> dict[str, str]:
    return {p.name: p.verdict for p in check.parameters}


def of(check: GradientCheck, name: str) -> Any:
    return next(p for p in check.parameters if p.name == name)


def spoilt(net: Net, **changes: Callable[[Any, Parameters, Parameters], Any]) -> Callable[[Parameters], Parameters]:
    """The net's gradient with the parts named in ``changes`` replaced by ``change(part, gradient, parameters)``."""

    def gradient(p: Parameters) -> Parameters:
        g = net.gradient(p)
        return {k: changes[k](v.copy(), g, p) if k in changes else v for k, v in g.items()}

    return gradient


# Right gradients -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["cross-entropy", "squared"])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_right_gradients_pass_on_twenty_seeds(activation: str, kind: str) -> None:
    net = Net(activation, kind)
    for seed in range(20):
        p = net.parameters(seed)
        check = check_gradient(net.loss, net.gradient, p, seed=seed)
        assert check.ok, f"seed {seed}\n{check}"
        assert check.worst is not None
        assert check.worst.error is not None
        assert check.worst.error < 1e-6
        assert check_gradient(net.loss, net.gradient(p), p, seed=seed).ok


def test_every_form_of_parameters_passes() -> None:
    def loss(p: Any) -> Any:
        return np.sum(np.sin(p[0]["a"]) * p[1][0]) + p[1][1] ** 2

    def gradient(p: Any) -> Any:
        return [{"a": np.cos(p[0]["a"]) * p[1][0]}, (np.sum(np.sin(p[0]["a"])), 2 * p[1][1])]

    check = check_gradient(loss, gradient, ({"a": np.arange(3.0)}, [2.0, np.array(0.5)]))
    assert [p.name for p in check.parameters] == ["[0]['a']", "[1][0]", "[1][1]"]
    assert check.ok
    for alone in (np.ones((2, 2)), 3.0, np.float32(3.0), 3):
        assert check_gradient(lambda w: np.sum(w**3), lambda w: 3 * w**2, alone).ok


def test_parameters_in_float32_are_checked_on_float64_copies() -> None:
    p = {k: v.astype(np.float32) for k, v in NET.parameters().items()}
    check = check_gradient(NET.loss, NET.gradient, p)
    assert check.ok
    assert check.tolerance == 1e-6
    assert check.notes == []


def test_a_large_parameter_passes() -> None:
    x = R.normal(size=(8, 784))
    w = R.normal(size=(784, 64)) * 0.01

    def gradient(w: Any) -> Any:
        h = np.tanh(x @ w)
        return x.T @ (2 * h * (1 - h * h))

    assert check_gradient(lambda w: np.sum(np.tanh(x @ w) ** 2), gradient, w).ok


def test_a_steep_and_a_large_loss_still_pass() -> None:
    assert check_gradient(lambda w: np.sum(np.exp(5 * w)), lambda w: 5 * np.exp(5 * w), np.array([0.3, 4.0])).ok
    assert check_gradient(lambda w: 1e6 + np.sum(w**2), lambda w: 2 * w, np.array([0.3, 4.0])).ok


# Wrong gradients, by name ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (-1, "is -1 times the true gradient: its sign is turned round"),
        (2, "is 2 times the true gradient: a factor of 2 too many, as from a square that has its ½"),
        (0.5, "is 0.5 times the true gradient: a factor of 2 is missing, as that of a square"),
        (ROWS, "is 16 times the true gradient: a sum where the loss takes a mean, if 16 is the number of rows"),
        (1 / ROWS, "is 0.0625 times the true gradient: a mean where the loss takes a sum, or two means, if 16 is the number of rows"),
        (-5, "is -5 times the true gradient: its sign is turned round; a sum where the loss takes a mean, if 5 is the number of rows; "
             "5 is also a size of W1"),
        (2 / 7, "is 0.285714 times the true gradient: 2/7"),
        (3.5, "is 3.5 times the true gradient: 7/2"),
        (0.8, "is 0.8 times the true gradient: it is 1 - p with p = 0.2, as the scale of dropout"),
        (1 / 0.7, "is 1.42857 times the true gradient: it is 1/(1 - p) with p = 0.3, as the scale of dropout"),
        (0.001, "is 0.001 times the true gradient: a mean where the loss takes a sum, or two means, if 1000 is the number of rows; "
                "1000 is a power of ten, as in a number mistyped"),
        (1.2345, "is 1.2345 times the true gradient"),
    ],
)  # fmt: skip
def test_a_constant_factor_is_named(factor: float, words: str) -> None:
    for seed in range(3):
        wrong = spoilt(NET, W2=lambda v, g, p: v * factor, b1=lambda v, g, p: v * factor)
        check = check_gradient(NET.loss, wrong, NET.parameters(seed), seed=seed)
        assert [p.name for p in check.failed] == ["b1", "W2"]
        for found in check.failed:
            assert found.explanation == words
            assert found.factor == pytest.approx(factor, rel=1e-5)
            assert found.pattern == ("sign" if factor == -1 else "factor")


def test_a_factor_common_to_all_points_to_the_loss() -> None:
    check = check_gradient(NET.loss, lambda p: {k: -v for k, v in NET.gradient(p).items()}, NET.parameters())
    assert check.notes == ["all are wrong by the same factor -1: look where the backward pass begins, at the loss."]


def test_faults_from_one_layer_down_are_said_to_be_so() -> None:
    class Missing(Net):
        def slope(self, z: Any) -> Any:
            return 1.0

    check = check_gradient(NET.loss, Missing().gradient, NET.parameters())
    assert list(verdicts(check).values()) == ["failed"] * 4 + ["passed"] * 2
    assert check.notes == [
        "from W3 to the end of the list all is right, before it all is wrong: if the list goes from input to output, look at "
        "what is passed back to b2."
    ]


def column(v: Any, c: float) -> Any:
    v[:, 2] *= c
    return v


def row(v: Any, c: float) -> Any:
    v[3] *= c
    return v


def element(v: Any) -> Any:
    v[3, 1] = 0
    return v


def diagonal(v: Any, c: float) -> Any:
    np.fill_diagonal(v, c * np.diag(v))
    return v


NAMED = {
    "zero": ("W1", lambda v, g, p: 0 * v, "is 0 everywhere although the loss depends on it: nothing flows back to it"),
    "transposed": ("W2", lambda v, g, p: v.T, "is the transpose of the true gradient"),
    "reshaped": ("W1", lambda v, g, p: v.T.reshape(v.shape),
                 "holds the right numbers in the wrong order: reshaped where it should be transposed, or the reverse"),
    "reversed": ("W1", lambda v, g, p: v[::-1], "is in reverse order along axis 0"),
    "shifted": ("b2", lambda v, g, p: np.roll(v, 1), "is shifted by one along axis 0"),
    "foreign": ("b1", lambda v, g, p: g["b2"], "is the gradient of b2"),
    "row": ("W1", lambda v, g, p: row(v, 0), "is wrong in row 3 only, where it is 0"),
    "column": ("W1", lambda v, g, p: column(v, -1), "is wrong in column 2 only, where it is -1 times the true gradient: its sign is turned round"),
    "entry": ("b1", lambda v, g, p: row(v, 0), "is wrong in entry 3 only, where it is 0"),
    "element": ("W2", lambda v, g, p: element(v), "is wrong in a single element, row 3, column 1, where it is 0"),
    "diagonal": ("W2", lambda v, g, p: diagonal(v, 0), "is wrong on the diagonal only, where it is 0"),
    "off-diagonal": ("W2", lambda v, g, p: np.diag(np.diag(v)), "is right on the diagonal only, where it is 0"),
    "per column": ("W2", lambda v, g, p: v * np.linspace(0.5, 1, 8),
                   "has each column multiplied by a number of its own, 0.5 to 1: a factor of each unit, such as a derivative, is wrong or missing"),
    "per row": ("W2", lambda v, g, p: v * np.linspace(0.5, 1, 8)[:, None],
                "has each row multiplied by a number of its own, 0.5 to 1: a factor of each unit, such as a derivative, is wrong or missing"),
    "clipped": ("W1", lambda v, g, p: np.clip(v, -0.01, 0.01), "is cut off at ±0.01: clip after the whole gradient is known, not inside it"),
    "parameter added": ("W1", lambda v, g, p: v + 0.01 * p["W1"],
                        "differs from the true gradient by 0.01 times the parameter itself: a penalty on its squares stands in only one of loss and gradient"),
    "signs added": ("W1", lambda v, g, p: v - 0.02 * np.sign(p["W1"]),
                    "differs from the true gradient by -0.02 times the signs of the parameter: a penalty on its absolute values stands in only one "
                    "of loss and gradient"),
    "constant added": ("b1", lambda v, g, p: v + 0.1, "differs from the true gradient by 0.1 times 1: something is added to every element"),
}  # fmt: skip


@pytest.mark.parametrize("pattern", NAMED)
def test_each_kind_of_fault_is_named_on_every_seed(pattern: str) -> None:
    name, change, words = NAMED[pattern]
    for seed in range(5):
        check = check_gradient(NET.loss, spoilt(NET, **{name: change}), NET.parameters(seed), seed=seed)
        assert [p.name for p in check.failed] == [name], str(check)
        assert (check.failed[0].pattern, check.failed[0].explanation) == (pattern, words)
        assert check.worst is check.failed[0]


def test_two_gradients_in_each_others_place_are_named() -> None:
    wrong = spoilt(NET, b1=lambda v, g, p: g["b2"], b2=lambda v, g, p: g["b1"])
    check = check_gradient(NET.loss, wrong, NET.parameters())
    assert {p.name: p.explanation for p in check.failed} == {
        "b1": "is the gradient of b2",
        "b2": "is the gradient of b1",
    }


def test_a_transpose_with_a_factor_names_both() -> None:
    check = check_gradient(NET.loss, spoilt(NET, W2=lambda v, g, p: -2 * v.T), NET.parameters())
    assert of(check, "W2").explanation == (
        "is the transpose of the true gradient; besides, it is -2 times the true gradient: its sign is turned round; a factor "
        "of 2 too many, as from a square that has its ½"
    )


@pytest.mark.parametrize(
    "fault",
    ["missing derivative", "doubled derivative", "derivative of the other activation", "raw input as operand", "missing rows",
     "weights not transposed", "noise"],
)  # fmt: skip
def test_faults_that_numbers_alone_cannot_name_are_still_found(fault: str) -> None:
    class Faulty(Net):
        def slope(self, z: Any) -> Any:
            right = super().slope(z)
            other = np.tanh(z) * (1 - np.tanh(z))
            return {
                "missing derivative": 1.0,
                "doubled derivative": right**2,
                "derivative of the other activation": other,
            }.get(fault, right)

        def gradient(self, p: Parameters) -> Parameters:
            a, z = self.forward(p)
            e = np.exp(a[-1] - a[-1].max(axis=1, keepdims=True))
            delta = (e / e.sum(axis=1, keepdims=True) - Y) / ROWS
            rows = slice(0, ROWS - 1) if fault == "missing rows" else slice(None)
            g: Parameters = {}
            for i in (3, 2, 1):
                operand = np.tile(X, 2)[:, :8] if fault == "raw input as operand" and i == 2 else a[i - 1]
                g[f"W{i}"], g[f"b{i}"] = operand[rows].T @ delta[rows], delta[rows].sum(axis=0)
                w = p[f"W{i}"] if fault == "weights not transposed" and i == 2 else p[f"W{i}"].T
                delta = (delta @ w) * self.slope(z[i - 2]) if i > 1 else delta
            if fault == "noise":
                g["W1"] = g["W1"] * (1 + 1e-3 * np.random.default_rng(1).normal(size=g["W1"].shape))
            return g

    for seed in range(8):
        p = NET.parameters(seed)
        check = check_gradient(NET.loss, Faulty().gradient, p, seed=seed)
        assert check.failed, f"seed {seed}\n{check}"
        assert not check.not_checkable
        assert all(f.explanation for f in check.failed)
        shallow = {"W1", "b1", "W2", "b2"} if fault != "missing rows" else set(p)
        assert {f.name for f in check.failed} <= shallow


def test_an_unnamed_fault_is_described_by_length_and_direction() -> None:
    class Missing(Net):
        def slope(self, z: Any) -> Any:
            return 1.0

    text = of(check_gradient(NET.loss, Missing().gradient, NET.parameters()), "W1").explanation
    assert re.fullmatch(
        r"is wrong throughout: [\d.]+ times the true length, cosine 0\.\d{3} to the true direction", text
    )


def test_a_wrong_row_or_element_of_a_large_parameter_is_found_and_named() -> None:
    x = R.normal(size=(4, 400))
    w = R.normal(size=(400, 24)) * 0.01

    def gradient(w: Any, key: Any, factor: float) -> Any:
        h = np.tanh(x @ w)
        g = x.T @ (2 * h * (1 - h * h))
        g[key] *= factor
        return g

    for key, factor, words in (
        (333, 0, "is wrong in row 333 only, where it is 0"),
        ((slice(None), 20), 0, "is wrong in column 20 only, where it is 0"),
        ((360, 5), -1, "is wrong in a single element, row 360, column 5, where it is -1 times the true gradient: its sign is "
                       "turned round"),
    ):  # fmt: skip
        check = check_gradient(lambda w: np.sum(np.tanh(x @ w) ** 2), lambda w, k=key, f=factor: gradient(w, k, f), w)
        assert check.failed[0].explanation == words


def test_patterns_of_a_tensor_with_more_axes_are_named() -> None:
    kernel = R.normal(size=(3, 3, 2, 4))
    c = R.normal(size=kernel.shape)

    def gradient(w: Any) -> Any:
        return c * np.cos(w)

    def loss(w: Any) -> Any:
        return np.sum(c * np.sin(w))

    for change, words in (
        (lambda g: -g, "is -1 times the true gradient: its sign is turned round"),
        (lambda g: g[::-1], "is in reverse order along axis 0"),
        (lambda g: g[::-1, ::-1, ::-1, ::-1], "is in reverse order along all its axes"),
        (lambda g: g * np.array([1, 1, 0, 1]), "is wrong in column 2 only, where it is 0"),
    ):
        check = check_gradient(loss, lambda w, change=change: change(gradient(w)), kernel)
        assert check.failed[0].explanation.replace(" (leading axes as rows)", "") == words


def test_nan_in_a_gradient_is_a_failure_that_says_where() -> None:
    def nan_at(v: Any, g: Any, p: Any) -> Any:
        v[2, 1] = np.nan
        return v

    check = check_gradient(NET.loss, spoilt(NET, W1=nan_at), NET.parameters())
    assert of(check, "W1").explanation == "holds nan at index (2, 1)"
    assert not check.ok


def test_small_gradients_are_found_wrong_and_right_ones_pass() -> None:
    w = R.normal(size=5)
    for offset, size in ((0.0, 1e-9), (1.0, 1e-9), (2.3, 1e-8), (0.0, 1e-30)):
        check = check_gradient(
            lambda w, o=offset, s=size: o + s * np.sum(np.sin(w)), lambda w, s=size: 1.1 * s * np.cos(w), w
        )
        assert verdicts(check) == {"parameters": "failed"}
        assert check.failed[0].explanation == "is 1.1 times the true gradient"
        assert check_gradient(
            lambda w, o=offset, s=size: o + s * np.sum(np.sin(w)), lambda w, s=size: s * np.cos(w), w
        ).ok


def test_a_small_relative_error_is_a_failure_even_when_the_absolute_error_is_tiny() -> None:
    w = R.normal(size=5)
    check = check_gradient(lambda w: 1e-6 * np.sum(np.sin(w)), lambda w: 1.0001e-6 * np.cos(w), w)
    assert check.failed[0].error == pytest.approx(1e-4, rel=1e-2)


# Not checkable, kinks ------------------------------------------------------------------------------------------------
def test_what_drowns_in_rounding_is_not_checkable_and_has_not_passed() -> None:
    p = RELU.parameters()
    p["b1"][:] = -50.0  # every unit of the first layer is dead, so W1, b1 and W2 have no effect
    check = check_gradient(RELU.loss, RELU.gradient, p)
    assert verdicts(check) == {
        "W1": "not checkable", "b1": "not checkable", "W2": "not checkable", "b2": "passed", "W3": "passed", "b3": "passed"
    }  # fmt: skip
    assert not check.ok
    assert not check.failed
    assert [p.name for p in check.not_checkable] == ["W1", "b1", "W2"]
    assert of(check, "W1").error is None
    assert re.fullmatch(
        r"both derivatives lie below what rounding shows \(about \de-1\d\): nothing depends on it here; try other rows of data or "
        r"another seed",
        of(check, "W1").explanation,
    )
    for slope in (1e-15, 3e-16, 0.0):
        tiny = check_gradient(lambda w, s=slope: 1 + s * np.sum(w), lambda w, s=slope: s + 0 * w, np.ones(3))
        assert verdicts(tiny) == {"parameters": "not checkable"}


def test_a_gradient_where_nothing_depends_on_the_parameter_fails() -> None:
    p = RELU.parameters()
    p["b1"][:] = -50.0
    check = check_gradient(RELU.loss, spoilt(RELU, b1=lambda v, g, p: v + 1.0), p)
    assert of(check, "b1").verdict == "failed"
    assert of(check, "b1").explanation == "should be 0 up to rounding: the loss does not depend on it here"


def test_an_empty_parameter_is_not_checkable() -> None:
    check = check_gradient(lambda p: np.sum(p[0] ** 2), lambda p: [2 * p[0], p[1]], [np.ones(2), np.ones((0, 3))])
    assert [p.verdict for p in check.parameters] == ["passed", "not checkable"]
    assert check.parameters[1].explanation == "it is empty"


@pytest.mark.parametrize("distance", [0.0, 1e-9, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3])
def test_units_at_a_kink_are_no_false_alarm(distance: float) -> None:
    for seed in range(5):
        p = RELU.parameters(seed)
        p["W1"][:, 0] = 0.0  # the first unit has z = b for every row: all rows sit at the same distance from its kink
        p["b1"][0] = distance
        check = check_gradient(RELU.loss, RELU.gradient, p, seed=seed)
        assert check.ok, str(check)
        given = check_gradient(RELU.loss, RELU.gradient(p), p, seed=seed)
        assert not given.failed, str(given)


def test_a_kink_exactly_here_cannot_be_checked_with_a_finished_gradient() -> None:
    p = RELU.parameters(1)
    p["W1"][:, 0] = p["b1"][0] = 0.0
    check = check_gradient(RELU.loss, RELU.gradient(p), p)
    assert of(check, "b1").explanation == (
        "the loss has a kink exactly here (a ReLU or |x| at 0, equal maxima); give the gradient as a function, or try another seed"
    )
    beside = check_gradient(RELU.loss, RELU.gradient, p)
    assert of(beside, "b1").explanation == "checked close by, because the loss has a kink exactly here"


def test_a_wrong_gradient_at_a_kink_is_still_found() -> None:
    for distance in (0.0, 1e-6, 1e-4):
        p = RELU.parameters(1)
        p["W1"][:, 0] = 0.0
        p["b1"][0] = distance
        check = check_gradient(RELU.loss, spoilt(RELU, b1=lambda v, g, p: 2 * v), p)
        assert [f.name for f in check.failed] == ["b1"]
        assert check.failed[0].factor == pytest.approx(2, rel=1e-4)


def test_the_kinks_of_absolute_values_and_maxima_are_no_false_alarm() -> None:
    target = R.normal(size=(6, 3))

    def loss(w: Any) -> Any:
        return np.mean(np.abs(X[:6] @ w - target)) + 0.1 * np.sum(np.abs(w))

    def gradient(w: Any) -> Any:
        return X[:6].T @ np.sign(X[:6] @ w - target) / target.size + 0.1 * np.sign(w)

    for seed in range(20):
        w = np.random.default_rng(seed).normal(size=(5, 3))
        w[seed % 5] = 0.0
        assert check_gradient(loss, gradient, w, seed=seed).ok


# Penalty -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("strength", [1e-7, 1e-4, 1.0])
def test_a_penalty_is_checked_apart_from_the_data_term(strength: float) -> None:
    def penalty(p: Parameters) -> Any:
        return strength * sum(np.sum(p[k] ** 2) for k in ("W1", "W2", "W3"))

    def gradient(factor: float) -> Callable[[Parameters], Parameters]:
        return lambda p: {
            k: v + (factor * 2 * strength * p[k] if k[0] == "W" else 0) for k, v in NET.gradient(p).items()
        }

    def loss(p: Parameters) -> Any:
        return NET.loss(p) + penalty(p)

    p = NET.parameters()
    assert check_gradient(loss, gradient(1.0), p, penalty=penalty).ok
    for factor, words in (
        (0.0, "is right in its data term; its penalty part is missing"),
        (0.5, "is right in its data term; its penalty part is 0.5 times what it should be: a factor of 2 is missing, as that of a square"),
        (-1.0, "is right in its data term; its penalty part is -1 times what it should be: its sign is turned round"),
    ):  # fmt: skip
        check = check_gradient(loss, gradient(factor), p, penalty=penalty)
        assert [f.name for f in check.failed] == ["W1", "W2", "W3"]
        assert {f.explanation for f in check.failed} == {words}
        assert {f.pattern for f in check.failed} == {"penalty"}


# Precision -----------------------------------------------------------------------------------------------------------
def single(p: Parameters) -> Parameters:
    return {k: v.astype(np.float32) for k, v in p.items()}


SQUARED = Net(loss="squared")


@pytest.mark.parametrize(
    "loss",
    [lambda p: SQUARED.loss(single(p)), lambda p: float(SQUARED.loss(single(p))), lambda p: 1.1 * float(SQUARED.loss(single(p)))],
    ids=["float32", "float32 as a Python number", "float32 hidden inside"],
)  # fmt: skip
def test_a_loss_in_float32_gives_no_false_alarm_and_its_faults_are_found(loss: Callable[[Any], Any]) -> None:
    scale = loss(SQUARED.parameters()) / SQUARED.loss(SQUARED.parameters())
    for seed in range(5):
        p = SQUARED.parameters(seed)
        check = check_gradient(
            loss, lambda p: {k: scale * v for k, v in SQUARED.gradient(single(p)).items()}, p, seed=seed
        )
        assert not check.failed, str(check)
        assert len(check.notes) == 1
        assert "computed in float32" in check.notes[0]
        wrong = check_gradient(
            loss, lambda p: {k: -scale * v for k, v in SQUARED.gradient(single(p)).items()}, p, seed=seed
        )
        assert len(wrong.failed) == 6
        assert {f.pattern for f in wrong.failed} <= {"sign", "factor", "unknown"}


def test_float32_advice_is_given_in_words() -> None:
    p = SQUARED.parameters()
    assert check_gradient(lambda p: SQUARED.loss(single(p)), SQUARED.gradient, p).notes == [
        "the loss is computed in float32, so derivatives can be compared to about three digits only; convert the data with "
        ".astype(numpy.float64) to see nine."
    ]
    assert check_gradient(SQUARED.loss, lambda p: single(SQUARED.gradient(p)), p).notes == [
        "the gradient comes in float32, so the limit is 1e-04; compute it in float64 to check more sharply."
    ]


# Random numbers, state, in-place changes -----------------------------------------------------------------------------
def test_dropout_from_the_global_generators_gets_the_same_draws_everywhere() -> None:
    def masked(p: Parameters) -> tuple[Parameters, Any]:
        mask = (np.random.rand(8) < 0.8) / 0.8 + 0.01 * random.random()
        return {**p, "W2": p["W2"] * mask}, mask

    def gradient(p: Parameters) -> Parameters:
        q, mask = masked(p)
        g = NET.gradient(q)
        return {**g, "W2": g["W2"] * mask}

    np.random.seed(4)
    random.seed(4)
    before, before_python = np.random.get_state(), random.getstate()
    check = check_gradient(lambda p: NET.loss(masked(p)[0]), gradient, NET.parameters())
    assert check.ok
    assert check.notes == ["the loss draws random numbers; every call got the same draws."]
    after = np.random.get_state()
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert random.getstate() == before_python
    with pytest.raises(InputError, match="belongs to other draws"):
        check_gradient(lambda p: NET.loss(masked(p)[0]), gradient(NET.parameters()), NET.parameters())


def test_parameters_are_bit_identical_afterwards_even_when_the_program_writes_into_them_or_fails() -> None:
    p = NET.parameters()
    p["b1"][0] = -0.0
    before = {k: v.tobytes() for k, v in p.items()}

    def writes(q: Parameters) -> Any:
        p["W1"] += 1.0
        q["W2"] *= 1.0 + 1e-9
        return NET.loss(q)

    check = check_gradient(writes, NET.gradient, p)
    assert {k: v.tobytes() for k, v in p.items()} == before
    assert "the loss or the gradient wrote into the caller's own W1; put back bit for bit." in check.notes
    assert "the loss changes W2 while it is computed; it should only read them." in check.notes

    def fails(q: Parameters) -> Any:
        p["W1"] += 1.0
        raise ZeroDivisionError("in the user's code")

    with pytest.raises(ZeroDivisionError):
        check_gradient(fails, NET.gradient, p)
    assert {k: v.tobytes() for k, v in p.items()} == before


def test_a_gradient_function_that_updates_already_is_named() -> None:
    def gradient(p: Parameters) -> Parameters:
        g = NET.gradient(p)
        p["W3"] -= 0.1 * g["W3"]
        return g

    found = of(check_gradient(NET.loss, gradient, NET.parameters()), "W3")
    assert (found.verdict, found.pattern) == ("failed", "updated too early")
    assert found.explanation == "the gradient function changes W3 itself; compute all gradients first, then update"


def test_a_gradient_that_accumulates_over_calls_is_named() -> None:
    kept: Parameters = {}

    def gradient(p: Parameters) -> Parameters:
        for k, v in NET.gradient(p).items():
            kept[k] = kept.get(k, 0) + v
        return kept

    check = check_gradient(NET.loss, gradient, NET.parameters())
    assert {f.pattern for f in check.failed} == {"accumulates"}
    assert check.failed[0].explanation == (
        "the second call gave twice the first: it adds to the gradient of the call before; set it to zero first"
    )


def test_a_loss_that_reads_other_arrays_than_those_it_is_handed_is_noticed() -> None:
    p = NET.parameters()
    check = check_gradient(lambda _: NET.loss(p), NET.gradient, p)
    assert len(check.failed) == 6
    assert check.notes == [
        "the loss gave exactly the same number wherever the parameters were moved: it must be computed from the arrays that it "
        "is handed, not from arrays that it knows by another name."
    ]


def test_the_same_seed_gives_the_same_result_and_another_seed_other_directions() -> None:
    p = NET.parameters()
    first, again, other = (check_gradient(NET.loss, NET.gradient, p, seed=s).parameters for s in (3, 3, 4))
    assert first == again
    assert first != other


# How it reads --------------------------------------------------------------------------------------------------------
def test_the_result_prints_one_line_per_parameter() -> None:
    def loss(p: Any) -> Any:
        return 0.5 * p["W"][0, 0] ** 2 + p["b"][0] + 3.0

    p = {"W": np.array([[2.0, 1.0]]), "b": np.array([1.0]), "dead": np.zeros(2)}
    check = check_gradient(loss, {"W": np.array([[-2.0, 0.0]]), "b": np.array([1.0]), "dead": np.zeros(2)}, p)
    text = re.sub(r"\d\.\de-\d\d", "~", str(check))
    assert text == (
        "gradient check: 1 of 3 parameters passed, 1 failed, 1 not checkable here (loss 6, limit of the relative error 1e-06)\n"
        "  W     (1, 2)  FAILED         2.0e+00  is -1 times the true gradient: its sign is turned round\n"
        "  b     (1,)    passed         ~\n"
        "  dead  (2,)    not checkable           both derivatives lie below what rounding shows (about 1e-13): nothing depends on "
        "it here; try other rows of data or another seed"
    )
