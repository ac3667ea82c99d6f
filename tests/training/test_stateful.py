"""stateful=True: pieces beside the whole sequence, the gradient beside PyTorch's cut by hand, epochs, going back, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.autodiff import Graph
from unstuck.data.streams import streams
from unstuck.engines import engine
from unstuck.nn.step_by_step import StepByStep

KINDS: list[Any] = [nn.SimpleRNN, nn.GRU, nn.LSTM]
ENGINES = ["reference", "cpu"]
RNG = np.random.default_rng(3)
BATCH, STEPS = 4, 5
SERIES = RNG.normal(size=(BATCH * STEPS * 6, 3))
ROWS = streams(SERIES, BATCH, STEPS)  # (24, 5, 3): six batches
NUMBERS = streams(np.cumsum(SERIES, axis=0), BATCH, STEPS)[:, -1, :2]  # one a row


def pieces(layers: list[nn.Layer], x: np.ndarray, name: str, dtype: Any) -> tuple[list[np.ndarray], np.ndarray]:
    """The outputs for pieces x (pieces, N, steps, F), states taken on by hand; and those for the whole sequences."""
    count, _, steps, features = x.shape
    network = nn.Network(*layers, input_shape=(steps, features), dtype=dtype, seed=1)
    graph = Graph()
    node = graph.input("x", x.shape[1:], dtype)
    parameters = {k: graph.input(k, p.shape, p.dtype) for k, p in network.parameters.items()}
    context = nn.Context(carried={})
    output = network.forward(node, parameters, context)
    assert context.carried
    graph.outputs = [output, *(after for _, after in context.carried.values())]
    program = engine(name).compile(graph.pruned())
    states = [np.zeros(before.shape, before.dtype) for before, _ in context.carried.values()]
    found = []
    for piece in x.astype(dtype):
        told, *states = program(piece, *network.parameters.values(), *states)
        found.append(np.array(told))
        states = [np.array(state) for state in states]
    whole = nn.Network(*layers, input_shape=(count * steps, features), dtype=dtype)
    whole.parameters.update(network.parameters)
    return found, whole.outputs(np.concatenate(list(x), axis=1).astype(dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("rows", [1, 3, 20])
@pytest.mark.parametrize("kind", KINDS)
def test_pieces_give_what_the_whole_sequence_gives(kind: Any, rows: int, name: str, dtype: str) -> None:
    x = RNG.normal(size=(4, rows, 3, 2))
    layers = [kind(5, sequences=True, stateful=True), nn.Tanh(), kind(3, sequences=True, stateful=True, truncate=2)]
    found, whole = pieces(layers, x, name, dtype)
    rtol, atol = (1e-10, 1e-13) if dtype == "float64" else (1e-5, 1e-5)
    np.testing.assert_allclose(np.concatenate(found, axis=1), whole, rtol=rtol, atol=atol)


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_state_of_the_last_piece_is_that_of_the_whole_also_in_a_branch(kind: Any) -> None:
    x = RNG.normal(size=(4, 3, 3, 2))
    layers: list[nn.Layer] = [nn.Concatenate(kind(5, stateful=True), [nn.Tanh(), kind(2, stateful=True)])]
    found, whole = pieces(layers, x, "reference", "float64")
    np.testing.assert_allclose(found[-1], whole, rtol=1e-10)


def test_padding_keeps_a_state_for_the_next_piece() -> None:
    x = RNG.normal(size=(2, 3, 4, 2))
    x[0, :, 3] = 0
    layers: list[nn.Layer] = [nn.Masking(), nn.LSTM(5, stateful=True)]
    found, whole = pieces(layers, x, "reference", "float64")
    np.testing.assert_allclose(found[-1], whole, rtol=1e-10)


def by_hand(torch: Any, network: nn.Network, *, rate: float, epochs: int) -> list[float]:
    """Stochastic gradient descent in PyTorch on the rows above, states taken on and cut off by hand; the losses of the epochs."""
    layer: Any = network.layers[0]
    kinds = {"SimpleRNN": torch.nn.RNN, "GRU": torch.nn.GRU, "LSTM": torch.nn.LSTM}
    recurrent = kinds[layer.kind](3, layer.units, batch_first=True).double()
    dense = torch.nn.Linear(layer.units, 2).double()
    p = {k.partition(".")[2]: v.copy() for k, v in network.parameters.items() if not k.startswith("dense")}
    further = np.zeros_like(p["bias"])
    if layer.kind == "LSTM":
        further[layer.units : 2 * layer.units] = layer.forget_bias
    if layer.kind == "GRU":
        further[2 * layer.units :] = p["recurrent_bias"]
    with torch.no_grad():
        recurrent.weight_ih_l0.copy_(torch.tensor(p["weight"].T))
        recurrent.weight_hh_l0.copy_(torch.tensor(p["recurrent"].T))
        recurrent.bias_ih_l0.copy_(torch.tensor(p["bias"]))
        recurrent.bias_hh_l0.copy_(torch.tensor(further))
        dense.weight.copy_(torch.tensor(network.parameters["dense1.weight"].T))
        dense.bias.copy_(torch.tensor(network.parameters["dense1.bias"]))
    trained = [*recurrent.parameters(), *dense.parameters()]
    told = []
    for _ in range(epochs):
        state, losses = None, []
        for begin in range(0, len(ROWS), BATCH):
            states, state = recurrent(torch.tensor(ROWS[begin : begin + BATCH]), state)
            state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
            target = torch.tensor(NUMBERS[begin : begin + BATCH])
            loss = torch.mean((dense(states[:, -1]) - target) ** 2)
            for gradient, parameter in zip(torch.autograd.grad(loss, trained), trained, strict=True):
                # Ours has one bias for all gates, so PyTorch's second one stays; but GRU's candidate has two.
                if parameter is recurrent.bias_hh_l0:
                    gradient[: 2 * layer.units if layer.kind == "GRU" else None] = 0
                with torch.no_grad():
                    parameter -= rate * gradient
            losses.append(float(loss.detach()))
        told.append(float(np.mean(losses)))
    return told


@pytest.mark.extra
@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("kind", KINDS)
def test_training_is_truncated_backpropagation_as_in_pytorch_with_states_detached(kind: Any, name: str) -> None:
    """Two epochs, so that the second one shows that states begin with zeros again."""
    torch = pytest.importorskip("torch")
    network = nn.Network(kind(6, stateful=True), nn.Dense(2), input_shape=(STEPS, 3), dtype="float64", seed=5)
    expected = by_hand(torch, network, rate=0.05, epochs=2)
    run = fit(network, epochs=2, engine=name)
    np.testing.assert_allclose(run.history["loss"], expected, rtol=1e-10)


def fit(network: nn.Network, *, rate: Any = 0.05, **settings: Any) -> us.Run:
    given: dict[str, Any] = {
        "shuffle": False,
        "batch_size": BATCH,
        "epochs": 1,
        "loss": "mean_squared_error",
        **settings,
    }
    return us.fit(network, (ROWS, NUMBERS), optimizer=us.SGD(rate), preprocessing="none", **given)


@pytest.mark.parametrize("name", ENGINES)
def test_going_back_to_a_lower_rate_restores_the_states_too(name: str) -> None:
    """The rate jumps in epoch 3: what follows is what a rate without the jump would have given, from zeros on."""
    jump, low = (us.schedules.Step(1e-2, every=2, factor=factor) for factor in (1e3, 1e2))
    runs = [
        fit(nn.Network(nn.LSTM(6, stateful=True), nn.Dense(2)), rate=s, on_trouble="lower_rate", epochs=4, engine=name)
        for s in (jump, low)
    ]
    assert [[t.epoch for t in run.troubles] for run in runs] == [[3], []]
    np.testing.assert_allclose(runs[0].history["loss"], runs[1].history["loss"], rtol=1e-4)


def test_the_engines_agree_and_a_seed_has_one_result() -> None:
    def losses(name: str) -> list[float]:
        layers = [nn.GRU(6, sequences=True, stateful=True), nn.LSTM(4, stateful=True), nn.Dense(2)]
        return list(fit(nn.Network(*layers), epochs=3, engine=name).history["loss"])

    np.testing.assert_allclose(losses("cpu"), losses("reference"), rtol=1e-4)
    assert losses("cpu") == losses("cpu")


def test_epochs_are_not_run_into_one_another() -> None:
    """Without anybody looking short epochs are run many at once, which would take the states on."""
    watched = fit(nn.Network(nn.LSTM(6, stateful=True), nn.Dense(2)), epochs=20, callbacks=[us.Callback()])
    alone = fit(nn.Network(nn.LSTM(6, stateful=True), nn.Dense(2)), epochs=20)
    assert alone.history["loss"] == watched.history["loss"]


def test_what_lies_in_an_earlier_piece_is_learnt() -> None:
    """Each step is to tell the bit three steps ago; in pieces of four, three quarters of the answers lie in the piece before."""
    bits = np.random.default_rng(0).integers(0, 2, 4003)
    rows, labels = streams(bits[3:, None].astype(float), 8, 4), streams(bits[:-3], 8, 4)

    def accuracy(stateful: bool) -> float:
        network = nn.Network(nn.LSTM(24, sequences=True, stateful=stateful), nn.Conv1D(2, 1))
        settings: dict[str, Any] = {"shuffle": False, "batch_size": 8, "epochs": 25, "preprocessing": "none"}
        return float(us.fit(network, (rows, labels), optimizer=us.Adam(0.01), **settings).history["accuracy"][-1])

    assert accuracy(True) > 0.95
    assert accuracy(False) < 0.7


def test_prediction_begins_each_row_with_zeros_and_step_by_step_goes_on() -> None:
    network = nn.Network(
        nn.LSTM(6, sequences=True, stateful=True), nn.Conv1D(2, 1), input_shape=(STEPS, 3), dtype="float64"
    )
    twin = nn.Network(nn.LSTM(6, sequences=True), nn.Conv1D(2, 1), input_shape=(STEPS, 3), dtype="float64")
    twin.parameters = network.parameters
    alone = np.concatenate([network.outputs(ROWS[i : i + 1]) for i in range(8)])
    np.testing.assert_allclose(network.outputs(ROWS[:8]), alone, rtol=1e-12)
    np.testing.assert_array_equal(network.outputs(ROWS), twin.outputs(ROWS))
    step = StepByStep(network)
    long = nn.Network(*twin.layers, input_shape=(3 * STEPS, 3), dtype="float64")
    long.parameters = network.parameters
    told = [step(x) for x in SERIES[: 3 * STEPS]]
    np.testing.assert_allclose(told, long.outputs(SERIES[None, : 3 * STEPS])[0], rtol=1e-10)


def test_saved_and_loaded_it_is_stateful_still_and_goes_on_learning_the_same(tmp_path: Path) -> None:
    run = fit(nn.Network(nn.LSTM(6, stateful=True), nn.Dense(2)), epochs=2)
    loaded = us.load(run.save(tmp_path / "m.safetensors"))
    assert "stateful=True" in str(loaded.layers[0])
    assert set(loaded.parameters) == {"lstm1.weight", "lstm1.recurrent", "lstm1.bias", "dense1.weight", "dense1.bias"}
    np.testing.assert_array_equal(loaded.outputs(ROWS), run.network.outputs(ROWS))
    assert fit(loaded, epochs=2).history["loss"] == fit(run.network, epochs=2).history["loss"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"shuffle": True}, r"layer lstm1 is stateful: .* but the rows are shuffled; give shuffle=False"),
        (
            {"batch_size": 5},
            r"the last batch would have 4 rows instead of 5; give a number of rows that 5 divides \(now 24\)",
        ),
        ({"batch_size": 32}, r"but batch_size is 32 and there are 24 rows; give 24 or fewer"),
    ],
)
def test_rows_that_do_not_go_on_are_refused_and_the_network_stays_as_it_was(settings: Any, sentence: str) -> None:
    network = nn.Network(nn.LSTM(6, stateful=True), nn.Dense(2))
    with pytest.raises(us.InputError, match=sentence):
        fit(network, **settings)
    assert not network.is_built


def test_layers_that_read_from_behind_are_refused() -> None:
    with pytest.raises(us.InputError, match=r"LSTM: stateful=True .* does not go with reverse=True"):
        nn.LSTM(3, stateful=True, reverse=True)
    with pytest.raises(us.InputError, match=r"Bidirectional: recurrent is stateful"):
        nn.Bidirectional(nn.GRU(3, stateful=True))
    with pytest.raises(us.InputError, match=r"GRU: stateful is 'yes'; expected True or False"):
        nn.GRU(3, stateful="yes")  # type: ignore[arg-type]
