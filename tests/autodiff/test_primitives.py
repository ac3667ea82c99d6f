"""Every primitive of the table: its value, shape, dtype and derivative, beside NumPy, central differences and JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from unstuck.autodiff import Graph, apply, value_and_grad
from unstuck.autodiff.primitives import TABLE
from unstuck.errors import InputError

Arrays = tuple[np.ndarray[Any, Any], ...]
R = np.random.default_rng(7)


def normal(*shape: int) -> np.ndarray[Any, Any]:
    return R.normal(size=shape)


def positive(*shape: int) -> np.ndarray[Any, Any]:
    return R.uniform(0.3, 2.5, size=shape)


def inside(*shape: int) -> np.ndarray[Any, Any]:
    return R.uniform(-0.9, 0.9, size=shape)


def apart(*shape: int) -> np.ndarray[Any, Any]:
    """Values of which no two lie close together, and none close to an integer."""
    size = int(np.prod(shape))
    return (R.permutation(size) * 0.37 - size * 0.17 + 0.113).reshape(shape)


def whole(limit: int, *shape: int) -> np.ndarray[Any, Any]:
    return R.integers(0, limit, size=shape)


# The shapes in which the operands of an elementwise operation meet.
PAIRS = [((), ()), ((3,), ()), ((2, 3), (3,)), ((2, 1), (1, 3)), ((4, 1, 2), (3, 1)), ((1,), (1, 1)), ((0, 3), (3,))]
ONE = [(), (1,), (3,), (2, 3), (0,), (2, 1, 2)]


def unary(draw: Callable[..., Any]) -> list[tuple[Arrays, dict[str, Any]]]:
    return [((draw(*shape),), {}) for shape in ONE]


def binary(first: Callable[..., Any], second: Callable[..., Any]) -> list[tuple[Arrays, dict[str, Any]]]:
    return [((first(*a), second(*b)), {}) for a, b in PAIRS] + [((first(*b), second(*a)), {}) for a, b in PAIRS]


def masks(*shape: int) -> np.ndarray[Any, Any]:
    return R.random(shape) < 0.5


def small(*shape: int) -> np.ndarray[Any, Any]:
    return R.integers(0, 2, size=shape).astype(float)


def key() -> np.ndarray[Any, Any]:
    return np.array([3, 5], np.uint32)


def axes_cases(draw: Callable[..., Any]) -> list[tuple[Arrays, dict[str, Any]]]:
    shapes_and_axes = [
        ((3,), (0,)),
        ((2, 3), (1,)),
        ((2, 3), (0, 1)),
        ((2, 1, 3), (0, 2)),
        ((2, 3), ()),
        ((), ()),
        ((0, 2), (1,)),
    ]
    return [((draw(*s),), {"axes": a, "keepdims": k}) for s, a in shapes_and_axes for k in (False, True)]


# Setting of a convolution: input, kernel, stride, padding, dilation, groups. With one place, a kernel as large as the
# image, steps that leave a rest, uneven padding, one axis, groups, one channel a group.
CONVOLUTIONS: list[tuple[Any, ...]] = [
    ((2, 5, 6, 3), (3, 2, 3, 4), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    ((2, 6, 5, 2), (3, 3, 2, 2), (2, 3), ((1, 0), (2, 1)), (1, 1), 1),
    ((1, 7, 6, 4), (2, 3, 2, 6), (2, 1), ((1, 1), (0, 2)), (3, 2), 2),
    ((2, 4, 4, 3), (2, 2, 1, 6), (1, 2), ((0, 1), (1, 0)), (1, 1), 3),
    ((3, 1, 1, 1), (1, 1, 1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    ((1, 4, 3, 2), (4, 3, 2, 1), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    ((2, 7, 3), (3, 3, 2), (2,), ((1, 1),), (2,), 1),
    ((1, 1, 2), (1, 1, 2), (3,), ((0, 0),), (1,), 2),
]


def convolution_cases(which: str) -> list[tuple[Arrays, dict[str, Any]]]:
    cases: list[tuple[Arrays, dict[str, Any]]] = []
    for x, k, stride, padding, dilation, groups in CONVOLUTIONS:
        setting = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        y = TABLE["conv"].numpy(np.zeros(x), np.zeros(k), **setting).shape
        if which == "conv":
            cases.append(((normal(*x), normal(*k)), setting))
        elif which == "conv_transpose":
            cases.append(((normal(*y), normal(*k)), {**setting, "spatial": x[1:-1]}))
        else:
            cases.append(((normal(*x), normal(*y)), {**setting, "size": k[:-2]}))
    return cases


def windows_cases(back: bool) -> list[tuple[Arrays, dict[str, Any]]]:
    cases: list[tuple[Arrays, dict[str, Any]]] = []
    for x, size, stride, dilation in [
        ((2, 5, 6, 3), (2, 3), (2, 3), (1, 1)),
        ((1, 5, 5, 1), (3, 2), (1, 2), (2, 1)),  # overlapping
        ((2, 3, 2, 2), (3, 2), (1, 1), (1, 1)),
        ((2, 7, 2), (2,), (3,), (2,)),
        ((1, 1, 1), (1,), (1,), (1,)),
    ]:
        setting: dict[str, Any] = {"size": size, "stride": stride, "dilation": dilation}
        w = TABLE["windows"].numpy(np.zeros(x), **setting).shape
        cases.append(((normal(*w),), {**setting, "spatial": x[1:-1]}) if back else ((normal(*x),), setting))
    return cases


def step_of_a_recurrence(rows: int, *, tells: bool) -> Graph:
    """The body of a scan: carry and input (rows, 2), constants (2, 2) and (2,); a result for each step beside the carry."""
    body = Graph()
    h, x = body.input("h", (rows, 2), np.float64), body.input("x", (rows, 2), np.float64)
    matrix, shift = body.input("matrix", (2, 2), np.float64), body.input("shift", (2,), np.float64)
    new = np.tanh(h @ matrix + x * shift)
    body.outputs = [new, *([new * x] if tells else [])]
    return body


SCANS: list[tuple[Arrays, dict[str, Any]]] = [
    (
        (normal(rows, 2), normal(length, rows, 2), normal(2, 2), normal(2)),
        {
            "body": step_of_a_recurrence(rows, tells=tells),
            "carries": 1,
            "steps": 1,
            "length": length,
            "reverse": reverse,
        },
    )
    for rows, length, tells, reverse in [
        (3, 4, True, False),
        (2, 3, True, True),
        (1, 1, True, False),
        (2, 5, False, True),
    ]
]
CASES: dict[str, list[tuple[Arrays, dict[str, Any]]]] = {
    "add": binary(normal, normal),
    "subtract": binary(normal, normal),
    "multiply": binary(normal, normal),
    "divide": binary(normal, positive),
    "power": [
        *binary(positive, normal),
        ((normal(4), np.array([2, 3, 0, 1])), {}),
        ((normal(3), np.array(-1)), {}),
    ],
    "negative": unary(normal),
    "square": unary(normal),
    "sqrt": unary(positive),
    "absolute": unary(apart),
    "remainder": [
        ((np.array([5.3, -5.3, 5.3, -5.3]), np.array([2.1, 2.1, -2.1, -2.1])), {}),
        ((apart(2, 3), np.array(1.7)), {}),
    ],
    "maximum": binary(normal, normal),
    "minimum": binary(normal, normal),
    "exp": unary(normal),
    "expm1": unary(normal),
    "log": unary(positive),
    "log1p": unary(positive),
    "logaddexp": binary(normal, normal),
    "sigmoid": unary(normal),
    "tanh": unary(normal),
    "erf": unary(normal),
    "sin": unary(normal),
    "cos": unary(normal),
    "tan": unary(inside),
    "sinh": unary(normal),
    "cosh": unary(normal),
    "arcsin": unary(inside),
    "arccos": unary(inside),
    "arctan": unary(normal),
    "arctan2": binary(normal, positive),
    "sign": unary(apart),
    "floor": unary(apart),
    "ceil": unary(apart),
    "rint": unary(apart),
    "identity": unary(normal),
    "stop_gradient": unary(normal),
    "equal": binary(small, small),
    "not_equal": binary(small, small),
    "less": binary(small, small),
    "less_equal": binary(small, small),
    "greater": binary(small, small),
    "greater_equal": binary(small, small),
    "logical_and": binary(masks, masks),
    "logical_or": binary(masks, small),
    "logical_not": unary(masks),
    "isfinite": [((np.array([0.0, np.inf, -np.inf, np.nan]),), {})],
    "select": [
        ((masks(*c), normal(*a), normal(*b)), {})
        for c, a, b in [
            ((), (), ()),
            ((3,), (), (2, 3)),
            ((2, 3), (3,), (2, 1)),
            ((2, 1), (1, 3), ()),
            ((0,), (1,), ()),
        ]
    ],
    "astype": [((normal(2, 3),), {"dtype": np.dtype(t)}) for t in (np.float64, np.int64, bool)],
    "matmul": [
        ((normal(*a), normal(*b)), {})
        for a, b in [
            ((2, 3), (3, 4)),
            ((1, 1), (1, 1)),
            ((5, 2, 3), (3, 4)),
            ((2, 3), (5, 3, 1)),
            ((2, 1, 2, 3), (3, 3, 2)),
            ((1, 2, 3), (4, 3, 2)),
            ((2, 0), (0, 3)),
            ((0, 2), (2, 3)),
        ]
    ],
    "einsum": [
        ((normal(2, 3), normal(3, 4)), {"subscripts": "ij,jk->ik"}),
        ((normal(2, 3), normal(3, 4)), {"subscripts": "ij,jk->"}),
        ((normal(2, 3),), {"subscripts": "ij->j"}),
        ((normal(2, 3),), {"subscripts": "ij->"}),
        ((normal(2, 3),), {"subscripts": "ij->ji"}),
        ((normal(2, 3), normal(4, 5)), {"subscripts": "ij,kl->lj"}),
        ((normal(3), normal(3)), {"subscripts": "i,i->"}),
        ((normal(3), normal(2)), {"subscripts": "i,j->ij"}),
        ((normal(2, 3, 4), normal(2, 4, 5)), {"subscripts": "bij,bjk->bik"}),
        ((normal(2, 3), normal(3, 4), normal(4)), {"subscripts": "ij,jk,k->i"}),
        ((normal(), normal(2)), {"subscripts": ",i->i"}),
    ],
    "sum": axes_cases(normal),
    "max": axes_cases(apart),
    "min": axes_cases(apart),
    "argmax": [((apart(*s),), {"axis": a}) for s, a in [((3,), 0), ((2, 3), 0), ((2, 3), 1), ((2, 1, 3), 1)]],
    "argsort": [((apart(*s),), {"axis": a}) for s, a in [((3,), 0), ((2, 3), 0), ((2, 3), 1), ((0,), 0)]],
    "cumsum": [((normal(*s),), {"axis": a}) for s, a in [((3,), 0), ((2, 3), 0), ((2, 3), 1), ((1,), 0), ((0, 2), 0)]],
    "reshape": [
        ((normal(*s),), {"shape": t})
        for s, t in [((2, 3), (6,)), ((6,), (3, 1, 2)), ((), (1, 1)), ((1,), ()), ((0, 3), (3, 0)), ((2, 3), (2, 3))]
    ],
    "transpose": [
        ((normal(*s),), {"axes": a}) for s, a in [((2, 3), (1, 0)), ((2, 3, 4), (2, 0, 1)), ((), ()), ((0, 2), (1, 0))]
    ],
    "broadcast_to": [
        ((normal(*s),), {"shape": t})
        for s, t in [((), (2, 3)), ((3,), (2, 3)), ((2, 1), (2, 3)), ((1, 1), (4, 2, 3)), ((1,), (0,)), ((2,), (2,))]
    ],
    "flip": [((normal(*s),), {"axis": a}) for s, a in [((3,), 0), ((2, 3), 0), ((2, 3), 1), ((0,), 0)]],
    "concatenate": [
        ((normal(2), normal(1), normal(0)), {"axis": 0}),
        ((normal(2, 3), normal(2, 1)), {"axis": 1}),
        ((normal(1, 3), normal(2, 3)), {"axis": 0}),
        ((normal(2, 2),), {"axis": 0}),
    ],
    "slice": [
        ((normal(5),), {"slices": ((1, 4, 1),)}),
        ((normal(5),), {"slices": ((4, -1, -1),)}),
        ((normal(5),), {"slices": ((3, 0, -2),)}),
        ((normal(4, 5),), {"slices": ((0, 4, 2), (2, 3, 1))}),
        ((normal(3),), {"slices": ((0, 0, 1),)}),
    ],
    "unslice": [
        ((normal(3),), {"shape": (5,), "slices": ((1, 4, 1),)}),
        ((normal(3),), {"shape": (5,), "slices": ((4, -1, -2),)}),
        ((normal(2, 1),), {"shape": (4, 5), "slices": ((0, 4, 2), (2, 3, 1))}),
    ],
    "take": [
        ((normal(4), whole(4, 6)), {}),
        ((normal(4, 2), whole(4, 3)), {}),
        ((normal(4, 2), whole(4, 3, 2)), {}),
        ((normal(4), np.array(2)), {}),
        ((normal(4), np.array([-1, 0, -1])), {}),
        ((normal(4), whole(4, 0)), {}),
    ],
    "scatter_add": [
        ((whole(4, 6), normal(6)), {"count": 4}),
        ((whole(4, 3), normal(3, 2)), {"count": 5}),
        ((whole(4, 3, 2), normal(3, 2, 2)), {"count": 4}),
        ((np.array([-1, 0, -1]), normal(3)), {"count": 4}),
    ],
    **{name: convolution_cases(name) for name in ("conv", "conv_transpose", "conv_weight")},
    "windows": windows_cases(back=False),
    "unwindows": windows_cases(back=True),
    "scan": SCANS,
    "random_uniform": [
        ((key(),), {"shape": s, "stream": 0, "dtype": np.dtype(t)})
        for s in [(), (3,), (2, 3), (0,)]
        for t in (np.float32, np.float64)
    ],
}

ALL = [pytest.param(name, *case, id=f"{name}-{i}") for name, cases in CASES.items() for i, case in enumerate(cases)]
DIFFERENTIABLE = [p for p in ALL if TABLE[str(p.values[0])].derivative is not None]
WITHOUT_DERIVATIVE = [p for p in ALL if TABLE[str(p.values[0])].derivative is None]


def test_every_primitive_has_a_case_here_and_no_case_is_left_over() -> None:
    assert set(CASES) == set(TABLE)


def weighted_sum(
    name: str, operands: Arrays, params: dict[str, Any], evaluate: Callable[..., Any]
) -> Callable[..., Any]:
    """A number made of the primitive's result as a function of its floating operands alone."""
    y = TABLE[name].numpy(*operands, **params)
    weights = np.cos(np.arange(np.size(y)) * 1.3 + 0.4).reshape(np.shape(y))

    def number(*floats: Any) -> Any:
        rest = iter(floats)
        mixed = [next(rest) if o.dtype.kind == "f" else o for o in operands]
        return (evaluate(name, *mixed, **params) * weights).sum()

    return number


def floats_of(operands: Arrays) -> list[Any]:
    return [o for o in operands if o.dtype.kind == "f"]


@pytest.mark.parametrize(("name", "operands", "params"), ALL)
def test_shape_and_dtype_are_those_that_numpy_gives(name: str, operands: Arrays, params: dict[str, Any]) -> None:
    graph = Graph()
    node = apply(name, *(graph.input(f"x{i}", o.shape, o.dtype) for i, o in enumerate(operands)), **params)
    y = np.asarray(TABLE[name].numpy(*operands, **params))
    assert (node.shape, node.dtype) == (y.shape, y.dtype)


@pytest.mark.parametrize(("name", "operands", "params"), DIFFERENTIABLE)
def test_derivative_equals_central_differences(
    name: str, operands: Arrays, params: dict[str, Any], differences: Callable[..., Any]
) -> None:
    floats = floats_of(operands)
    number = weighted_sum(name, operands, params, apply)
    value, found = value_and_grad(number, range(len(floats)))(*floats)
    plain = weighted_sum(name, operands, params, lambda n, *xs, **kw: TABLE[n].numpy(*map(np.asarray, xs), **kw))
    np.testing.assert_allclose(value, plain(*floats), rtol=1e-14)
    expected = differences(plain, *floats) if name != "stop_gradient" else [np.zeros(f.shape) for f in floats]
    for a, n in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, n, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("name", "operands", "params"), WITHOUT_DERIVATIVE)
def test_operations_without_a_derivative_pass_no_gradient(name: str, operands: Arrays, params: dict[str, Any]) -> None:
    floats = floats_of(operands)
    number = weighted_sum(name, operands, params, apply)
    for gradient in value_and_grad(lambda *xs: number(*xs) + 0.0, range(len(floats)))(*floats)[1] if floats else ():
        assert not gradient.any()


def keeps_single_precision(name: str, operands: Arrays) -> bool:
    """Not where the dtype is the point (astype, the body of a scan), or NumPy itself gives float64 (float32 ** int32)."""
    return name not in ("astype", "scan") and not (name == "power" and operands[1].dtype.kind == "i")


@pytest.mark.parametrize(
    ("name", "operands", "params"), [p for p in DIFFERENTIABLE if keeps_single_precision(str(p.values[0]), p.values[1])]
)
def test_float32_stays_float32_in_value_and_gradient(name: str, operands: Arrays, params: dict[str, Any]) -> None:
    graph = Graph()
    inputs = [
        graph.input(
            f"x{i}", o.shape, np.float32 if o.dtype.kind == "f" else np.int32 if o.dtype.kind == "i" else o.dtype
        )
        for i, o in enumerate(operands)
    ]
    y = apply(name, *inputs, **params)
    g = graph.input("g", y.shape, y.dtype)
    assert y.dtype == np.float32
    derivative = TABLE[name].derivative
    assert derivative is not None
    for operand, part in zip(inputs, derivative(g, y, *inputs, **params), strict=True):
        if part is not None and operand.dtype.kind == "f":
            assert (part.dtype, part.shape) == (np.float32, operand.shape)


DTYPES = [np.dtype(t) for t in (bool, np.uint8, np.int8, np.int32, np.int64, np.float32, np.float64)]
UFUNCS = sorted(name for name in TABLE if isinstance(getattr(np, name, None), np.ufunc) and name != "matmul")


@pytest.mark.parametrize("name", UFUNCS)
def test_elementwise_dtypes_are_numpys_and_what_numpy_refuses_is_refused_in_words(name: str) -> None:
    ufunc = getattr(np, name)
    shapes = [(2, 1), (3,)][: ufunc.nin]
    for first in DTYPES:
        for second in DTYPES if ufunc.nin == 2 else [first]:
            operands = [np.ones(s, t) for s, t in zip(shapes, (first, second), strict=False)]
            graph = Graph(eager=True)
            nodes = [graph.constant(o) for o in operands]
            try:
                y = ufunc(*operands)
            except TypeError:
                with pytest.raises(InputError, match=rf"^{name}: NumPy has no such operation on "):
                    apply(name, *nodes)
                continue
            node = apply(name, *nodes)
            assert node.value is not None
            assert (node.shape, node.dtype) == (node.value.shape, node.value.dtype)
            np.testing.assert_allclose(node.value, y, rtol=2e-3)
            assert node.shape == y.shape
            if y.dtype == np.float16 or (name in ("floor", "ceil") and first.kind in "biu"):
                assert node.dtype == np.float64  # documented: no half precision, and steps give floats
            elif not (y.dtype == np.float32 and {first.kind, second.kind} <= set("biu")):
                assert node.dtype == y.dtype


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sum", "max", "min"])
def test_reductions_give_numpys_dtype(name: str, dtype: np.dtype[Any]) -> None:
    x = np.ones((2, 3), dtype)
    graph = Graph(eager=True)
    node = apply(name, graph.constant(x), axes=(0,), keepdims=False)
    assert node.dtype == getattr(np, name)(x, axis=0).dtype == np.asarray(node.value).dtype


# JAX -----------------------------------------------------------------------------------------------------------------
def jax_meaning(jax: Any, name: str, *operands: Any, **params: Any) -> Any:
    """The same operation written with JAX's own functions, from our definition of the operation, not from our code."""
    jnp = jax.numpy
    if name in ("identity", "astype", "stop_gradient"):
        (x,) = operands
        return {
            "identity": lambda: x,
            "astype": lambda: x.astype(params["dtype"]),
            "stop_gradient": lambda: jax.lax.stop_gradient(x),
        }[name]()
    if name == "sigmoid":
        return jax.nn.sigmoid(*operands)
    if name == "erf":
        return jax.scipy.special.erf(*operands)
    if name == "select":
        return jnp.where(*operands)
    if name == "einsum":
        return jnp.einsum(params["subscripts"], *operands)
    if name in ("sum", "max", "min"):
        return getattr(jnp, name)(operands[0], axis=params["axes"], keepdims=params["keepdims"])
    if name == "concatenate":
        return jnp.concatenate(operands, axis=params["axis"])
    if name in ("slice", "unslice"):
        key = tuple(slice(a, None if b < 0 else b, c) for a, b, c in params["slices"])
        return operands[0][key] if name == "slice" else jnp.zeros(params["shape"]).at[key].set(operands[0])
    if name == "take":
        return jnp.asarray(operands[0])[operands[1]]
    if name == "scatter_add":
        rows, values = operands
        return jnp.zeros((params["count"], *values.shape[rows.ndim :])).at[rows].add(values)
    if name == "broadcast_to":
        return jnp.broadcast_to(operands[0], params["shape"])
    if name.startswith("conv"):
        return jax_convolution(jax, name, *operands, **params)
    if name.endswith("windows"):
        return jax_windows(jax, name, *operands, **params)
    return getattr(jnp, name)(*operands, **params)


def jax_convolution(jax: Any, name: str, a: Any, b: Any, *, stride: Any, padding: Any, **setting: Any) -> Any:
    """JAX's own convolution, and its transposes by JAX."""
    axes = "HW"[: len(stride)]
    names = (f"N{axes}C", f"{axes}IO", f"N{axes}C")

    def conv(x: Any, k: Any) -> Any:
        dilation, groups = setting["dilation"], setting["groups"]
        return jax.lax.conv_general_dilated(
            x, k, stride, padding, rhs_dilation=dilation, dimension_numbers=names, feature_group_count=groups
        )

    if name == "conv":
        return conv(a, b)
    if name == "conv_transpose":
        x = jax.numpy.zeros((a.shape[0], *setting["spatial"], b.shape[-2] * setting["groups"]))
        return jax.vjp(lambda x: conv(x, b), x)[1](a)[0]
    k = jax.numpy.zeros((*setting["size"], a.shape[-1] // setting["groups"], b.shape[-1]))
    return jax.vjp(lambda k: conv(a, k), k)[1](b)[0]


def jax_windows(jax: Any, name: str, a: Any, *, size: Any, stride: Any, dilation: Any, spatial: Any = None) -> Any:
    """Windows by index arrays."""

    def windows(x: Any) -> Any:
        for i, (k, s, d) in enumerate(zip(size, stride, dilation, strict=True)):
            count = (x.shape[1 + i] - d * (k - 1) - 1) // s + 1
            rows = s * np.arange(count)[:, None] + d * np.arange(k)
            x = jax.numpy.moveaxis(jax.numpy.take(x, rows, axis=1 + i), 2 + i, -1)  # the places inside go last
        return jax.numpy.moveaxis(x, 1 + len(size), -1)  # the channels behind them

    if name == "windows":
        return windows(a)
    return jax.vjp(windows, jax.numpy.zeros((a.shape[0], *spatial, a.shape[-1])))[1](a)[0]


# JAX compiles each shape anew, so of the many shapes of an operation it sees a few, the broadcasting ones among them.
FOR_JAX = [
    pytest.param(name, *case, id=f"{name}-{i}")
    for name, cases in CASES.items()
    if name not in ("random_uniform", "scan")  # compared in test_threefry.py and test_scan.py
    for i, case in enumerate(cases[4:5] if len(cases) == 2 * len(PAIRS) else cases[3::4] if len(cases) > 5 else cases)
]


@pytest.mark.extra
@pytest.mark.parametrize(("name", "operands", "params"), FOR_JAX)
def test_value_and_derivative_equal_those_of_jax(
    name: str, operands: Arrays, params: dict[str, Any], jax64: Any
) -> None:
    expected = jax_meaning(jax64, name, *(jax64.numpy.asarray(o) for o in operands), **params)
    np.testing.assert_allclose(TABLE[name].numpy(*operands, **params), expected, rtol=1e-12, atol=1e-14)
    floats = floats_of(operands)
    if TABLE[name].derivative is None or not floats:
        return
    ours = value_and_grad(weighted_sum(name, operands, params, apply), range(len(floats)))(*floats)[1]

    def number(*xs: Any) -> Any:
        return weighted_sum(name, operands, params, lambda n, *o, **kw: jax_meaning(jax64, n, *o, **kw))(*xs)

    theirs = jax64.jit(jax64.grad(number, tuple(range(len(floats)))))(*(jax64.numpy.asarray(f) for f in floats))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
