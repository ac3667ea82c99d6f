"""Is a generated program right, and does a mutant really compute something else? Both by running it with probes inside."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from .markup import PROBE, Program

Array = npt.NDArray[np.float64]
GRADIENT_LIMIT = 1e-6
STEPS_COMPARED = 8
ENTRIES = 3


class Enough(Exception):
    """Raised inside a probed program when the probe has what it came for."""


@dataclass
class Probe:
    """Receives the hooks of an instrumented program: perturbs one entry before a step, notes losses, gradients, parameters."""

    perturb_step: int = -1
    perturb: tuple[int, int, float] | None = None
    stop_after_loss: bool = False
    steps_wanted: int = STEPS_COMPARED
    step_count: int = 0
    losses: list[float] = field(default_factory=list)
    gradients: list[list[Array]] = field(default_factory=list)
    before: list[list[Array]] = field(default_factory=list)
    after: list[list[Array]] = field(default_factory=list)

    def step(self, parameters: Callable[[], list[Any]]) -> None:
        """Before the forward pass of a step."""
        cells = parameters()
        if self.perturb is not None and self.step_count == self.perturb_step:
            which, entry, by = self.perturb
            _add(cells[which], entry, by)
        self.before.append([_flat(c) for c in cells])
        self.step_count += 1

    def loss(self, value: Callable[[], Any]) -> None:
        """After the forward pass."""
        self.losses.append(float(value()))
        if self.stop_after_loss and self.step_count > self.perturb_step:
            raise Enough

    def grads(self, values: Callable[[], list[Any]]) -> None:
        """When the gradients of a step are there, in the order of the parameters."""
        self.gradients.append([_flat(g) for g in values()])

    def done(self, parameters: Callable[[], list[Any]]) -> None:
        """After the update of a step."""
        self.after.append([_flat(c) for c in parameters()])
        if len(self.after) >= self.steps_wanted:
            raise Enough


def _cells(container: Any) -> list[tuple[Any, Any]]:
    """(container, index) of every number in nested lists; ([...], i) for a list of numbers."""
    if isinstance(container, list):
        return [c for i, x in enumerate(container) for c in (_cells(x) if isinstance(x, list) else [(container, i)])]
    raise TypeError(f"a parameter must be an array, nested lists or (object, name), not {type(container).__name__}")


def _flat(parameter: Any) -> Array:
    if isinstance(parameter, tuple):
        owner, name = parameter
        return np.array([owner[name] if isinstance(owner, dict) else getattr(owner, name)], dtype=float).ravel()
    if isinstance(parameter, list):
        return np.concatenate(
            [_flat(x) if isinstance(x, list | np.ndarray) else np.array([x], dtype=float) for x in parameter]
        )
    return np.array(parameter, dtype=float).ravel()


def _add(parameter: Any, entry: int, by: float) -> None:
    if isinstance(parameter, tuple):
        owner, name = parameter
        if isinstance(owner, dict):
            owner[name] += by
        else:
            setattr(owner, name, getattr(owner, name) + by)
    elif isinstance(parameter, list):
        container, i = _cells(parameter)[entry]
        container[i] += by
    else:
        parameter.flat[entry] += by


def run(source: str, probe: Probe | None = None) -> str:
    """Execute a program in this process; its printed output. Warnings of a faulty program are not ours and stay silent."""
    said = io.StringIO()
    space: dict[str, Any] = {"__name__": "__main__", PROBE: probe}
    with contextlib.redirect_stdout(said), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with contextlib.suppress(Enough):
            exec(compile(source, "generated.py", "exec"), space)
    return said.getvalue()


def final_metric(printed: str) -> float:
    """The number in the last line of a program's output."""
    return float(printed.strip().splitlines()[-1].split()[-1])


def gradient_error(program: Program, key: str | None = None, steps: tuple[int, ...] = (0, 6), seed: int = 0) -> float:
    """Largest relative error of the program's gradients against central differences of its own loss, up to one common factor.

    A few entries of every parameter before each of `steps`. Where a program keeps no gradients, the change of the parameters in
    the first step stands in for them. Float32 programs are run in float64. Infinite when the factor is not positive and finite.
    A unit that sits exactly on its bend (all of its inputs zero, its bias zero) has no derivative: there any value between the
    slopes of the two sides is right.
    """
    source = program.instrumented(key).replace("float32", "float64")
    seen = Probe(steps_wanted=max(steps) + 1)
    run(source, seen)
    rng = np.random.default_rng(seed)
    worst = 0.0
    for step in steps if seen.gradients else (0,):
        parameters = seen.before[step]
        claimed = (
            seen.gradients[step]
            if seen.gradients
            else [p - q for p, q in zip(parameters, seen.after[step], strict=True)]
        )
        places = [(w, int(e)) for w, values in enumerate(parameters) for e in rng.permutation(values.size)[:ENTRIES]]
        said = np.array([claimed[w][e] for w, e in places])
        found = np.array([_central(source, step, w, e, 1e-5) for w, e in places])
        large = np.abs(found) > 0.1 * np.abs(found).max()
        factor = float(np.median(said[large] / found[large]))
        if not (factor > 0 and np.isfinite(factor)):
            return float("inf")
        size = [max(abs(found[i]) for i, (v, _) in enumerate(places) if v == w) for w in range(len(parameters))]
        for i, (w, e) in enumerate(places):
            scale = max(size[w], 1e-3 * float(np.abs(found).max()))
            error = abs(said[i] / factor - found[i]) / scale
            for h in (1e-6, 1e-7):  # a bend of the activation may lie within the first step
                if error > GRADIENT_LIMIT:
                    error = min(error, abs(said[i] / factor - _central(source, step, w, e, h)) / scale)
            if error > GRADIENT_LIMIT:
                low, high = sorted(_sides(source, step, w, e))
                margin = 1e-4 * scale
                if high - low > margin and low - margin < said[i] / factor < high + margin:
                    error = 0.0
            worst = max(worst, error)
    return worst


def _loss(source: str, step: int, which: int, entry: int, by: float) -> float:
    probe = Probe(perturb_step=step, perturb=(which, entry, by), stop_after_loss=True, steps_wanted=step + 2)
    run(source, probe)
    return probe.losses[step]


def _central(source: str, step: int, which: int, entry: int, h: float) -> float:
    return (_loss(source, step, which, entry, h) - _loss(source, step, which, entry, -h)) / (2 * h)


def _sides(source: str, step: int, which: int, entry: int, h: float = 1e-6) -> tuple[float, float]:
    """Slopes of the loss to the left and to the right."""
    here = _loss(source, step, which, entry, 0.0)
    return (here - _loss(source, step, which, entry, -h)) / h, (_loss(source, step, which, entry, h) - here) / h


def trajectory(program: Program, key: str | None) -> list[Array]:
    """Parameters before the first step and after each of the first steps, as flat vectors. Raises what the program raises."""
    probe = Probe()
    run(program.instrumented(key), probe)
    return [np.concatenate(x) for x in [probe.before[0], *probe.after]]


def changes_something(program: Program, key: str) -> bool:
    """Whether the fault moves the parameters elsewhere within the first steps (false for equivalent or crashing mutants)."""
    right = trajectory(program, None)
    try:
        wrong = trajectory(program, key)
    except Exception:
        return False
    if len(wrong) != len(right) or any(a.shape != b.shape for a, b in zip(right, wrong, strict=True)):
        return False
    moved = float(np.abs(right[-1] - right[0]).max())
    difference = max(float(np.nan_to_num(np.abs(a - b), nan=np.inf).max()) for a, b in zip(right, wrong, strict=True))
    return difference > 1e-4 * moved


def readable(source: str) -> bool:
    """No leftover of the markup or of a template in a program that strangers are supposed to have written."""
    return not re.search(r"#~|#@|_probe|\{[a-z_]+\.[a-z]+\}", source)
