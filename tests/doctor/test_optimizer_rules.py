"""The optimiser is judged by closed forms: right ones pass in every spelling, wrong ones are named and mended."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from unstuck.doctor.handwritten import diagnose, optimizer
from unstuck.doctor.handwritten.examine import examine
from unstuck.doctor.handwritten.program import load
from unstuck.doctor.handwritten.session import Session

PROGRAM = """
import numpy as np

rng = np.random.default_rng(4)
x = rng.standard_normal((120, 5))
y = np.tanh(x @ rng.standard_normal((5, 2)))
params = [rng.standard_normal((5, 9)) * 0.5, np.zeros((1, 9)), rng.standard_normal((9, 2)) * 0.4, np.zeros((1, 2))]
first = [np.zeros_like(p) for p in params]
second = [np.zeros_like(p) for p in params]
rate = {rate}
for t in range(1, 121):
    hidden = np.tanh(x @ params[0] + params[1])
    error = hidden @ params[2] + params[3] - y
    loss = 0.5 * np.mean(np.sum(error**2, axis=1))
    down = error / len(x)
    inner = down @ params[2].T * (1 - hidden**2)
    gradients = [x.T @ inner, inner.sum(axis=0, keepdims=True), hidden.T @ down, down.sum(axis=0, keepdims=True)]
    for k, g in enumerate(gradients):
{rule}
    if t % 20 == 0:
        print("step", t, "loss", round(float(loss), 6))
"""

MOMENTUM = "first[k] = 0.9 * first[k] - rate * g\nparams[k] += first[k]"
NESTEROV = "old = first[k]\nfirst[k] = 0.9 * old - rate * g\nparams[k] += -0.9 * old + 1.9 * first[k]"
RMSPROP = "second[k] += 0.1 * (g * g - second[k])\nparams[k] -= rate * g / (np.sqrt(second[k]) + 1e-7)"
ADAGRAD = "second[k] += g**2\nparams[k] = params[k] - rate * g / np.sqrt(second[k] + 1e-8)"
ADAM = """first[k] = 0.9 * first[k] + 0.1 * g
second[k] = 0.999 * second[k] + 0.001 * g**2
params[k] -= rate * (first[k] / (1 - 0.9**t)) / (np.sqrt(second[k] / (1 - 0.999**t)) + 1e-8)"""

RIGHT = {
    "momentum": (MOMENTUM, 0.05, "momentum"),
    "Nesterov": (NESTEROV, 0.05, "momentum"),
    "RMSprop": (RMSPROP, 0.01, "RMSprop"),
    "Adagrad": (ADAGRAD, 0.05, "Adagrad"),
    "Adam": (ADAM, 0.02, "Adam"),
}
WRONG = {
    "a momentum that forgets nothing": (MOMENTUM, ("0.9 * first[k]", "first[k]"), 0.05),
    "a momentum that grows": (MOMENTUM, ("0.9 *", "1.1 *"), 0.01),
    "no square": (RMSPROP, ("g * g", "np.abs(g)"), 0.01),
    "no root": (RMSPROP, ("np.sqrt(second[k])", "second[k]"), 0.001),
    "a new value weighed with 1": (ADAM, ("0.001 * g", "g"), 0.02),
    "a product for a power": (ADAM, ("0.9**t", "0.9 * t"), 0.02),
}


def written(folder: Path, rule: str, rate: float) -> Path:
    path = folder / "network.py"
    path.write_text(PROGRAM.format(rate=rate, rule=textwrap.indent(rule, " " * 8)))
    return path


def rules(path: Path) -> list[optimizer.Rule]:
    program = load(path)
    with Session(program) as session:
        found = examine(session, program, session.scout(seconds=20.0))
        assert found is not None
        return optimizer.judge(session, program, found[0])


@pytest.mark.parametrize("kind", RIGHT)
def test_a_right_formula_is_recognised(tmp_path: Path, kind: str) -> None:
    rule, rate, name = RIGHT[kind]
    found = rules(written(tmp_path, rule, rate))
    assert {r.parameter for r in found} >= {"params[0]", "params[1]", "params[2]"}
    assert {(r.name, r.fault) for r in found} == {(name, None)}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_formula_contradicts_every_closed_form(tmp_path: Path, kind: str) -> None:
    rule, (old, new), rate = WRONG[kind]
    assert old in rule
    found = rules(written(tmp_path, rule.replace(old, new), rate))
    assert found
    assert all(r.fault for r in found)


@pytest.mark.parametrize("kind", ["a momentum that grows", "no square", "a new value weighed with 1"])
def test_a_wrong_formula_is_named_at_its_line_and_mended(tmp_path: Path, kind: str) -> None:
    rule, (old, new), rate = WRONG[kind]
    path = written(tmp_path, rule.replace(old, new), rate)
    report = diagnose.diagnose(path, budget_seconds=60)
    faults = [f for f in report.findings if f.is_fault]
    assert [f.cause for f in faults] == ["optimizer-formula-wrong"]
    lines = zip(rule.splitlines(), rule.replace(old, new).splitlines(), strict=True)
    changed = next(after for before, after in lines if before != after)
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if text.strip() == changed)
    assert faults[0].line == line
    assert faults[0].fix is not None


def test_a_plain_step_is_not_judged(tmp_path: Path) -> None:
    found = rules(written(tmp_path, "params[k] -= rate * g", 0.3))
    assert not any(r.fault for r in found)
