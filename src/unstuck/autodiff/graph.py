"""Graph and Node: a computation recorded with static shapes, and how a Python function is recorded into one."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from unstuck.autodiff import primitives
from unstuck.errors import InputError

Shape = tuple[int, ...]


class Graph:
    """A list of nodes in the order in which they were recorded; every node comes after its inputs.

    With ``eager=True`` each node also carries its value, so that a recorded Python function may branch on values
    (``if x.sum() > 0``). Without it a graph is a plan: shapes and dtypes only, to be run many times by an engine.
    """

    def __init__(self, *, eager: bool = False) -> None:
        self.nodes: list[Node] = []
        self.inputs: list[Node] = []
        self.outputs: list[Node] = []
        self.eager = eager
        self.scope = ""  # where in the network the next nodes belong, such as "dense1"; part of messages and listings
        self.captured: dict[Node, Node] | None = None  # of the body of a scan: values from around it, and their inputs
        self.depth = 0  # of the body of a scan: how many scans it lies in
        self._seen: dict[object, Node] = {}

    def input(self, name: str, shape: Sequence[int], dtype: Any = np.float32, value: Any = None) -> Node:
        """Add a named input of the given shape; the engine is handed its value at each run."""
        node = Node(self, "input", (), {}, tuple(shape), np.dtype(dtype), name=name, value=value)
        self.inputs.append(node)
        return node

    def constant(self, value: Any, dtype: Any = None) -> Node:
        """Add a constant; equal small constants of one dtype share one node."""
        array = np.asarray(value, dtype=dtype)
        if array.dtype.kind not in "biuf":
            raise InputError(
                f"a value of dtype {array.dtype} cannot enter the graph; expected numbers or booleans; "
                "convert it with numpy.asarray(value, dtype=float)."
            )
        key = ("constant", array.dtype, array.shape, array.tobytes()) if array.nbytes <= 64 else None
        node = self._seen.get(key) if key else None
        if node is None:
            frozen = array.copy()
            frozen.flags.writeable = False
            node = Node(self, "constant", (), {}, array.shape, array.dtype, value=frozen)
            if key:
                self._seen[key] = node
        return node

    def add(self, operation: str, inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Node:
        """Apply a primitive to nodes of this graph; an identical application is not recorded twice."""
        if primitives.TABLE[operation].floats and not any(node.dtype.kind == "f" for node in inputs):
            # NumPy would make float16 of bytes.
            inputs = tuple(self.add("astype", (node,), {"dtype": np.dtype(np.float64)}) for node in inputs)
        key = (operation, tuple(node.index for node in inputs), tuple(sorted(params.items())))
        node = self._seen.get(key)
        if node is None:
            primitive = primitives.TABLE[operation]
            shape, dtype = primitive.shape(*inputs, **params)
            value = None
            if self.eager:
                try:
                    with np.errstate(all="ignore"):
                        value = np.asarray(primitive.numpy(*(node.value for node in inputs), **params))
                except (IndexError, ValueError) as error:
                    raise InputError(f"{operation}: {str(error).rstrip('. ')}.") from None
            node = self._seen[key] = Node(self, operation, inputs, dict(params), shape, dtype, value=value)
        return node

    def alias(self, node: Node) -> Node:
        """A node of its own with the value of ``node``, so that a derivative can be asked by this use of it alone."""
        return Node(self, "identity", (node,), {}, node.shape, node.dtype, value=node.value)

    def capture(self, node: Node) -> Node:
        """A value of a graph around this one, as an input."""
        assert self.captured is not None
        if node.operation == "constant":
            return self.constant(node.value)
        if node not in self.captured:
            self.captured[node] = self.input(f"captured{len(self.captured)}", node.shape, node.dtype)
        return self.captured[node]

    def inlined(self, body: Graph, arguments: Sequence[Node]) -> list[Node]:
        """Record another graph's nodes into this one, on these arguments; its outputs."""
        twin = {node.index: argument for node, argument in zip(body.inputs, arguments, strict=True)}
        for node in body.nodes:
            if node.operation == "constant":
                twin[node.index] = self.constant(node.value)
            elif node.inputs:
                twin[node.index] = self.add(node.operation, tuple(twin[p.index] for p in node.inputs), node.params)
        return [twin[node.index] for node in body.outputs]

    def with_outputs(self, outputs: Sequence[Node]) -> Graph:
        """A copy with other outputs, which are nodes of this graph."""
        before, self.outputs = self.outputs, list(outputs)
        try:
            return self.pruned()
        finally:
            self.outputs = before

    def pruned(self) -> Graph:
        """A copy that holds only the inputs and what the outputs need."""
        alive = {node.index for node in self.outputs}
        for node in reversed(self.nodes):
            if node.index in alive:
                alive.update(parent.index for parent in node.inputs)
        graph = Graph(eager=self.eager)
        new: dict[int, Node] = {}
        alive.update(node.index for node in self.inputs)
        for node in self.nodes:
            if node.index in alive:
                inputs = tuple(new[parent.index] for parent in node.inputs)
                graph.scope = node.scope
                new[node.index] = Node(
                    graph, node.operation, inputs, node.params, node.shape, node.dtype, name=node.name, value=node.value
                )
        graph.inputs = [new[node.index] for node in self.inputs]
        graph.outputs = [new[node.index] for node in self.outputs]
        return graph

    def listing(self) -> str:
        """The graph as text: one line a node with its operation, operands, parameters, dtype and shape."""
        rows = []
        for node in self.nodes:
            if node.operation == "constant":
                assert node.value is not None
                text = f"{node.value.item():.6g}" if node.shape == () else "…"
            elif node.operation == "input":
                text = node.name or ""
            else:
                text = " ".join(f"%{parent.index}" for parent in node.inputs)
                settings = ", ".join(f"{key}={_shown(value)}" for key, value in node.params.items())
                text += f"  ({settings})" if settings else ""
            rows.append((f"%{node.index}", node.operation, text, f"{node.dtype}{list(node.shape)}", node.scope))
        widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
        head = f"graph: {len(self.inputs)} inputs, {len(self.nodes)} nodes, {len(self.outputs)} outputs"
        lines = [head]
        for row in rows:
            cells = "  ".join(cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True))
            lines.append(f"  {cells}  {row[4]}".rstrip())
        lines.append("  return " + ", ".join(f"%{node.index}" for node in self.outputs))
        return "\n".join(lines)

    __str__ = listing


def _shown(setting: Any) -> str:
    """A parameter of a primitive as text on one line."""
    return (
        "[" + "; ".join(line.strip() for line in str(setting).splitlines()) + "]"
        if isinstance(setting, Graph)
        else str(setting)
    )


class Node(np.lib.mixins.NDArrayOperatorsMixin):
    """One value of a graph: the primitive that makes it, its inputs, its static shape and dtype.

    A node behaves like an array: operators, array methods and NumPy functions applied to it record further nodes.
    """

    __slots__ = ("dtype", "graph", "index", "inputs", "name", "operation", "params", "scope", "shape", "value")
    __hash__ = object.__hash__
    graph: Graph
    index: int

    def __init__(
        self,
        graph: Graph,
        operation: str,
        inputs: tuple[Node, ...],
        params: Mapping[str, Any],
        shape: Shape,
        dtype: np.dtype[Any],
        *,
        name: str | None = None,
        value: np.ndarray[Any, Any] | None = None,
    ) -> None:
        self.graph, self.operation, self.inputs, self.params = graph, operation, inputs, params
        self.shape, self.dtype, self.name, self.value = shape, dtype, name, value
        self.scope = graph.scope
        self.index = len(graph.nodes)
        graph.nodes.append(self)

    def __repr__(self) -> str:
        return f"<%{self.index} {self.operation} {self.dtype}{list(self.shape)}>"

    # What an array can be asked ------------------------------------------------------------------------------------
    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def T(self) -> Node:
        return apply("transpose", self, axes=tuple(reversed(range(self.ndim))))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a recorded value of shape ()")
        return self.shape[0]

    def __iter__(self) -> Iterator[Node]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> Node:
        from unstuck.autodiff.indexing import getitem

        return getitem(self, key)

    def __getattr__(self, name: str) -> Any:
        # Array methods are the NumPy functions of the same name: x.sum(axis=0) is numpy.sum(x, axis=0).
        from unstuck.autodiff.numpy_functions import METHODS, call_rule

        if name in METHODS:
            return lambda *args, **kwargs: call_rule(name, METHODS[name], (self, *args), kwargs)
        raise AttributeError(
            f"the array method or attribute {name!r} has no rule here; use NumPy functions such as numpy.sum, "
            "numpy.where or numpy.reshape instead"
        )

    # NumPy's protocols ---------------------------------------------------------------------------------------------
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from unstuck.autodiff.numpy_functions import call_ufunc

        return call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from unstuck.autodiff.numpy_functions import call_function

        return call_function(func, args, kwargs)

    # What would silently cut the gradient, refused in words --------------------------------------------------------
    def __bool__(self) -> bool:
        if self.value is None:
            raise InputError(
                f"a Python condition was asked of a recorded value of shape {self.shape}, which has no number yet; "
                "choose with numpy.where(condition, a, b) instead of if."
            )
        if self.value.size != 1:
            raise InputError(
                f"a Python condition was asked of a value of shape {self.shape}; use numpy.any, numpy.all or "
                "numpy.where(condition, a, b)."
            )
        return bool(self.value)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise InputError(
            f"a recorded value of shape {self.shape} was put into a plain NumPy array, which would lose its gradient; "
            "build the array with numpy.stack, numpy.concatenate or numpy.where instead."
        )

    def _leaves_the_graph(self, *_: Any) -> Any:
        raise InputError(
            f"a recorded value of shape {self.shape} was turned into a plain Python number (by float(), int(), the "
            "math module or an assignment into an array), which would lose its gradient; use NumPy's function on it "
            "(numpy.exp instead of math.exp, numpy.stack instead of filling an array)."
        )

    __float__ = __int__ = __index__ = __complex__ = _leaves_the_graph

    def __setitem__(self, key: Any, value: Any) -> None:
        raise InputError(
            f"a recorded value of shape {self.shape} cannot be changed in place; make a new one with numpy.where, "
            "numpy.concatenate or x = x + … instead."
        )


def lift(graph: Graph, operands: Sequence[Any]) -> tuple[Node, ...]:
    """The operands as nodes of ``graph``; Python numbers take the dtype of their company, as in NumPy 2."""
    known = [o.dtype if isinstance(o, Node) else o for o in operands]
    nodes = []
    for operand in operands:
        if isinstance(operand, Node):
            if operand.graph is not graph and graph.captured is not None and operand.graph.depth < graph.depth:
                operand = graph.capture(operand)
            if operand.graph is not graph:
                raise InputError(
                    "a value recorded in one graph was used in another; call grad inside the function that uses it, "
                    "or pass the value as an argument."
                )
            nodes.append(operand)
        elif isinstance(operand, bool | int | float):
            dtypes = [k if isinstance(k, np.dtype) else np.asarray(k).dtype for k in known if not _is_weak(k)]
            company: Any = np.result_type(*dtypes) if dtypes else np.dtype(np.float64)
            if isinstance(operand, bool):
                dtype: np.dtype[Any] = np.dtype(bool)
            elif isinstance(operand, float) or company.kind == "f":
                dtype = company if company.kind == "f" else np.dtype(np.float64)
            else:
                dtype = company if company.kind in "iu" else np.dtype(np.int64)
            try:
                with np.errstate(over="ignore"):
                    nodes.append(graph.constant(operand, dtype))
            except OverflowError:
                raise InputError(
                    f"{operand} does not fit into the dtype {dtype} of the values it is combined with; convert them "
                    "first, as with .astype(numpy.int64)."
                ) from None
        else:
            nodes.append(graph.constant(operand))
    return tuple(nodes)


def _is_weak(operand: object) -> bool:
    return isinstance(operand, bool | int | float) and not isinstance(operand, np.generic)


def graph_of(operands: Iterable[Any]) -> Graph:
    """The graph of the first node among the operands; inside the body of a scan, that of the innermost scan."""
    graphs = [operand.graph for operand in operands if isinstance(operand, Node)]
    if graphs:
        return max(graphs, key=lambda graph: graph.depth)  # the first of equals
    raise InputError(
        "no operand is a recorded value; a primitive is applied inside a function that record or grad records."
    )


def apply(operation: str, *operands: Any, **params: Any) -> Node:
    """Record one primitive on nodes, arrays and numbers."""
    graph = graph_of(operands)
    return graph.add(operation, lift(graph, operands), params)


def record(function: Callable[..., Any], *specifications: Any, names: Sequence[str] | None = None) -> Graph:
    """Record ``function`` applied to inputs of the given shapes and dtypes.

    Each specification is anything with ``shape`` and ``dtype`` (an array, for instance). The function returns a node
    or a tuple of nodes; they become the graph's outputs.

    >>> import numpy as np
    >>> graph = record(lambda x: np.tanh(x).sum(), np.zeros((2, 3), np.float32), names=["x"])
    >>> print(graph)
    graph: 1 inputs, 3 nodes, 1 outputs
      %0  input  x                                  float32[2, 3]
      %1  tanh   %0                                 float32[2, 3]
      %2  sum    %1  (axes=(0, 1), keepdims=False)  float32[]
      return %2
    """
    graph = Graph()
    names = names or [f"input{i}" for i in range(len(specifications))]
    if len(names) != len(specifications):
        raise InputError(f"record was given {len(specifications)} inputs and {len(names)} names; expected as many.")
    inputs = [graph.input(n, s.shape, s.dtype) for n, s in zip(names, specifications, strict=True)]
    result = called(function, inputs, {})
    results = result if isinstance(result, tuple | list) else (result,)
    graph.outputs = list(lift(graph, results))
    return graph.pruned()


def called(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """``function(*args, **kwargs)``; our sentence comes out where NumPy has wrapped it into an error of its own."""
    try:
        return function(*args, **kwargs)
    except ValueError as error:
        if isinstance(error.__cause__, InputError):
            raise error.__cause__ from None
        raise


def normal_axis(axis: Any, ndim: int, what: str) -> int:
    """``axis`` as a number in 0..ndim-1, or a sentence that says what is wrong with it."""
    try:
        number = operator.index(axis)
    except TypeError:
        raise InputError(f"{what}: axis is {axis!r}; expected an integer.") from None
    if not -ndim <= number < ndim:
        raise InputError(
            f"{what}: axis {number} does not exist in a value with {ndim} dimensions; expected {-ndim} to {ndim - 1}."
        )
    return number % ndim
