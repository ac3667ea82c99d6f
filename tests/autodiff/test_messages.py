"""Every InputError of the package, word for word, and the proof that none is left out."""

# ruff: noqa: E501 - sentences are given whole

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unstuck.autodiff
from unstuck.autodiff import Graph, apply, check_gradient, grad, gradients, record, scan, value_and_grad
from unstuck.errors import InputError

Case = tuple[Callable[[], Any], str]


def x(*shape: int, dtype: Any = np.float64, values: Any = None) -> Any:
    """A recorded input; with values, recorded eagerly."""
    return Graph(eager=values is not None).input("x", shape, dtype, value=values)


def with_known(values: Any) -> Any:
    array = np.asarray(values)
    return x(*array.shape, dtype=array.dtype, values=array)


def mixed_graphs() -> Any:
    return x(2) + x(2)


def fill(v: Any) -> Any:
    result = np.zeros(2)
    result[0] = np.sum(v)
    return result.sum()


def in_place(v: Any) -> Any:
    v[0] = 1.0
    return v.sum()


def add_into(v: Any) -> Any:
    total = np.zeros(2)
    total += v
    return total


def grow(v: Any) -> Any:
    v += np.ones((3, 2))
    return v


PLAIN_CONVOLUTION: dict[str, Any] = {
    "stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1,
}  # fmt: skip

RECORDED: dict[str, Case] = {
    "object": (lambda: x(2) + "a", "a value of dtype <U1 cannot enter the graph; expected numbers or booleans; convert it with numpy.asarray(value, dtype=float)."),
    "index known late": (lambda: apply("take", with_known([1.0, 2.0]), np.array([5])), "take: index 5 is out of bounds for axis 0 with size 2."),
    "integer power": (lambda: with_known([1, 2]) ** np.array([-1, 1]), "power: Integers to negative integer powers are not allowed."),
    "if": (lambda: bool(x(3) > 0), "a Python condition was asked of a recorded value of shape (3,), which has no number yet; choose with numpy.where(condition, a, b) instead of if."),
    "if on many": (lambda: bool(with_known([1.0, 2.0]) > 0), "a Python condition was asked of a value of shape (2,); use numpy.any, numpy.all or numpy.where(condition, a, b)."),
    "plain array": (lambda: np.array([x(), x()]), "a recorded value of shape () was put into a plain NumPy array, which would lose its gradient; build the array with numpy.stack, numpy.concatenate or numpy.where instead."),
    "math": (lambda: grad(lambda v: math.exp(v))(1.0), "a recorded value of shape () was turned into a plain Python number (by float(), int(), the math module or an assignment into an array), which would lose its gradient; use NumPy's function on it (numpy.exp instead of math.exp, numpy.stack instead of filling an array)."),
    "filled array": (lambda: grad(fill)(np.ones(2)), "a recorded value of shape () was turned into a plain Python number (by float(), int(), the math module or an assignment into an array), which would lose its gradient; use NumPy's function on it (numpy.exp instead of math.exp, numpy.stack instead of filling an array)."),
    "item": (lambda: x().item(), "a recorded value of shape () was turned into a plain Python number (by float(), int(), the math module or an assignment into an array), which would lose its gradient; use NumPy's function on it (numpy.exp instead of math.exp, numpy.stack instead of filling an array)."),
    "assignment": (lambda: grad(in_place)(np.ones(2)), "a recorded value of shape (2,) cannot be changed in place; make a new one with numpy.where, numpy.concatenate or x = x + … instead."),
    "two graphs": (mixed_graphs, "a value recorded in one graph was used in another; call grad inside the function that uses it, or pass the value as an argument."),
    "overflow": (lambda: x(2, dtype=np.uint8) + 300, "300 does not fit into the dtype uint8 of the values it is combined with; convert them first, as with .astype(numpy.int64)."),
    "nothing recorded": (lambda: apply("exp", 1.0), "no operand is a recorded value; a primitive is applied inside a function that record or grad records."),
    "names": (lambda: record(np.exp, np.ones(2), names=["a", "b"]), "record was given 1 inputs and 2 names; expected as many."),
    "axis type": (lambda: np.sum(x(2, 3), axis=1.5), "sum: axis is 1.5; expected an integer."),
    "axis": (lambda: np.sum(x(2, 3), axis=2), "sum: axis 2 does not exist in a value with 2 dimensions; expected -2 to 1."),
    "axis twice": (lambda: np.sum(x(2, 3), axis=(0, -2)), "sum: axis (0, -2) names an axis twice; name each once."),
    "gradient of many": (lambda: grad(lambda v: v * 2)(np.ones(3)), "only a single number has a gradient; the value to differentiate has shape (3,); take its sum or its mean first."),
    # Shapes and dtypes of primitives
    "shapes": (lambda: x(2, 3) + np.ones(4), "add: the shapes (2, 3) and (4,) do not fit together; from the right, each pair of sizes must be equal or 1; check the operands' shapes, or reshape one of them."),
    "minus on masks": (lambda: -(x(3) > 0), "negative: NumPy has no such operation on bool; convert with .astype(float), or use numpy.logical_not, numpy.logical_and and numpy.logical_or on masks."),
    "empty maximum": (lambda: np.max(x(0, 3), axis=0), "max/min: shape (0, 3) is empty along axis (0,), so there is no largest or smallest value; leave empty batches out."),
    "empty argmax": (lambda: np.argmax(x(3, 0), axis=1), "argmax: shape (3, 0) is empty along axis 1, so there is no largest value; leave empty batches out."),
    "matmul": (lambda: x(2, 3) @ np.ones((2, 4)), "matmul: shapes (2, 3) and (2, 4) do not fit: 3 columns of the first meet 2 rows of the second; transpose one of them or check the layer sizes."),
    "matmul primitive": (lambda: apply("matmul", x(2, 3), np.ones((2, 4))), "matmul: shapes (2, 3) and (2, 4) do not fit: 3 columns of the first meet 2 rows of the second; transpose one of them or check the layer sizes."),
    "matmul with a vector": (lambda: x(2, 3) @ np.ones(4), "matmul: shapes (2, 3) and (4,) do not fit: 3 columns of the first meet 4 rows of the second; transpose one of them or check the layer sizes."),
    "matmul batch": (lambda: x(2, 3, 4) @ np.ones((5, 4, 1)), "matmul: the batch dimensions of (2, 3, 4) and (5, 4, 1) do not broadcast together; each pair of sizes must be equal or 1."),
    "a window larger than the value": (
        lambda: apply("windows", x(1, 2, 2, 1), size=(3, 1), stride=(1, 1), dilation=(1, 1)),
        "windows: a window of size (3, 1) (dilation (1, 1)) does not fit into a value of shape (1, 2, 2, 1); take a smaller window, or pad the value.",
    ),
    "a convolution without spatial axes": (
        lambda: apply("conv", x(2, 3), np.ones((3, 3, 1, 1)), **PLAIN_CONVOLUTION),
        "conv: an input of shape (2, 3) and a kernel of shape (3, 3, 1, 1) do not fit; expected (N, *spatial, channels) and (*size, channels / groups, outputs) with 2 spatial axes.",
    ),
    "a convolution over other channels": (
        lambda: apply("conv", x(1, 5, 5, 3), np.ones((3, 3, 2, 1)), **PLAIN_CONVOLUTION),
        "conv: 3 channels in 1 groups do not fit a kernel of shape (3, 3, 2, 1); expected a kernel with 3 / 1 channels and a number of outputs that 1 divides.",
    ),
    "a kernel larger than the image": (
        lambda: apply("conv", x(1, 2, 5, 1), np.ones((3, 3, 1, 1)), **PLAIN_CONVOLUTION),
        "conv: a kernel of size (3, 3) (dilation (1, 1)) does not fit into an input of size (2, 5) with padding ((0, 0), (0, 0)); take a smaller kernel, or more padding.",
    ),
    "a transposed convolution to a size that no convolution comes from": (
        lambda: apply("conv_transpose", x(1, 2, 2, 1), np.ones((3, 3, 1, 1)), spatial=(7, 7), **PLAIN_CONVOLUTION),
        "conv_transpose: an input of shape (1, 7, 7, 1) and a kernel of shape (3, 3, 1, 1) give outputs of shape (1, 5, 5, 1), not (1, 2, 2, 1); check spatial sizes, stride and padding.",
    ),
    "a scan of no steps": (
        lambda: scan(lambda h, v: h + v, np.zeros(2), np.zeros((0, 2))),
        "scan: the sequence has length 0; expected at least one step.",
    ),
    "a scan over text": (
        lambda: scan(lambda h, v: h, np.zeros(2), np.array(["a"])),
        "scan: an array of dtype <U1 was given; expected numbers.",
    ),
    "a scan over sequences of different lengths": (
        lambda: scan(lambda h, v: h, np.zeros(2), (np.zeros((3, 2)), np.zeros(4))),
        "scan: the inputs have the shapes (3, 2), (4,); expected arrays with the same number of steps in front.",
    ),
    "a scan whose carry gets another form": (
        lambda: scan(lambda h, v: (h, v), np.zeros(2), np.zeros((3, 2))),
        "scan: the function gave 2 arrays for a carry of 1; expected the same form as the carry.",
    ),
    "a scan whose carry changes its shape": (
        lambda: scan(lambda h, v: np.sum(h), np.zeros(2), np.zeros((3, 2))),
        "scan: the function made a carry of shape () from one of shape (2,); expected the same shape after each step.",
    ),
    "matmul number": (lambda: x(2) @ 3.0, "matmul: shapes (2,) and (); a plain number is multiplied with *, not with @."),
    "reshape": (lambda: x(2, 3).reshape(4), "reshape: 6 values of shape (2, 3) cannot take the shape (4,); the sizes must multiply to 6."),
    "reshape open": (lambda: x(2, 3).reshape(4, -1), "reshape: 6 values of shape (2, 3) do not fill the shape (4, -1); the known sizes must divide 6."),
    "reshape impossible": (lambda: x(1).reshape(-1, -1), "reshape: the shape (-1, -1) is not possible; sizes are at least 0, and at most one is left open with -1."),
    "reshape order": (lambda: np.reshape(x(4), (2, 2), order="F"), "numpy.reshape: order='F' has no rule here; transpose first and use order='C'."),
    "concatenate": (lambda: np.concatenate([x(2, 3), np.ones((2, 2))]), "concatenate: shapes (2, 3) and (2, 2) differ elsewhere than along axis 0; reshape one of them, or join along another axis."),
    "concatenate numbers": (lambda: np.concatenate([x(), 1.0]), "concatenate: values of shape () cannot be joined; use numpy.stack."),
    "float index": (lambda: apply("take", x(3), np.array([0.5])), "indexing: an index has dtype float64; expected integers, as from .astype(int)."),
    "einsum letters": (lambda: np.einsum("ij->i", x(3)), "einsum 'ij->i': 'ij' has 2 letters, the operand has shape (3,); expected one letter per axis."),
    "einsum sizes": (lambda: np.einsum("i,i->", x(3), np.ones(2)), "einsum 'i,i->': index 'i' has size 3 and size 2; expected one size."),
    "einsum result": (lambda: np.einsum("i->k", x(3)), "einsum 'i->k': each index of the result must stand once in it and in an operand."),
    "einsum lists": (lambda: np.einsum(x(3), [0], [0]), "einsum: the axes are given as lists; write them as letters, as in numpy.einsum('ij,jk->ik', a, b)."),
    "einsum ellipsis": (lambda: np.einsum("...i->i", x(3)), "einsum '...i->i': an ellipsis has no rule here; name every axis."),
    "einsum repeated": (lambda: np.einsum("ii->i", x(3, 3)), "einsum 'ii->i': an index repeated within one operand has no rule here; use numpy.trace."),
    "einsum count": (lambda: np.einsum("i,j->", x(3)), "einsum 'i,j->' names 2 operands and 1 were given; expected as many."),
    "random key": (lambda: apply("random_uniform", x(3, dtype=np.uint32), shape=(2,), stream=0, dtype=np.float32), "random_uniform: the key has shape (3,) and dtype uint32; expected two integers, as in numpy.array([0, seed], dtype=numpy.uint32)."),
    "random dtype": (lambda: apply("random_uniform", x(2, dtype=np.uint32), shape=(2,), stream=0, dtype=np.float16), "random_uniform: dtype is float16; expected float32 or float64."),
    # NumPy functions
    "out": (lambda: add_into(x(2)), "numpy.add was asked to write a recorded value into an existing array (out= or an in-place operator on an array); write a new value instead, as in x = x + y."),
    "in place shape": (lambda: grow(x(2)), "numpy.add: a value of shape (2,) cannot become shape (3, 2) in place; write x = x + y."),
    "setting": (lambda: np.add(x(2), 1, where=np.array([True, False])), "numpy.add: the setting 'where' has no rule for recorded values."),
    "unknown argument": (lambda: np.mean(x(2), dtype=np.float32), "numpy.mean: got an unexpected keyword argument 'dtype'; recorded values know mean(x, axis=None, *, keepdims=False) only."),
    "unknown argument of a method": (lambda: x(2).mean(dtype=np.float32), "numpy.mean: got an unexpected keyword argument 'dtype'; recorded values know mean(x, axis=None, *, keepdims=False) only."),
    "numbers as masks": (lambda: x(2, dtype=np.int64) & 1, "numpy.bitwise_and on numbers has no rule here; it is for masks such as x > 0."),
    "norm": (lambda: np.linalg.norm(x(2, 3), 2), "numpy.linalg.norm: ord=2 over 2 axes has no rule here; use the Euclidean norm (ord=None)."),
    "transpose": (lambda: np.transpose(x(2, 3), (0, 0)), "transpose: axes (0, 0) are no permutation of the 2 axes of shape (2, 3); name each axis once."),
    "squeeze": (lambda: np.squeeze(x(2, 3), axis=0), "squeeze: shape (2, 3) has not 1 entry along axis 0; use numpy.reshape instead."),
    "expand_dims": (lambda: np.expand_dims(x(2), (0, 0)), "expand_dims: axis (0, 0) names an axis twice; name each once."),
    "broadcast_to": (lambda: np.broadcast_to(x(2), (3,)), "broadcast_to: shape (2,) does not stretch to (3,); from the right, each size must be equal or 1."),
    "split": (lambda: np.split(x(5), 2), "split: 5 entries along axis 0 do not make 2 equal parts; use numpy.array_split."),
    "pad mode": (lambda: np.pad(x(2), 1, mode="edge"), "numpy.pad: mode='edge' has no rule here; expected 'constant'."),
    "pad width": (lambda: np.pad(x(2), -1), "numpy.pad: pad_width=-1 does not fit shape (2,); expected a number of at least 0, or (before, after) for each axis."),
    "trace": (lambda: np.trace(x(2, 3, 4)), "trace: shape (2, 3, 4) has 3 dimensions; expected a matrix."),
    "diagonal": (lambda: np.diagonal(x(2, 3, 4)), "diagonal: shape (2, 3, 4) has 3 dimensions; expected a matrix."),
    "where": (lambda: np.where(x(2) > 0), "numpy.where(condition) alone has no fixed number of results; use numpy.where(condition, a, b)."),
    # Indexing
    "known index": (lambda: x(3)[[0, 4]], "index 4 is out of range for axis 0 of a value of shape (3,); expected -3 to 2."),
    "index": (lambda: x(3, 2)[0, -3], "index -3 is out of range for axis 1 of a value of shape (3, 2); expected -2 to 1."),
    "index into nothing": (lambda: x(0)[0], "index 0 is out of range for axis 0 of a value of shape (0,); the axis is empty."),
    "index arrays": (lambda: x(3, 2)[[0, 1], [0, 1, 1]], "indexing a value of shape (3, 2): shape mismatch: indexing arrays could not be broadcast together with shapes (2,) (3,)."),
    "too many indices": (lambda: x(3)[0, 0], "indexing a value of shape (3,) with 2 indices and 0 ellipses: expected at most 1 indices and one ellipsis."),
    "slice": (lambda: x(3)[::0], "indexing with slice(None, None, 0): slice step cannot be zero."),
    "slice by a recorded value": (lambda: (lambda v: v[: v[0]])(x(3)), "a recorded value of shape () was turned into a plain Python number (by float(), int(), the math module or an assignment into an array), which would lose its gradient; use NumPy's function on it (numpy.exp instead of math.exp, numpy.stack instead of filling an array)."),
    "index type": (lambda: x(3)[1.5], "a value of shape (3,) was indexed with 1.5; expected an integer, a slice or an integer array."),
    "recorded mask": (lambda: (lambda v: v[v > 0])(x(3)), "a mask that was computed inside the recorded function has no fixed number of true entries; use numpy.where(mask, a, b) instead of x[mask]."),
    "recorded index and slice": (lambda: (lambda v: v[:, np.argmax(v, axis=0)])(x(3, 2)), "a recorded index array may only stand with other integer indices on the leading axes, as in x[rows] or x[rows, columns]; use numpy.moveaxis to bring the axis to the front, and .astype(int) on floats."),
    # grad
    "argnums": (lambda: grad(np.sum, 1)(np.ones(2)), "argnums=1 asks for argument 1; sum was called with 1 positional arguments, counted from 0."),
    "no number": (lambda: grad(lambda v: None)(1.0), "<lambda> returned NoneType; expected one number to differentiate, such as a sum or a mean."),
    "no dtype": (lambda: grad(lambda v: v > 0)(1.0), "<lambda> returned a value of dtype bool, which has no derivative; expected a floating-point number."),
    "argument": (lambda: grad(lambda v: v)("text"), "an argument of type str (dtype <U4) cannot be differentiated; expected numbers, arrays of numbers, or dicts, lists and tuples of them."),
}  # fmt: skip

KNOWN = r" All that have: absolute, add, [a-z0-9_, ]+, where, zeros_like\."
PATTERNS: dict[str, Case] = {
    "ufunc without a rule": (lambda: np.spacing(x(2)), r"numpy\.spacing has no derivative rule here; compose it of numpy's arithmetic, exp, log, sum, where\." + KNOWN),
    "misspelt choice": (lambda: np.arccosh(x(2)), r"numpy\.arccosh has no derivative rule here; the nearest one that has is numpy\.arccos\." + KNOWN),
    "ufunc method": (lambda: np.add.accumulate(x(2)), r"numpy\.add\.accumulate has no derivative rule here; .+" + KNOWN),
    "function without a rule": (lambda: np.median(x(2)), r"numpy\.median has no derivative rule here; the nearest one that has is numpy\.mean\." + KNOWN),
    "function of a module": (lambda: np.linalg.inv(x(2, 2)), r"numpy\.linalg\.inv has no derivative rule here; .+" + KNOWN),
}  # fmt: skip

W = np.ones((2, 3))


def square(w: Any) -> Any:
    return np.sum(np.asarray(w) ** 2)


def double(w: Any) -> Any:
    return 2 * w


class Stubborn(np.ndarray[Any, Any]):
    """An array that cannot be put back."""

    def __setitem__(self, key: Any, value: Any) -> None:
        pass


def spoil(w: Any) -> Any:
    def loss(v: Any) -> Any:
        np.ndarray.__setitem__(w, 0, w[0] + 1.0)
        return square(v)

    return check_gradient(loss, double, w)


def of_random_numbers() -> Any:
    np.random.seed(0)
    return check_gradient(lambda w: np.sum(w * np.random.rand(2, 3)), W, W)


CHECKED: dict[str, Case] = {
    "directions": (lambda: check_gradient(square, double, W, directions=0), "directions is 0; expected a whole number of at least 1."),
    "step": (lambda: check_gradient(square, double, W, step=-1), "step is -1; expected a positive number such as 1e-4, or None to choose it."),
    "tolerance": (lambda: check_gradient(square, double, W, tolerance=2), "tolerance is 2; expected a number between 0 and 1 such as 1e-6."),
    "seed": (lambda: check_gradient(square, double, W, seed=-1), "seed is -1; expected a whole number of at least 0."),
    "loss": (lambda: check_gradient(3.0, double, W), "loss is float; expected a function of the parameters."),  # type: ignore[arg-type]
    "penalty": (lambda: check_gradient(square, double, W, penalty=3), "penalty is int; expected a function of the parameters."),  # type: ignore[arg-type]
    "nothing": (lambda: check_gradient(square, double, []), "there are no parameters; expected an array, or a dict, list or tuple of arrays."),
    "text": (lambda: check_gradient(square, double, {"W": "x"}), "parameter W has type str and dtype <U1; expected an array of numbers."),
    "nan parameter": (lambda: check_gradient(square, double, {"W": np.array([1.0, np.nan])}), "parameter W holds nan at index (1,); a gradient can only be checked at finite parameters, for instance before the first step."),
    "vector loss": (lambda: check_gradient(lambda w: w, double, W), "the loss returned ndarray of shape (2, 3); expected one number, such as a sum or mean."),
    "no loss": (lambda: check_gradient(lambda w: None, double, W), "the loss returned NoneType of shape (); expected one number, such as a sum or mean."),
    "vector penalty": (lambda: check_gradient(square, double, W, penalty=double), "the penalty returned ndarray of shape (2, 3); expected one number, such as a sum or mean."),
    "nan loss": (lambda: check_gradient(lambda w: np.nan, double, W), "the loss is nan at these parameters; a gradient can only be checked where the loss is a finite number."),
    "other parts": (lambda: check_gradient(lambda p: square(p["W"]), lambda p: {"V": p["W"]}, {"W": W}), "the gradient has the parts V; expected those of the parameters, W, in the same form."),
    "shape": (lambda: check_gradient(square, np.ones(3), W), "the gradient of parameters has shape (3,); expected (2, 3), the shape of the parameter."),
    "transposed": (lambda: check_gradient(square, np.ones((3, 2)), W), "the gradient of parameters has shape (3, 2); expected (2, 3), the shape of the parameter (it looks transposed)."),
    "none": (lambda: check_gradient(square, lambda w: None, W), "the gradient of parameters has type NoneType and dtype object; expected an array of numbers."),
    "draws": (of_random_numbers, "the loss draws random numbers, so a gradient that was computed before belongs to other draws; give the gradient as a function of the parameters, which then gets the same draws as the loss."),
    "not put back": (lambda: spoil(np.ones(3).view(Stubborn)), "parameter parameters was changed during the check and could not be put back."),
}  # fmt: skip

RANDOM = np.random.default_rng(1)
PATTERNS_OF_CHECKS: dict[str, Case] = {
    "random loss": (lambda: check_gradient(lambda w: np.sum(w * RANDOM.random(w.shape)), double, W), r"the loss gave [\d.]+ and then [\d.]+ for the same parameters; a gradient can only be checked on a repeatable loss: use the same rows in every call, and seed a random generator anew inside the loss\."),
    "random gradient": (lambda: check_gradient(square, lambda w: w * RANDOM.random(w.shape), W), r"the gradient of parameters differed between two calls with the same parameters; use the same rows in every call, and seed a random generator anew inside the function\."),
}  # fmt: skip

EXACT = {**RECORDED, **{f"check: {k}": v for k, v in CHECKED.items()}}
MATCHED = {**PATTERNS, **{f"check: {k}": v for k, v in PATTERNS_OF_CHECKS.items()}}
PACKAGE = Path(unstuck.autodiff.__file__).parent


def raised(call: Callable[[], Any]) -> InputError:
    with pytest.raises(InputError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("case", EXACT)
def test_the_sentence_is_this_one(case: str) -> None:
    call, sentence = EXACT[case]
    assert str(raised(call)) == sentence


@pytest.mark.parametrize("case", MATCHED)
def test_the_sentence_has_this_form(case: str) -> None:
    call, pattern = MATCHED[case]
    assert re.fullmatch(pattern, str(raised(call)))


def test_a_missing_array_method_is_named_with_what_to_use() -> None:
    with pytest.raises(AttributeError) as caught:
        x(2).partition(1)
    assert str(caught.value) == (
        "the array method or attribute 'partition' has no rule here; use NumPy functions such as numpy.sum, numpy.where or "
        "numpy.reshape instead"
    )


def test_every_place_that_raises_an_input_error_is_reached_by_a_case_here() -> None:
    places: set[tuple[str, int]] = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                name = node.exc.func.id if isinstance(node.exc.func, ast.Name) else ""
                if name in ("InputError", "no_rule", "matmul_misfit", "_outside", "unknown_name"):
                    places |= {(file.name, node.lineno)}
    reached: set[tuple[str, int]] = set()
    for call, _ in (*EXACT.values(), *MATCHED.values()):
        trace = raised(call).__traceback__
        while trace is not None:
            file = Path(trace.tb_frame.f_code.co_filename)
            if file.is_relative_to(PACKAGE):
                reached.add((file.name, trace.tb_lineno))
            trace = trace.tb_next
    starts = {
        place for place in places if not any((place[0], line) in reached for line in range(place[1], place[1] + 8))
    }
    assert len(places) > 60
    assert starts == set()


def test_value_and_grad_refuses_what_it_cannot_record_only_when_it_meets_it() -> None:
    assert value_and_grad(lambda v, note: v * len(note))(2.0, "four") == (8.0, 4.0)
    assert [g.shape for g in gradients(np.sum(x(3)), [])] == []
