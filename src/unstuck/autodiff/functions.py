"""The gradient of a plain Python function: ``grad`` and ``value_and_grad``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unstuck.autodiff import tree
from unstuck.autodiff.backward import gradients
from unstuck.autodiff.graph import Graph, Node, apply, called, graph_of, lift
from unstuck.errors import InputError


def value_and_grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Any, Any]]:
    """A function that returns the value of ``function`` and its gradient.

    ``function`` is plain Python and NumPy on arrays; it returns one number. It may branch and loop on values, because
    it is recorded anew at every call. Arguments may be numbers, arrays, or dicts, lists and tuples of arrays of any
    shape; the gradient has the same form, floating dtype (integers become float64) and shapes. Reverse mode; see Baydin,
    Pearlmutter, Radul, Siskind, "Automatic differentiation in machine learning: a survey" (2018).

    Raises InputError when the result is no single number, or a NumPy function has no rule.

    >>> import numpy as np
    >>> value, gradient = value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, -2.0]))
    >>> float(value), gradient.tolist()
    (5.0, [2.0, -4.0])
    """
    wanted = (argnums,) if isinstance(argnums, int | np.integer) else tuple(argnums)

    @functools.wraps(function)
    def differentiated(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        for number in wanted:
            if not -len(args) <= number < len(args):
                raise InputError(
                    f"argnums={argnums} asks for argument {number}; {_name(function)} was called with {len(args)} "
                    "positional arguments, counted from 0."
                )
        places = [number % len(args) for number in wanted]
        # A value that is being recorded already means grad of grad: stay in its graph.
        everything = [leaf for argument in (*args, kwargs) for _, leaf in tree.flatten(argument)]
        outer = any(isinstance(leaf, Node) for leaf in everything)
        graph = graph_of(everything) if outer else Graph(eager=True)
        recorded = list(args)
        inputs: dict[int, list[Node]] = {}
        for i in sorted(set(places)):
            inputs[i] = [_enter(graph, leaf, f"x{i}{name}") for name, leaf in tree.flatten(args[i])]
            recorded[i] = tree.rebuild(args[i], inputs[i])
        result = called(function, recorded, kwargs)
        if not isinstance(result, Node):
            if not isinstance(result, bool | int | float | np.generic | np.ndarray) or np.ndim(result) != 0:
                raise InputError(
                    f"{_name(function)} returned {type(result).__name__}; expected one number to differentiate, such as "
                    "a sum or a mean."
                )
            (result,) = lift(graph, (result,))
        if result.dtype.kind != "f":
            raise InputError(
                f"{_name(function)} returned a value of dtype {result.dtype}, which has no derivative; expected a "
                "floating-point number."
            )
        found = iter(gradients(result, [node for nodes in inputs.values() for node in nodes]))
        parts = {i: [next(found) if outer else _leave(next(found)) for _ in nodes] for i, nodes in inputs.items()}
        answer = [tree.rebuild(args[i], parts[i]) for i in places]
        value = result if outer else _leave(result)
        return value, answer[0] if isinstance(argnums, int | np.integer) else tuple(answer)

    return differentiated


def grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns the gradient of ``function`` with respect to the arguments ``argnums``.

    See :func:`value_and_grad`. ``grad`` can be applied to its own result for higher derivatives.

    >>> grad(lambda x: x**3)(2.0)
    np.float64(12.0)
    >>> grad(grad(lambda x: x**3))(2.0)
    np.float64(12.0)
    """
    both = value_and_grad(function, argnums)

    @functools.wraps(function)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def stop_gradient(x: Any) -> Any:
    """``x`` itself, taken as a constant by the derivative."""
    return apply("stop_gradient", x) if isinstance(x, Node) else x


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", "the function")


def _enter(graph: Graph, leaf: Any, name: str) -> Node:
    if isinstance(leaf, Node):
        return graph.alias(leaf)
    array = np.asarray(leaf)
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"an argument of type {type(leaf).__name__} (dtype {array.dtype}) cannot be differentiated; expected "
            "numbers, arrays of numbers, or dicts, lists and tuples of them."
        )
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    return graph.input(name, array.shape, array.dtype, value=array)


def _leave(node: Node) -> Any:
    assert node.value is not None
    return node.value[()] if node.shape == () else np.array(node.value)
