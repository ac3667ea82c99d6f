"""Training in compiled code: what the reference does, for any data, any optimiser, any number of threads."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.engines.cpu import compile as compiling
from unstuck.engines.cpu import threads
from unstuck.engines.cpu.engine import Compiled
from unstuck.engines.reference import ReferenceEngine
from unstuck.errors import InputError
from unstuck.nn.losses import loss_function
from unstuck.training.optimizers import OPTIMIZERS
from unstuck.training.step import StepPlan

RNG = np.random.default_rng(11)
X = RNG.normal(size=(57, 6)).astype(np.float32)
CLASSES = RNG.integers(0, 3, 57)
PIXELS = RNG.integers(0, 256, (57, 5, 4)).astype(np.uint8)


@pytest.fixture(autouse=True)
def threads_are_free_again() -> Iterator[None]:
    yield
    threads.set_threads(None)


def trained(
    engine: str, inputs: Any = X, targets: Any = CLASSES, *, seed: int = 0, dtype: Any = np.float32, **settings: Any
) -> Any:
    network = nn.Network(nn.Dense(9), nn.Tanh(), nn.Dropout(0.2), nn.Dense(3), dtype=dtype)
    settings = {"batch_size": 8, "epochs": 3, "optimizer": us.SGD(0.1), **settings}
    return us.fit(network, (inputs, targets), engine=engine, seed=seed, **settings)


def close(a: Any, b: Any, tolerance: float) -> bool:
    pairs = zip(a.network.parameters.values(), b.network.parameters.values(), strict=True)
    return all(np.allclose(p, q, rtol=tolerance, atol=tolerance) for p, q in pairs)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_training_ends_where_the_reference_ends(name: str) -> None:
    settings = {"optimizer": OPTIMIZERS[name](0.01), "l2": 0.01, "clip_norm": 1.0, "dtype": np.float64}
    a, b = trained("cpu", **settings), trained("reference", **settings)
    assert close(a, b, 1e-9)
    assert np.allclose(a.history["loss"], b.history["loss"], rtol=1e-9)
    assert a.history["accuracy"] == b.history["accuracy"]


@pytest.mark.parametrize("how", ["pixels", "standardise", "none"])
def test_bytes_are_scaled_on_the_way(how: str) -> None:
    settings: dict[str, Any] = {"preprocessing": how, "optimizer": us.SGD(1e-4 if how == "none" else 0.1)}
    assert close(trained("cpu", PIXELS, **settings), trained("reference", PIXELS, **settings), 1e-4)


def test_row_weights_and_regression_targets_are_gathered_with_their_rows() -> None:
    y = X[:, :2] * 3
    network = [nn.Network(nn.Dense(5), nn.ReLU(), nn.Dense(2)) for _ in range(2)]
    for n, engine in zip(network, ("cpu", "reference"), strict=True):
        us.fit(n, (X, y), batch_size=10, epochs=4, sample_weight=np.abs(X[:, 0]) + 0.1, engine=engine, loss="huber")
    assert all(
        np.allclose(a, b, rtol=1e-3, atol=1e-4) for a, b in zip(*(n.parameters.values() for n in network), strict=True)
    )


def test_data_larger_than_what_is_kept_in_memory_streams_from_the_file(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "rows.npy"
    np.save(path, X)
    whole = trained("cpu", preprocessing="standardise")
    monkeypatch.setattr(sys.modules["unstuck.training.preparation"], "KEEP_BYTES", 100)
    mapped = trained("cpu", np.load(path, mmap_mode="r"), preprocessing="standardise")
    assert close(whole, mapped, 1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_number_of_threads_gives_the_same_bits(dtype: Any) -> None:
    x, y = RNG.normal(size=(300, 40)), RNG.integers(0, 3, 300)
    runs = []
    for count in (1, 2, 3):
        threads.set_threads(count)
        runs.append(trained("cpu", x, y, dtype=dtype, batch_size=64, optimizer=us.Adam(0.01)))
    for run in runs[1:]:
        assert run.history["loss"] == runs[0].history["loss"]
        for name, p in run.network.parameters.items():
            assert np.array_equal(p, runs[0].network.parameters[name])


def test_several_python_threads_may_train_at_once() -> None:
    threads.set_threads(2)
    alone = trained("cpu", batch_size=57)
    found: list[Any] = []
    workers = [threading.Thread(target=lambda: found.append(trained("cpu", batch_size=57))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 4
    assert all(close(run, alone, 0.0) for run in found)


_CHILD = """
import multiprocessing
import subprocess
import sys

import numpy as np
import unstuck as us
from unstuck.engines.cpu import threads


def losses():
    threads.set_threads(2)
    rng = np.random.default_rng(3)
    data = rng.normal(size=(57, 6)).astype("float32"), rng.integers(0, 3, 57)
    network = us.nn.Network(us.nn.Dense(9), us.nn.Tanh(), us.nn.Dense(3))
    return us.fit(network, data, batch_size=8, epochs=3, engine="cpu", seed=0).history["loss"]


def tell(queue):
    queue.put(losses())


if __name__ == "__main__":
    here = losses()
    context = multiprocessing.get_context(sys.argv[1])
    queue = context.Queue()
    child = context.Process(target=tell, args=(queue,))
    child.start()
    there = queue.get(timeout=60)
    child.join()
    print("same" if here == there else f"{here} {there}")
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_training_works_in_forked_and_spawned_processes(method: str, tmp_path: Path) -> None:
    # A program of its own: what a child that is spawned imports does not depend on how the tests were started.
    program = tmp_path / "program.py"
    program.write_text(_CHILD)
    command = [sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning", str(program), method]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout.strip(), done.stderr) == ("same", "")


def test_threads_that_are_no_number_are_refused() -> None:
    with pytest.raises(InputError, match="threads is 0; expected a whole number of at least 1"):
        threads.set_threads(0)


def test_a_child_of_a_process_pool_takes_one_thread(monkeypatch: Any) -> None:
    for name in ("UNSTUCK_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: object())
    assert threads.most_threads() == 1
    monkeypatch.setenv("UNSTUCK_THREADS", "3")
    assert threads.most_threads() == 3


def test_many_short_epochs_at_once_are_the_same_as_one_by_one() -> None:
    quick = trained("cpu", batch_size=None, epochs=200)
    watched = trained("cpu", batch_size=None, epochs=200, callbacks=[us.training.Callback()])
    assert close(quick, watched, 0.0)
    for name in ("epoch", "loss", "accuracy", "learning_rate"):
        assert quick.history[name] == watched.history[name]


def test_no_step_touches_memory_beyond_its_values() -> None:
    """What goes in and comes out lies between poisoned places; rows of all lengths, so that vectors end within them."""
    sizes = [(n, n + 2, n) for n in (*range(1, 20), 31, 33, 47, 63, 65, 70)]
    # The last ones: products made in pieces, and behind another layer also with an operand that is turned round piece by piece.
    for rows, inputs_, width in (*sizes, (17, 401, 33), (29, 584, 70), (19, 5, 203)):
        rng = np.random.default_rng(width)  # (no mean square near zero: a step would be its rounding errors)
        hidden = [nn.Dense(171), nn.ReLU()] if width > 200 else []
        network = nn.Network(nn.Dense(width), nn.ReLU(), *hidden, nn.Dense(3), input_shape=inputs_, seed=width)
        plan = StepPlan(network, loss_function("cross_entropy"), us.Adam(0.01), counts_correct=True)
        graph = plan.record((rows, inputs_), (rows,), np.dtype(np.int64))
        inputs = [
            np.array(rng.uniform(0.5, 1.5, n.shape) if n.dtype.kind == "f" else np.ones(n.shape), n.dtype)
            for n in graph.inputs
        ]
        compiled = Compiled(graph)
        given = [_guarded(array) for array in inputs]
        taken = [_guarded(np.zeros(node.shape, node.dtype)) for node in graph.outputs]
        for slot, (part, _) in zip(
            [*compiled.plan.input_slots, *compiled.plan.output_slots], given + taken, strict=True
        ):
            compiled.point(slot, part)
        compiled.run(0, 1)
        right = ReferenceEngine().compile(graph)(*inputs)
        assert all(np.allclose(a, b, rtol=1e-3, atol=1e-5) for (a, _), b in zip(taken, right, strict=True))
        assert all((room[:64] == 0xFF).all() and (room[-64:] == 0xFF).all() for _, room in given + taken)


def _guarded(array: Any) -> tuple[Any, Any]:
    """A copy of an array in the midst of bytes that are NaN as floats."""
    room = np.full(array.nbytes + 128, 0xFF, np.uint8)
    part = room[64 : 64 + array.nbytes].view(array.dtype).reshape(array.shape)
    part[...] = array
    return part, room


def test_the_plan_can_be_read(capsys: Any) -> None:
    from unstuck.training.fit import step_listing

    network = nn.Network(nn.Dense(9), nn.Tanh(), nn.Dense(3))
    text = step_listing(network, (X, CLASSES), batch_size=8, loss="cross_entropy")
    assert "kernels for" in text
    assert "matmul, add, tanh [8, 9] · 6; 1 stored" in text
    assert not network.is_built
    assert "matmul" in step_listing(network, (X, CLASSES), engine="reference")


def test_a_run_records_what_happens_inside_its_steps() -> None:
    network = nn.Network(nn.Dense(4, bias_init="zeros"), nn.ReLU(), nn.Dense(3), nn.Sigmoid())
    run = us.fit(network, (X, CLASSES), batch_size=19, epochs=5, optimizer=us.SGD(0.5), loss="squared_error")
    row = run.recording.row(-1)
    assert row["epoch"] <= 5
    assert row["step"] == row["epoch"] * 3
    for name in network.parameters:
        assert row[f"update {name}"] == pytest.approx(0.5 * row[f"gradient {name}"], rel=1e-3)
        assert row[f"value {name}"] > 0
    assert 0 <= row["dead relu1"] <= 1
    assert 0 <= row["saturated sigmoid1"] <= 1


def test_a_dead_relu_is_recorded_as_dead() -> None:
    network = nn.Network(nn.Dense(4), nn.ReLU(), nn.Dense(3), input_shape=6)
    network.parameters["dense1.weight"][:] = 0
    network.parameters["dense1.bias"][:] = [-1, -1, -1, 1]
    run = us.fit(network, (X, CLASSES), batch_size=19, epochs=1, optimizer=us.SGD(1e-6))
    assert run.recording.row(-1)["dead relu1"] == 0.75


def test_compiling_is_told_to_whoever_listens(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setenv("UNSTUCK_CACHE", str(tmp_path))
    monkeypatch.setattr(compiling, "_loaded", type(compiling._loaded)())
    told: list[str] = []
    tell = lambda: told.append("compiling")  # noqa: E731
    compiling.before_compiling.append(tell)
    try:
        trained("cpu")
        first = len(told)
        compiling._loaded.clear()
        trained("cpu")
    finally:
        compiling.before_compiling.remove(tell)
    assert first == 2  # one program for whole batches, one for the last
    assert len(told) == first
