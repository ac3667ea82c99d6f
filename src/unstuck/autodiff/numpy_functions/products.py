"""Products of matrices and tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from unstuck.autodiff.graph import apply, graph_of, lift, normal_axis
from unstuck.autodiff.numpy_functions.reductions import sum_
from unstuck.autodiff.numpy_functions.registry import rule
from unstuck.autodiff.numpy_functions.shape import ravel, reshape, transpose
from unstuck.autodiff.primitives import matmul_misfit
from unstuck.errors import InputError


@rule(np.matmul)
def matmul(a: Any, b: Any) -> Any:
    a, b = lift(graph_of((a, b)), (a, b))
    if a.ndim == 0 or b.ndim == 0:
        raise InputError(f"matmul: shapes {a.shape} and {b.shape}; a plain number is multiplied with *, not with @.")
    if a.shape[-1] != b.shape[-2:][0]:
        raise matmul_misfit(a, b)
    a2 = reshape(a, (1, a.size)) if a.ndim == 1 else a
    b2 = reshape(b, (b.size, 1)) if b.ndim == 1 else b
    y = apply("matmul", a2, b2)
    drop = ([y.ndim - 2] if a.ndim == 1 else []) + ([y.ndim - 1] if b.ndim == 1 else [])
    return reshape(y, tuple(n for i, n in enumerate(y.shape) if i not in drop)) if drop else y


@rule(np.dot, method="dot")
def dot(a: Any, b: Any) -> Any:
    a, b = lift(graph_of((a, b)), (a, b))
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    if b.ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, axes=([-1], [-2]))


@rule(np.inner)
def inner(a: Any, b: Any) -> Any:
    a, b = lift(graph_of((a, b)), (a, b))
    return tensordot(a, b, axes=([-1], [-1])) if a.ndim and b.ndim else a * b


@rule(np.outer)
def outer(a: Any, b: Any) -> Any:
    a, b = lift(graph_of((a, b)), (a, b))
    return reshape(a, (a.size, 1)) * reshape(b, (1, b.size))


@rule(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    a, b = lift(graph_of((a, b)), (a, b))
    return sum_(ravel(a) * ravel(b))


@rule(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = lift(graph_of((a, b)), (a, b))
    if isinstance(axes, int):
        axes = (list(range(a.ndim - axes, a.ndim)), list(range(axes)))
    first, second = ([x] if isinstance(x, int) else list(x) for x in axes)
    from_a = [normal_axis(x, a.ndim, "tensordot") for x in first]
    from_b = [normal_axis(x, b.ndim, "tensordot") for x in second]
    kept_a = [i for i in range(a.ndim) if i not in from_a]
    kept_b = [i for i in range(b.ndim) if i not in from_b]
    inner_size = math.prod(a.shape[i] for i in from_a)
    left = reshape(transpose(a, kept_a + from_a), (math.prod(a.shape[i] for i in kept_a), inner_size))
    right = reshape(transpose(b, from_b + kept_b), (inner_size, math.prod(b.shape[i] for i in kept_b)))
    return reshape(apply("matmul", left, right), tuple(a.shape[i] for i in kept_a) + tuple(b.shape[i] for i in kept_b))


@rule(np.einsum)
def einsum(subscripts: str, *operands: Any, optimize: Any = False) -> Any:
    if not isinstance(subscripts, str):
        raise InputError(
            "einsum: the axes are given as lists; write them as letters, as in numpy.einsum('ij,jk->ik', a, b)."
        )
    text = subscripts.replace(" ", "")
    if "." in text:
        raise InputError(f"einsum {subscripts!r}: an ellipsis has no rule here; name every axis.")
    terms, _, result = text.partition("->")
    if "->" not in text:
        result = "".join(sorted(c for c in set(terms) if c.isalpha() and terms.count(c) == 1))
    if any(len(set(term)) != len(term) for term in terms.split(",")):
        raise InputError(
            f"einsum {subscripts!r}: an index repeated within one operand has no rule here; use numpy.trace."
        )
    if len(terms.split(",")) != len(operands):
        raise InputError(
            f"einsum {subscripts!r} names {len(terms.split(','))} operands and {len(operands)} were given; expected as many."
        )
    return apply("einsum", *operands, subscripts=f"{terms}->{result}")


@rule(np.trace, method="trace")
def trace(x: Any) -> Any:
    if x.ndim != 2:
        raise InputError(f"trace: shape {x.shape} has {x.ndim} dimensions; expected a matrix.")
    return sum_(diagonal(x))


@rule(np.diag)
def diag(x: Any) -> Any:
    return reshape(x, (x.size, 1)) * np.eye(x.size, dtype=x.dtype) if x.ndim == 1 else diagonal(x)


@rule(np.diagonal, method="diagonal")
def diagonal(x: Any) -> Any:
    if x.ndim != 2:
        raise InputError(f"diagonal: shape {x.shape} has {x.ndim} dimensions; expected a matrix.")
    i = np.arange(min(x.shape))
    return x[i, i]
