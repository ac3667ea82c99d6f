"""Every layer trains on the CPU engine as on the reference engine, in whole batches and in a partial last one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.autodiff import gradients
from unstuck.autodiff.graph import apply, record
from unstuck.engines.cpu import CpuEngine, threads
from unstuck.engines.cpu.engine import Compiled
from unstuck.engines.cpu.memory import ARENA
from unstuck.engines.cpu.rewrite import rewritten
from unstuck.engines.reference import ReferenceEngine
from unstuck.nn.layers.base import LAYERS
from unstuck.nn.losses import loss_function
from unstuck.training.step import StepPlan

ROWS, BATCH = 11, 4  # two whole batches and one of 3 rows


def wave(x: Any, gain: Any) -> Any:
    return np.sin(x) * gain


def scaled(x: Any, before: Any) -> Any:
    return x * before


CASES: dict[str, tuple[nn.Layer, tuple[int, ...]]] = {
    "conv": (nn.Conv2D(4, 3), (6, 7, 3)),
    "conv 5×5 of one channel": (nn.Conv2D(6, 5, padding=2), (8, 8)),
    "conv 1×1": (nn.Conv2D(3, 1, bias=False), (3, 3, 2)),
    "conv of one pixel": (nn.Conv2D(2, 1), (1, 1, 1)),
    "conv as large as the image": (nn.Conv2D(3, (4, 3)), (4, 3, 1)),
    "conv, all settings": (
        nn.Conv2D(4, (3, 2), stride=(2, 1), padding=((1, 0), (2, 1)), dilation=(1, 2), groups=2),
        (5, 6, 4),
    ),
    "conv of many channels": (nn.Conv2D(37, 3, padding="same"), (4, 3, 35)),
    "depthwise conv": (nn.DepthwiseConv2D(2, multiplier=2, padding=1), (3, 4, 3)),
    "conv over one axis": (nn.Conv1D(3, 3, stride=2, padding=1), (7, 2)),
    "conv over one axis, one step": (nn.Conv1D(2, 1), (1, 2)),
    "transposed conv": (nn.ConvTranspose2D(3, (3, 2), stride=(2, 1), padding=((1, 0), (0, 1))), (3, 4, 2)),
    "transposed conv over one axis": (nn.ConvTranspose1D(2, 3, stride=2, dilation=2), (4, 3)),
    "max pool": (nn.MaxPool2D(2), (4, 5, 2)),
    "max pool of many channels": (nn.MaxPool2D(2), (4, 4, 18)),
    "max pool, overlapping and padded": (nn.MaxPool2D(3, stride=2, padding=1), (5, 6, 2)),
    "max pool over one axis": (nn.MaxPool1D(3, stride=1), (5, 2)),
    "average pool": (nn.AveragePool2D(2), (4, 5, 2)),
    "average pool, overlapping and padded": (nn.AveragePool2D(3, stride=2, padding=1), (5, 6, 2)),
    "average pool over one axis": (nn.AveragePool1D(2, padding=1), (5, 2)),
    "global max pool": (nn.GlobalMaxPool(), (3, 4, 2)),
    "global average pool": (nn.GlobalAveragePool(), (5, 2)),
    "dense": (nn.Dense(3), (4,)),
    "dropout": (nn.Dropout(0.4), (6,)),
    "spatial dropout": (nn.SpatialDropout(0.4), (3, 4)),
    "batch norm": (nn.BatchNorm(), (5,)),
    "batch norm of images": (nn.BatchNorm(), (3, 2, 4)),
    "layer norm": (nn.LayerNorm(), (3, 4)),
    "flatten": (nn.Flatten(), (2, 3)),
    "identity": (nn.Identity(), (4,)),
    "sigmoid": (nn.Sigmoid(), (4,)),
    "tanh": (nn.Tanh(), (4,)),
    "relu": (nn.ReLU(), (4,)),
    "leaky relu": (nn.LeakyReLU(0.2), (4,)),
    "elu": (nn.ELU(0.7), (4,)),
    "gelu": (nn.GELU(), (4,)),
    "silu": (nn.SiLU(), (4,)),
    "softplus": (nn.Softplus(), (4,)),
    "softmax": (nn.Softmax(), (4,)),
    "function": (nn.Function(wave, shapes={"gain": (4,)}, init={"gain": nn.Normal(1.0)}), (4,)),
    "simple rnn": (nn.SimpleRNN(5), (4, 3)),
    "simple rnn, one step of one unit": (nn.SimpleRNN(1), (1, 1)),
    "simple rnn with relu, all states": (nn.SimpleRNN(17, sequences=True, activation="relu"), (3, 2)),
    "gru": (nn.GRU(5, sequences=True), (4, 3)),
    "gru, backwards": (nn.GRU(4, reverse=True), (4, 3)),
    "lstm": (nn.LSTM(5), (4, 3)),
    "lstm, all states, backwards": (nn.LSTM(18, sequences=True, reverse=True), (3, 2)),
    "lstm, truncated": (nn.LSTM(3, truncate=2), (5, 2)),
    "both directions": (nn.Bidirectional(nn.LSTM(3)), (4, 2)),
    "attention": (nn.SelfAttention(2), (5, 4)),
    "attention, causal": (nn.SelfAttention(1, causal=True), (4, 3)),
    "add": (nn.Add(nn.Identity(), [nn.Dense(5), nn.ReLU(), nn.Dense(4)]), (4,)),
    "concatenate": (nn.Concatenate(nn.Dense(3), [nn.Dense(2), nn.Tanh()]), (4,)),
    "concatenate images": (nn.Concatenate(nn.Conv2D(3, 3, padding="same"), nn.Identity()), (3, 4, 2)),
}
# Layers that come first, and what stands behind them.
FIRST: dict[str, tuple[list[nn.Layer], tuple[int, ...]]] = {
    "embedding": ([nn.Embedding(6, 4)], (5,)),
    "embedding with padding": ([nn.Embedding(6, 3, padding=0), nn.GRU(4)], (5,)),
    "embedding before attention": ([nn.Embedding(6, 4, padding=0), nn.SelfAttention(2)], (5,)),
    "masking": ([nn.Masking(), nn.LSTM(3)], (4, 2)),
    "masking, both directions": ([nn.Masking(), nn.Bidirectional(nn.SimpleRNN(3))], (4, 2)),
}


def kinds(layer: nn.Layer) -> set[str]:
    """The names of a layer and of those within it."""
    inner = [one for branch in getattr(layer, "branches", ()) for one in branch]
    inner += [part for part in (getattr(layer, "recurrent", None),) if part is not None]
    return {layer.kind}.union(*map(kinds, inner))


def test_every_layer_of_the_library_is_among_the_cases() -> None:
    covered = set().union(*(kinds(layer) for layer, _ in CASES.values()))
    covered |= {layer.kind for layers, _ in FIRST.values() for layer in layers}
    covered |= {
        "Again",
        "Inputs",
        "Outputs",
    }  # tests/nn/test_shared_weights.py and tests/training/test_named.py, on both engines
    assert {name for name, kind in LAYERS.items() if kind.__module__.startswith("unstuck.")} == covered


@pytest.mark.parametrize("shape", [(1, 8, 6, 2, 5, 1), (1, 8, 6, 2, 5, 2), (2, 8, 6, 2, 5, 1), (1, 1, 1, 2, 5, 1)])
def test_a_gradient_by_the_kernel_of_few_pictures(shape: tuple[int, ...]) -> None:
    """(rows, height, width, channels, outputs, size): with one row, vectors of the batch have one value."""
    rows, height, width, channels, outputs, size = shape
    rng = np.random.default_rng(5)
    x, g = (
        rng.normal(size=(rows, height, width, channels)),
        rng.normal(size=(rows, height - size + 1, width - size + 1, outputs)),
    )
    setting = {"size": (size, size), "stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}
    graph = record(lambda x, g: apply("conv_weight", np.tanh(x), np.tanh(g), **setting), x, g)
    (found,), (right,) = CpuEngine().compile(graph)(x, g), ReferenceEngine().compile(graph)(x, g)
    np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-12)


def network_of(name: str, dtype: Any) -> nn.Network:
    """The layer between one that asks for its gradient by the input, and one that makes 3 classes of what comes out."""
    if name in FIRST:
        layers, shape = FIRST[name]
    else:
        layer, shape = CASES[name]
        layers = [nn.Function(scaled, shapes={"before": shape}, init={"before": nn.Normal(1.0)}), layer]
    return nn.Network(*layers, nn.Flatten(), nn.Dense(3), input_shape=shape, dtype=dtype, seed=4)


def rows_for(name: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(6)
    if name.startswith("embedding"):
        tokens = rng.integers(0, 6, (ROWS, *shape))
        tokens[:, 0] = 1  # no row is all padding
        return tokens
    x = rng.normal(size=(ROWS, *shape))
    if name.startswith("masking"):
        x[::2, 2:] = 0
    return x


def trained(name: str, engine: str, dtype: Any, batch: int | None) -> us.Run:
    network = network_of(name, dtype)
    x = rows_for(name, network.input_shape or ())
    y = np.arange(ROWS) % 3
    settings: dict[str, Any] = {"loss": "cross_entropy", "optimizer": us.SGD(0.1), "preprocessing": "none", "seed": 1}
    return us.fit(network, (x, y), epochs=1, batch_size=batch, engine=engine, **settings)


def assert_close(name: str, dtype: Any, batch: int | None, tolerance: float) -> None:
    ours, right = (trained(name, engine, dtype, batch) for engine in ("cpu", "reference"))
    for key, wanted in right.network.parameters.items():
        found = ours.network.parameters[key]
        assert found.dtype == dtype
        # (A bias whose updates cancel each other is as exact as they are, not as it is small.)
        assert np.abs(found - wanted).max() <= tolerance * max(np.abs(wanted).max(), 0.01), key
    assert ours.history["loss"] == pytest.approx(right.history["loss"], rel=tolerance)


@pytest.mark.parametrize("name", [*CASES, *FIRST])
def test_some_steps_with_a_partial_last_batch_in_float32(name: str) -> None:
    assert_close(name, np.float32, BATCH, 1e-5)


@pytest.mark.parametrize("name", [*CASES, *FIRST])
def test_one_step_in_float64(name: str) -> None:
    assert_close(name, np.float64, None, 1e-12)


# Faults that were mended ------------------------------------------------------------------------------------------------
def through_a_running_total(x: Any, steps: Any) -> Any:
    return x @ np.cumsum(steps, axis=0)


@pytest.mark.parametrize("batch", [1, 4, 10, 11])
def test_a_partial_last_batch_goes_on_with_the_state_where_parts_run_in_numpy(batch: int) -> None:
    """Both batch sizes see the parameters in one memory, however each of them lays out its own values."""
    x = np.random.default_rng(2).normal(size=(ROWS, 5)).astype(np.float32)
    networks = []
    for engine in ("cpu", "reference"):
        total = nn.Function(through_a_running_total, shapes={"steps": (5, 6)}, init={"steps": nn.Normal(1.0)})
        network = nn.Network(total, nn.Dense(3), input_shape=5, seed=3)
        us.fit(network, (x, np.arange(ROWS) % 3), epochs=3, batch_size=batch, engine=engine, seed=1,
               optimizer=us.Adam(0.01))  # fmt: skip
        networks.append(network)
    for found, right in zip(*(network.parameters.values() for network in networks), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 4, 2), (2, 5, 17), (6, 1, 16)], ids=str)
def test_a_reshape_of_a_transposed_value_shows_its_new_order(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(3).normal(size=shape)

    def function(x: Any) -> Any:
        turned = np.reshape(np.transpose(x + 1, (1, 0, 2)), (shape[0] * shape[1], shape[2]))
        back = np.reshape(np.transpose(x * 2, (2, 1, 0)), (-1,))
        return turned, turned @ np.transpose(turned), np.tanh(back) + 1, np.reshape(x.T, (shape[2], -1)) @ turned

    graph = record(function, x)
    for found, right in zip(CpuEngine().compile(graph)(x), ReferenceEngine().compile(graph)(x), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("width", [1, 7, 8, 9, 16, 17])
def test_rows_of_whole_numbers_do_not_run_into_what_lies_behind_them(width: int) -> None:
    rng = np.random.default_rng(4)
    whole, table = rng.integers(0, 5, (5, width)), rng.normal(size=(40, 3)).astype(np.float32)

    def function(whole: Any, table: Any) -> Any:
        # One kernel makes several rows of whole numbers, which lie side by side until they have been looked up.
        places = [whole * 2]
        for k in range(1, 5):
            places.append(places[-1] + k)
        return [np.sum(apply("take", table, place), axis=1) for place in places]

    graph = record(function, whole, table)
    pairs = zip(CpuEngine().compile(graph)(whole, table), ReferenceEngine().compile(graph)(whole, table), strict=True)
    for found, right in pairs:
        np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1])
def test_values_side_by_side_also_twice_and_in_two_places(axis: int) -> None:
    def function(x: Any, w: Any) -> Any:
        a, b = np.tanh(x @ w), x * 2.0 + 1.0
        return (
            np.concatenate([a, a, b], axis) * 0.5, np.concatenate([b, a], axis), np.concatenate([x, b], axis),
            np.concatenate([a, b], axis) @ np.concatenate([a, b], axis).T, a,
        )  # fmt: skip

    rng = np.random.default_rng(4)
    x, w = rng.normal(size=(33, 21)).astype(np.float32), rng.normal(size=(21, 21)).astype(np.float32)
    graph = record(function, x, w)
    try:
        for count in (1, 2):
            threads.set_threads(count)
            pairs = zip(CpuEngine().compile(graph)(x, w), ReferenceEngine().compile(graph)(x, w), strict=True)
            for found, right in pairs:
                np.testing.assert_allclose(found, right, rtol=2e-5, atol=2e-5)
    finally:
        threads.set_threads(None)


F, D = np.float32, np.float64
RNG = np.random.default_rng(1)
H, X, W = RNG.normal(size=(30, 40)), RNG.normal(size=(6, 30, 40)), RNG.normal(size=(40, 40)) / 6


def _many_copies(s: Any, x: Any) -> Any:
    a, _, c, d = s
    t = np.tanh(a + x)
    return t, t, t, np.tanh(d + np.sum(c * t, axis=0))


SCANS = {
    "carries that change places": lambda h, x, w: us.scan(lambda s, x: (s[1], s[0] + x, s[2]), (h, 2 * h, h), x),
    "one value for three carries": lambda h, x, w: us.scan(_many_copies, (h, h * 2, h * 3, h[0]), x),
    "weights and their transpose": lambda h, x, w: us.scan(lambda h, x: np.tanh(h @ (w + w.T) + x), h, x),
    "numbers of rows for columns": lambda h, x, w: us.scan(
        lambda s, x: np.tanh(s + 0.01 * np.sum(s * s, axis=1)), np.zeros((40, 40)) + w, x[:, 0] + np.zeros((6, 40))
    ),
    "inputs in another shape": lambda h, x, w: us.scan(lambda h, x: h + np.reshape(x, (6, 200))[:, :6], h[:6, :6], np.tanh(x)),
    "parts of inputs in another shape": lambda h, x, w: us.scan(
        lambda h, x: h + np.reshape(x, (40, 30)), h.T, np.tanh(np.concatenate([x, x], 2))[:, :, 3:43]
    ),
    "inputs from the end": lambda h, x, w: us.scan(lambda h, x: np.tanh(h @ w + x), h, x[::-1]),
}  # fmt: skip


@pytest.mark.parametrize("dtypes", [(F, F, F), (D, D, D), (F, F, D), (D, F, F), (F, D, F)])
@pytest.mark.parametrize("name", SCANS)
def test_scans_of_any_kind_and_their_gradients(name: str, dtypes: tuple[Any, Any, Any]) -> None:
    arrays = [array.astype(dtype) for array, dtype in zip((H, X, W), dtypes, strict=True)]

    def loss(h: Any, x: Any, w: Any) -> Any:
        found = SCANS[name](h, x, w)
        parts = found if isinstance(found, tuple) else (found,)
        return sum(np.sum(np.tanh(part) * (i + 1)) for i, part in enumerate(parts))

    values, graph = record(lambda *a: _flat(SCANS[name](*a)), *arrays), record(loss, *arrays)
    graph.outputs = gradients(graph.outputs[0], graph.inputs)
    tolerance = 1e-11 if dtypes == (D, D, D) else 2e-4
    try:
        for one in (values, graph):
            right = ReferenceEngine().compile(one)(*arrays)
            for count in (1, 2, 2, 2):
                threads.set_threads(count)
                for found, wanted in zip(CpuEngine().compile(one)(*arrays), right, strict=True):
                    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * max(1.0, np.abs(wanted).max()))
    finally:
        threads.set_threads(None)


def _flat(found: Any) -> Any:
    return found if isinstance(found, tuple) else (found,)


def test_compiling_leaves_the_graph_as_it_is() -> None:
    graph = record(lambda h, x: us.scan(lambda c, x: (c[1], c[0] + x), (h, 2 * h), x), H, X)
    keys = {CpuEngine().compile(graph).plan.key() for _ in range(3)}
    assert len(keys) == 1


def test_a_value_and_itself_turned_round() -> None:
    graph = record(lambda a, b: (a @ b + (a @ b).T, np.tanh(a) + np.flip(np.tanh(a), 0)), W, W)
    for found, right in zip(CpuEngine().compile(graph)(W, W), ReferenceEngine().compile(graph)(W, W), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-12)


# What the kernels of convolutions and recurrences promise ------------------------------------------------------------------
PICTURES = [
    nn.Conv2D(5, 3, padding=1), nn.ReLU(), nn.MaxPool2D(2), nn.Conv2D(18, 2, stride=2), nn.BatchNorm(), nn.Tanh(),
    nn.AveragePool2D(2, stride=1), nn.Flatten(), nn.Dense(3),
]  # fmt: skip


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        (PICTURES, (9, 8, 2)),
        (PICTURES, (21, 20, 2)),
        ([nn.LSTM(20), nn.Dense(3)], (6, 5)),
        ([nn.Flatten(), nn.Dense(40), nn.Tanh(), nn.Dense(3)], (9, 50)),
    ],
    ids=["pictures", "larger pictures", "sequences", "many inputs"],
)
def test_any_number_of_threads_gives_the_same_bits(layers: list[nn.Layer], shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(7).normal(size=(70, *shape)).astype(np.float32)
    found = []
    try:
        for count in (1, 2, 3):
            threads.set_threads(count)
            network = nn.Network(*layers, input_shape=shape, seed=2)
            us.fit(network, (x, np.arange(70) % 3), epochs=2, batch_size=33, engine="cpu", seed=1, preprocessing="none")
            found.append(list(network.parameters.values()))
    finally:
        threads.set_threads(None)
    assert all(np.array_equal(a, b) for others in found[1:] for a, b in zip(found[0], others, strict=True))


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 33])
def test_convolutions_and_pools_touch_no_memory_beyond_their_values(rows: int) -> None:
    network = nn.Network(*PICTURES, input_shape=(9, 8, 2), seed=1)
    plan = StepPlan(network, loss_function("cross_entropy"), us.SGD(0.1))
    graph = rewritten(plan.record((rows, 9, 8, 2), (rows,), np.dtype(np.int64)))
    rng = np.random.default_rng(3)
    inputs = [
        np.array(np.abs(rng.normal(size=n.shape)) if n.dtype.kind == "f" else np.ones(n.shape), n.dtype)
        for n in graph.inputs
    ]
    compiled = Compiled(graph)
    rooms = []
    places = [*inputs, *(np.zeros(node.shape, node.dtype) for node in graph.outputs)]
    for slot, array in zip([*compiled.plan.input_slots, *compiled.plan.output_slots], places, strict=True):
        room = np.full(array.nbytes + 128, 0xFF, np.uint8)  # NaN, where it is read as floats
        part = room[64 : 64 + array.nbytes].view(array.dtype).reshape(array.shape)
        part[...] = array
        compiled.point(slot, part)
        rooms.append((part, room))
    room = np.full(compiled.plan.arena_bytes + 192, 0xFF, np.uint8)
    start = -room.ctypes.data % 64
    compiled.point(ARENA, room[start : start + compiled.plan.arena_bytes])
    compiled.run(0, 1)
    assert (room[:start] == 0xFF).all()
    assert (room[start + compiled.plan.arena_bytes :] == 0xFF).all()
    right = ReferenceEngine().compile(plan.record((rows, 9, 8, 2), (rows,), np.dtype(np.int64)))(*inputs)
    for (part, _), wanted in zip(rooms[len(inputs) :], right, strict=True):
        np.testing.assert_allclose(part, wanted, rtol=1e-3, atol=1e-4)
    assert all((room[:64] == 0xFF).all() and (room[-64:] == 0xFF).all() for _, room in rooms)


# Windows that lie side by side: what pooling does is done tap by tap --------------------------------------------------------
BLOCKS: dict[str, list[nn.Layer]] = {
    "relu before": [nn.Conv2D(5, 3, padding=1), nn.ReLU(), nn.MaxPool2D(2), nn.Conv2D(4, 2)],
    "relu behind": [nn.Conv2D(5, 3, padding=1), nn.MaxPool2D(2), nn.ReLU(), nn.Conv2D(4, 2)],
    "two in a row": [nn.Conv2D(5, 3, padding=1), nn.MaxPool2D(2), nn.AveragePool2D(2), nn.Conv2D(4, 1)],
    "a mean": [nn.Conv2D(5, 3, padding=1), nn.ReLU(), nn.AveragePool2D(2), nn.Conv2D(4, 2)],
    "places that no window covers": [nn.Conv2D(5, 2), nn.ReLU(), nn.MaxPool2D((3, 2)), nn.Conv2D(4, 2)],
    "a curve before": [nn.Conv2D(5, 3, padding=1), nn.GELU(), nn.MaxPool2D(2), nn.Conv2D(4, 2)],
    "a norm before": [nn.Conv2D(5, 3, padding=1), nn.BatchNorm(), nn.ReLU(), nn.MaxPool2D(2), nn.Conv2D(4, 2)],
    "dropout before": [nn.Conv2D(5, 3, padding=1), nn.ReLU(), nn.Dropout(0.5), nn.MaxPool2D(2), nn.Conv2D(4, 2)],
    "dropout behind a convolution": [nn.Conv2D(7, 3, padding=1), nn.Dropout(0.25)],
    "dropout behind": [nn.Conv2D(5, 3, padding=1), nn.ReLU(), nn.MaxPool2D(2), nn.Dropout(0.25)],
    "a way round": [
        nn.Conv2D(5, 3, padding=1),
        nn.Concatenate([nn.ReLU(), nn.MaxPool2D(2)], [nn.ReLU(), nn.AveragePool2D(2)], nn.MaxPool2D(2)),
        nn.Add(nn.Identity(), [nn.ReLU(), nn.Conv2D(15, 3, padding=1)]),
    ],
    "one tap first": [nn.Conv2D(5, 1), nn.ReLU(), nn.Conv2D(4, 2)],
    "one tap between": [nn.Conv2D(5, 3, padding=1), nn.Conv2D(7, 1), nn.ReLU(), nn.MaxPool2D(2), nn.Conv2D(4, 1)],
    "one tap behind a recurrence": [
        nn.Function(lambda x: x.reshape(len(x), 8, 12)),
        nn.GRU(6, sequences=True),
        nn.Conv1D(5, 1),
    ],
    "nothing before": [nn.MaxPool2D(2), nn.Conv2D(4, 2)],
    "one window": [nn.Conv2D(5, 3, padding=1), nn.ReLU(), nn.MaxPool2D((8, 2))],
    "more taps than registers": [nn.Conv2D(5, 3, padding=1), nn.ReLU(), nn.MaxPool2D((8, 3))],
    "a sequence": [
        nn.Function(lambda x: x.reshape(len(x), 8, 12)),
        nn.Conv1D(5, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool1D(2),
        nn.Conv1D(4, 2),
    ],
}


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize(
    ("rows", "dtype", "tolerance"),
    # The last one: so many values that threads share what moves and reduces them.
    [(7, np.float64, 1e-12), (32, np.float32, 2e-5), (1, np.float64, 1e-12), (130, np.float64, 1e-12)],
)
def test_pooling_between_other_layers(name: str, rows: int, dtype: Any, tolerance: float) -> None:
    rng = np.random.default_rng(8)
    # Values on a coarse grid: many of a window are equally large, and many are zero.
    x = (rng.integers(-2, 3, (rows, 8, 6, 2)) / 2).astype(dtype)
    found = []
    for engine in ("cpu", "reference"):
        network = nn.Network(*BLOCKS[name], nn.Flatten(), nn.Dense(3), input_shape=(8, 6, 2), dtype=dtype, seed=4)
        for key, value in network.parameters.items():
            network.parameters[key] = np.round(value * 8) / 8  # exact sums, so that what is equal is so in both engines
        us.fit(
            network, (x, np.arange(rows) % 3), loss="cross_entropy", optimizer=us.SGD(0.1), preprocessing="none", seed=1,
            epochs=1, batch_size=rows, engine=engine,
        )  # fmt: skip
        found.append(network.parameters)
    for key, wanted in found[1].items():
        assert np.abs(found[0][key] - wanted).max() <= tolerance * max(np.abs(wanted).max(), 0.01), key


def test_pooling_side_by_side_makes_no_array_of_windows() -> None:
    network = nn.Network(*BLOCKS["relu before"], nn.Flatten(), nn.Dense(3), input_shape=(8, 6, 2))
    graph = StepPlan(network, loss_function("cross_entropy"), us.SGD(0.1)).record(
        (4, 8, 6, 2), (4,), np.dtype(np.int64)
    )
    names = [node.operation for node in rewritten(graph).nodes]
    assert "windows_last" not in names
    assert "unwindows_last" not in names
    kernels = [kernel.kind for kernel in Compiled(rewritten(graph)).plan.kernels]
    assert kernels.count("place") == 1  # but for the border of the first convolution, all is computed in its place
