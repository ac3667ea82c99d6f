"""Code for processors with shorter vectors: the same results, whichever is generated."""

from __future__ import annotations

import subprocess
import sys

import pytest

from unstuck.engines.cpu import host as hosts
from unstuck.errors import InputError

_PROGRAM = """
import numpy as np
import unstuck as us
from unstuck import nn
from unstuck.engines.cpu.host import host

rng = np.random.default_rng(2)
pixels, kinds = rng.integers(0, 256, (90, 160), dtype=np.uint8), rng.integers(0, 3, 90)
worst = 0.0
for dtype, allowed in ((np.float32, 2e-5), (np.float64, 1e-12)):
    found = []
    for engine in ("cpu", "reference"):
        network = nn.Network(nn.Dense(37), nn.Tanh(), nn.Dense(3), dtype=dtype)
        settings = {"batch_size": 45, "epochs": 2, "optimizer": us.Adam(0.01), "l2": 0.01, "preprocessing": "pixels"}
        us.fit(network, (pixels, kinds), engine=engine, **settings)
        found.append([*network.parameters.values(), network.predict(pixels)])
    for a, b in zip(*found, strict=True):
        worst = max(worst, float(np.max(np.abs(a - b))) / allowed)
print(host().vector_bytes * 8, "+avx512f" in host().features, worst <= 1 or worst)
"""


@pytest.mark.parametrize("bits", ["128", "256", "512"])
def test_vectors_of_any_length_train_to_the_same_parameters(bits: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNSTUCK_VECTORS", raising=False)
    hosts.host.cache_clear()
    longest = hosts.host().vector_bytes * 8
    monkeypatch.setenv("UNSTUCK_VECTORS", bits)
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=300, check=False)
    taken = min(int(bits), longest)
    assert (done.stdout.split(), done.stderr) == ([str(taken), str(taken == 512), "True"], "")


def test_a_length_of_vectors_that_no_processor_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSTUCK_VECTORS", "1000")
    hosts.host.cache_clear()
    with pytest.raises(InputError, match="UNSTUCK_VECTORS is '1000'; expected 128, 256 or 512"):
        hosts.host()
    hosts.host.cache_clear()
