"""Mistakes in sums, pools, penalties and normalisations: the line as it should be is among the first candidates, by its name."""

from __future__ import annotations

import ast
from itertools import islice

import pytest

from unstuck.doctor.handwritten.edits.base import Facts, candidates

FIRST = 12

NORM = """\
import numpy as np
class Norm:
    def forward(self, x):
        m, v = x.mean(axis=0), x.var(axis=0)
        self.root = np.sqrt(v + 1e-5)
        self.hat = (x - m) / self.root
        return self.gain * self.hat
    def backward(self, d):
        d = d * self.gain
        inner = d.mean(axis=0) + self.hat * (d * self.hat).mean(axis=0)
        return (d - inner) / self.root
"""
POOL = """\
import numpy as np
def forward(a):
    return a.max(axis=2)
def backward(a, d):
    spread = (a == a.max(axis=2, keepdims=True)) * d[:, :, None]
    return spread
"""
MEAN = """\
import numpy as np
def forward(a):
    return a.mean(axis=2)
def backward(a, d):
    spread = np.ones_like(a) * d[:, :, None] / a.shape[2]
    return spread
"""
UNITS = """\
def back(layers, k):
    for j, n in enumerate(layers[k]):
        s = sum(unit.d * unit.w[j] for unit in layers[k + 1])
        n.d = s * n.slope
"""
KEPT = """\
import numpy as np
class Net:
    def step(self, rows):
        sums = np.zeros(3)
        self.w -= 0.1 * sums
"""
CLEARED = """\
import numpy as np
class Dense:
    def backward(self, d):
        self.gw += self.x.T @ d
        return d @ self.w.T
    def clear(self):
        self.gw[...] = 0
    def step(self):
        self.w -= 0.1 * self.gw
for _ in range(9):
    layer.clear()
    layer.backward(d)
    layer.step()
"""
PENALTY = """\
import numpy as np
loss = data + 0.5 * lam * (np.sum(w1 ** 2) + np.sum(w2 ** 2))
for _ in range(9):
    g2 = a.T @ d2
    g1 = x.T @ d1
    g2 += lam * w2
    g1 += lam * w1
    w1 -= 0.1 * g1
    w2 -= 0.1 * g2
"""
SLICED = """\
class Net:
    def backward(self, d):
        for layer in self.layers[::-1]:
            d = layer.backward(d)
"""
FAULTS = [
    (NORM, [("(d - inner) / self.root", "d / self.root")], "norm-backward-wrong"),
    (POOL, [("a == a.max(", "a == a.min(")], "conv-index-wrong"),
    (MEAN, [(" / a.shape[2]", "")], "gradient-scale-wrong"),
    (
        UNITS,
        [("sum(unit.d * unit.w[j] for unit in layers[k + 1])", "layers[k + 1][-1].d * layers[k + 1][-1].w[j]")],
        "gradient-overwritten",
    ),
    (KEPT, [("sums = np.zeros(3)", 'sums = getattr(self, "sums", np.zeros(3))')], "gradient-not-reset"),
    (CLEARED, [("        self.gw[...] = 0\n", "        pass\n")], "gradient-not-reset"),
    (PENALTY, [("    g1 += lam * w1\n", "")], "penalty-gradient-wrong"),
    (PENALTY, [("g1 += lam", "g1 -= lam"), ("g2 += lam", "g2 -= lam")], "penalty-gradient-wrong"),
    (SLICED, [("self.layers[::-1]", "self.layers[:0:-1]")], "layer-not-trained"),
]


@pytest.mark.parametrize(("right", "swaps", "cause"), FAULTS)
def test_the_fault_is_mended_among_the_first_and_named(right: str, swaps: list[tuple[str, str]], cause: str) -> None:
    faulty = right
    for good, bad in swaps:
        assert good in faulty
        faulty = faulty.replace(good, bad)
    pairs = zip(right.splitlines(), faulty.splitlines(), strict=False)
    line = next(n for n, (a, b) in enumerate(pairs, 1) if a != b)
    found = list(islice(candidates(faulty, "net.py", Facts(suspect_lines=[line, line - 1])), FIRST))
    same = [e for e in found if ast.dump(ast.parse(e.source)) == ast.dump(ast.parse(right))]
    assert same, [e.summary for e in found]
    assert cause in (same[0].cause, *same[0].other_causes)


def test_a_change_of_one_layer_is_offered_for_all_layers_with_the_same_mistake() -> None:
    source = PENALTY.replace("g1 += lam * w1", "g1 += 2 * lam * w1").replace("g2 += lam * w2", "g2 += 2 * lam * w2")
    found = [e for e in candidates(source, "net.py", Facts(suspect_lines=[6])) if e.source == PENALTY]
    assert found and found[0].line == 6 and found[0].end_line == 7
