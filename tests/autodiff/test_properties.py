"""Properties that hold for any shape: broadcasting and its undoing, reductions, reshapes, slices, gathers, joins."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unstuck.autodiff import Graph, apply, record, value_and_grad
from unstuck.autodiff.primitives import unbroadcast
from unstuck.errors import InputError

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
quick = settings(max_examples=80, deadline=None)


def filled(shape: tuple[int, ...], seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(size=shape)


def gradient_is_the_adjoint(function: Any, x: np.ndarray[Any, Any]) -> None:
    """For a linear function f, the gradient of <w, f(x)> is f's transpose at w: <w, f(v)> = <gradient, v> for every v."""
    y = function(x)
    w, v = filled(np.shape(y), 1), filled(x.shape, 2)
    value, gradient = value_and_grad(lambda x: np.sum(function(x) * w))(x)
    assert gradient.shape == x.shape
    np.testing.assert_allclose(value, np.sum(y * w), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(np.sum(gradient * v), np.sum(function(v) * w), rtol=1e-10, atol=1e-10)


@quick
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4, min_side=0))
def test_broadcasting_is_numpys_and_its_gradient_has_the_operands_shapes(shapes: Any) -> None:
    a, b = (filled(s, i) for i, s in enumerate(shapes.input_shapes))
    value, (da, db) = value_and_grad(lambda a, b: np.sum(a * b), (0, 1))(a, b)
    np.testing.assert_allclose(value, np.sum(a * b), rtol=1e-10, atol=1e-12)
    assert (da.shape, db.shape) == (a.shape, b.shape)
    full_a, full_b = np.broadcast_arrays(a, b)
    for found, full, like in ((da, full_b, a), (db, full_a, b)):
        extra = full.ndim - like.ndim
        axes = tuple(range(extra)) + tuple(i + extra for i, n in enumerate(like.shape) if n == 1)
        np.testing.assert_allclose(found, np.sum(full, axis=axes).reshape(like.shape), rtol=1e-10, atol=1e-12)


@quick
@given(SHAPES, SHAPES)
def test_shapes_that_do_not_fit_are_refused_exactly_where_numpy_refuses(first: Any, second: Any) -> None:
    graph = Graph()
    a, b = graph.input("a", first, np.float64), graph.input("b", second, np.float64)
    try:
        expected = np.broadcast_shapes(first, second)
    except ValueError:
        try:
            _ = a + b
        except InputError as error:
            assert str(error).startswith(f"add: the shapes {first} and {second} do not fit together")
            return
        raise AssertionError("not refused") from None
    assert (a + b).shape == expected


@quick
@given(hnp.mutually_broadcastable_shapes(num_shapes=1, base_shape=(3, 1, 2, 4), max_dims=6, max_side=4))
def test_unbroadcast_undoes_broadcast_to(shapes: Any) -> None:
    like = filled((3, 1, 2, 4))
    graph = Graph(eager=True)
    node = graph.constant(like)
    stretched = apply("broadcast_to", node, shape=shapes.result_shape)
    back = unbroadcast(stretched, node)
    assert back.shape == like.shape
    times = stretched.size / like.size
    np.testing.assert_allclose(np.asarray(back.value), like * times, rtol=1e-12)


@st.composite
def shape_and_axes(draw: Any) -> Any:
    shape = draw(SHAPES)
    axes = draw(st.none() | st.lists(st.integers(0, max(len(shape) - 1, 0)), unique=True, max_size=len(shape)))
    if axes is not None:
        signs = draw(st.lists(st.booleans(), min_size=len(axes), max_size=len(axes)))
        axes = tuple(a - len(shape) if s else a for a, s in zip(axes, signs, strict=True))
    return shape, axes


@quick
@given(shape_and_axes(), st.booleans())
def test_sums_and_means_over_any_axes(case: Any, keepdims: bool) -> None:
    shape, axes = case
    x = filled(shape)
    for function in (np.sum, np.mean):
        if function is np.mean and 0 in shape:
            continue
        expected = function(x, axis=axes, keepdims=keepdims)
        graph = record(lambda x, f=function: f(x, axis=axes, keepdims=keepdims), x)
        assert graph.outputs[0].shape == np.shape(expected)
        gradient_is_the_adjoint(lambda x, f=function: f(x, axis=axes, keepdims=keepdims), x)


@quick
@given(shape_and_axes(), st.booleans())
def test_extrema_over_any_axes_give_the_gradient_to_the_extreme_element(case: Any, keepdims: bool) -> None:
    shape, axes = case
    x = filled(shape)
    if x.size == 0:
        return
    for function in (np.max, np.min):
        y = function(x, axis=axes, keepdims=True)
        value, gradient = value_and_grad(lambda x, f=function: np.sum(f(x, axis=axes, keepdims=keepdims)))(x)
        np.testing.assert_allclose(value, np.sum(y), rtol=1e-12)
        np.testing.assert_array_equal(gradient, (x == y) * 1.0)


@quick
@given(SHAPES, st.randoms(use_true_random=False))
def test_transposes_and_reshapes_are_undone_by_their_gradients(shape: Any, random: Any) -> None:
    order = list(range(len(shape)))
    random.shuffle(order)
    sizes = list(shape)
    random.shuffle(sizes)
    gradient_is_the_adjoint(lambda x: np.transpose(x, order), filled(shape))
    gradient_is_the_adjoint(lambda x: np.reshape(np.transpose(x, order), sizes), filled(shape))


@quick
@given(st.data(), SHAPES)
def test_basic_indexing_is_numpys(data: Any, shape: Any) -> None:
    key = data.draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    x = filled(shape)
    if isinstance(x[key], np.ndarray):
        assert record(lambda x: x[key], x).outputs[0].shape == x[key].shape
    gradient_is_the_adjoint(lambda x: x[key], x)


@quick
@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
def test_integer_array_indexing_is_numpys_known_or_recorded(data: Any, shape: Any) -> None:
    key = data.draw(hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(min_dims=0, max_dims=2, max_side=3)))
    x = filled(shape)
    gradient_is_the_adjoint(lambda x: x[key], x)
    graph = Graph(eager=True)
    node = graph.input("x", x.shape, x.dtype, value=x)
    recorded = node[tuple(graph.input(f"i{n}", k.shape, k.dtype, value=k) for n, k in enumerate(key))]
    np.testing.assert_array_equal(np.asarray(recorded.value), x[key])


@quick
@given(st.integers(1, 5), hnp.array_shapes(min_dims=0, max_dims=2, max_side=4), SHAPES, st.integers(0, 9))
def test_gather_and_scatter_add_are_each_others_adjoints(count: int, rows_shape: Any, rest: Any, seed: int) -> None:
    rows = np.random.default_rng(seed).integers(-count, count, rows_shape)
    gradient_is_the_adjoint(lambda x: np.take(x, rows, axis=0), filled((count, *rest)))

    def scatter(v: Any) -> Any:
        if isinstance(v, np.ndarray):
            result = np.zeros((count, *rest))
            for place in np.ndindex(rows.shape):
                result[rows[place]] += v[place]
            return result
        return apply("scatter_add", rows, v, count=count)

    gradient_is_the_adjoint(scatter, filled((*rows.shape, *rest)))


@quick
@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3))
def test_concatenating_and_stacking_any_number_of_parts(data: Any, shape: Any) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    sizes = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    parts = []
    for i, size in enumerate(sizes):
        part_shape = list(shape)
        part_shape[axis] = size
        parts.append(filled(tuple(part_shape), i))
    expected = np.concatenate(parts, axis=axis)
    w = filled(expected.shape, 9)
    value, found = value_and_grad(lambda ps: np.sum(np.concatenate(ps, axis=axis) * w))(parts)
    np.testing.assert_allclose(value, np.sum(expected * w), rtol=1e-10, atol=1e-12)
    for a, b in zip(found, np.split(w, np.cumsum(sizes)[:-1], axis=axis), strict=True):
        np.testing.assert_array_equal(a, b)
    gradient_is_the_adjoint(lambda x: np.stack([x, 2 * x], axis=axis), filled(shape))


@quick
@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4))
def test_padding_flipping_rolling_tiling_and_repeating(data: Any, shape: Any) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    number = data.draw(st.integers(-5, 5))
    widths = [tuple(data.draw(st.lists(st.integers(0, 2), min_size=2, max_size=2))) for _ in shape]
    x = filled(shape)
    gradient_is_the_adjoint(lambda x: np.flip(x, axis), x)
    gradient_is_the_adjoint(lambda x: np.roll(x, number, axis), x)
    gradient_is_the_adjoint(lambda x: np.pad(x, widths), x)
    gradient_is_the_adjoint(lambda x: np.tile(x, (abs(number) % 3, 2)), x)
    gradient_is_the_adjoint(lambda x: np.repeat(x, abs(number) % 3, axis), x)
    gradient_is_the_adjoint(lambda x: np.cumsum(x, axis), x)


@quick
@given(
    hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3),
    st.integers(0, 3),
    st.integers(1, 3),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
)
def test_matrix_products_with_any_batch_and_with_vectors(
    batch: Any, rows: int, inner: int, columns: int, left_vector: bool, right_vector: bool
) -> None:
    a = filled((inner,) if left_vector else (*batch.input_shapes[0], rows, inner))
    b = filled((inner,) if right_vector else (*batch.input_shapes[1], inner, columns), 1)
    assert record(lambda a, b: a @ b, a, b).outputs[0].shape == np.shape(a @ b)
    gradient_is_the_adjoint(lambda x: x @ b, a)
    gradient_is_the_adjoint(lambda x: a @ x, b)


@quick
@given(st.data())
def test_einsum_with_any_letters(data: Any) -> None:
    sizes = {letter: data.draw(st.integers(0, 3)) for letter in "abcd"}
    terms = [
        "".join(data.draw(st.lists(st.sampled_from("abcd"), unique=True, max_size=3)))
        for _ in range(data.draw(st.integers(1, 3)))
    ]
    letters = sorted(set("".join(terms)))
    result = "".join(
        data.draw(st.permutations(data.draw(st.lists(st.sampled_from(letters), unique=True)) if letters else []))
    )
    subscripts = ",".join(terms) + "->" + result
    operands = [filled(tuple(sizes[c] for c in term), i) for i, term in enumerate(terms)]
    for i, operand in enumerate(operands):
        gradient_is_the_adjoint(lambda x, i=i: np.einsum(subscripts, *operands[:i], x, *operands[i + 1 :]), operand)
