"""Training beside others that have threads of their own in the same program."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn

_PROGRAM = """
import asyncio
import threading

import numba
import numpy as np
import unstuck as us
from unstuck import nn
from unstuck.engines.cpu import threads


@numba.njit(parallel=True)
def total(values):
    found = 0.0
    for i in numba.prange(len(values)):
        found += values[i]
    return found


def losses():
    rng = np.random.default_rng(3)
    data = rng.integers(0, 256, (300, 160), dtype=np.uint8), rng.integers(0, 3, 300)
    network = nn.Network(nn.Dense(40), nn.Tanh(), nn.Dense(3))
    return us.fit(network, data, batch_size=50, epochs=3, engine="cpu").history["loss"]


def train(results):
    for _ in range(3):
        assert total(ones) == len(ones)
        results.append(losses())


async def cell():  # as a notebook runs it: within an event loop
    return losses()


ones = np.ones(100_000)
threads.set_threads(1)
alone = losses()
threads.set_threads(2)
found = []
train(found)
found.append(asyncio.run(cell()))
if numba.threading_layer() != "workqueue":  # which allows one Python thread at a time
    workers = [threading.Thread(target=train, args=(found,)) for _ in range(2)]
    [w.start() for w in workers]
    [w.join() for w in workers]
    assert len(found) == 10
print(numba.threading_layer(), all(f == alone for f in found))
"""


@pytest.mark.extra
@pytest.mark.parametrize("layer", ["workqueue", "omp", "tbb"])
def test_numbas_threads_and_ours_leave_each_other_alone(layer: str) -> None:
    pytest.importorskip("numba")
    environment = {**os.environ, "NUMBA_THREADING_LAYER": layer, "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=300, env=environment, check=False
    )
    if "No threading layer could be loaded" in done.stderr:
        pytest.skip(f"numba has no {layer} here")
    assert (done.stdout.strip(), done.returncode) == (f"{layer} True", 0), done.stderr


def test_while_compiled_steps_run_numpys_products_have_one_thread() -> None:
    """The threads of OpenBLAS go on looking for work for a tenth of a second after a product, on processors that ours need."""
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def counts() -> list[int]:
        return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]

    seen: dict[str, list[int]] = {}

    class Look(us.training.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
            seen[engine] = counts()

    data = np.zeros((200, 300), np.float32), np.zeros((200, 200), np.float32)
    for engine in ("cpu", "reference"):
        network = nn.Network(nn.Dense(400), nn.Tanh(), nn.Dense(200))
        us.fit(network, data, batch_size=200, epochs=1, engine=engine, callbacks=[Look()])
    assert set(seen["cpu"]) == {1}
    assert seen["reference"] == counts()  # large products, in threads of NumPy's own
