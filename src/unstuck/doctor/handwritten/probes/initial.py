"""The first weights: equal, all positive, too large, too small."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

import numpy as np

from unstuck.doctor.findings import Evidence

from ..edits.base import Edit
from ..edits.experiments import Experiments
from ..edits.reading import called
from ..step import WatchError
from ..understand import Parameter
from .base import Examination, Verdicts
from .copies import same_sites

CAUSES = ("init-symmetric", "init-all-positive", "init-too-large", "init-too-small")


def examine(e: Examination) -> Verdicts:
    """Draw the first weights otherwise and see whether the same program then learns."""
    out = Verdicts()
    if e.settled(out, *CAUSES):
        return out
    weights = [p for p in first_weights(e) if p.before.size > 1]
    lines = {p.path: lines_of(e, p) for p in weights}
    if not weights:
        return out.skip("the first weights were not found", *CAUSES)
    for attempt in (_symmetric, _positive, _size):
        if attempt(e, weights, lines, out):
            return out
        if e.time_left < 0:
            break
    done = {f.cause for f in out.findings}
    return out.rule_out("other first weights do not help this program", *(c for c in CAUSES if c not in done))


def first_weights(e: Examination) -> list[Parameter]:
    """The parameters with their values as they were before training."""
    if e.first_weights is None:
        e.first_weights = _first_weights(e)
    return e.first_weights


def _first_weights(e: Examination) -> list[Parameter]:
    step = e.session.stop(e.known.loop, 1, e.program)
    if step is None:
        return e.known.parameters
    with step:
        return [
            Parameter(p.path, p.shape, step.leaves.get(p.path, p.before), p.after, p.mask) for p in e.known.parameters
        ]


def lines_of(e: Examination, parameter: Parameter) -> list[int]:
    """The lines of the main file where random or constant arrays are drawn for a parameter."""
    # The values travel (through lists, attributes, returns), so the lines are those of draws anywhere that matter to it.
    name = last_name(parameter.text)
    found = [s.line for s in e.table.sites
             if s.kind == "target" and last_name(s.text) == name and s.file == e.program.main]  # fmt: skip
    return sorted(dict.fromkeys(found))


def last_name(text: str) -> str:
    """``b`` of ``net.layers[0].b`` and of ``self.b[i]``: what the array is called where it is made."""
    return re.sub(r"\[[^\]]*\]", "", text).split(".")[-1]


def draw_lines(e: Examination) -> list[int]:
    """All lines of the main file that draw random numbers for weights: those whose scaling changes the first weights."""
    lines = {s.line for s in e.table.sites if s.file == e.program.main and s.kind in ("target", "value", "argument")}
    drawing = [line for line in sorted(lines) if e.experiments.draws(line)]
    return [line for line in drawing if _moves_weights(e, e.experiments.scale_init([line], 1.5))]


def constant_lines(e: Examination) -> list[int]:
    """Lines that make constant arrays which become first weights."""
    executed = {e.table.sites[k[0]].line for k in e.known.window.series if k[0] >= 0}
    lines = {n.lineno for n in ast.walk(e.experiments.text.tree)
             if isinstance(n, ast.Call) and (c := called(n)) and c[0] in ("zeros", "ones", "full", "empty")}  # fmt: skip
    return [line for line in sorted(lines - executed) if _moves_weights(e, e.experiments.randomise_init([line]))]


def _moves_weights(e: Examination, edit: Edit | None) -> bool:
    """Whether an edited copy starts from other matrices (a single row or column is one)."""
    if edit is None or e.time_left < 0:
        return False
    program = e.edited(edit)
    loop = same_sites(e.table, e.session.table(program))[1].get(e.known.loop)
    if loop is None:
        return False
    try:
        step = e.session.stop(loop, 1, program, seconds=10)
    except (WatchError, OSError):
        return False
    if step is None:
        return False
    with step:
        for p in first_weights(e):
            value = step.leaves.get(p.path)
            if value is None:
                continue
            if (
                value.shape == p.shape
                and len(p.shape) > 1
                and p.before.size > 1
                and not np.array_equal(value, p.before)
            ):
                return True
    return False


def _symmetric(e: Examination, weights: list[Parameter], lines: dict[str, list[int]], out: Verdicts) -> bool:
    equal = [p for p in weights if len([n for n in p.shape if n > 1]) == 2 and np.ptp(p.before) == 0]
    for p in equal:
        places = lines[p.path][:1]
        every = sorted({line for q in equal for line in lines[q.path][:1]})
        trials = [(chosen, spread) for spread in (0.1, 0.7) for chosen in (places, every, constant_lines(e))]
        for chosen, spread in trials:
            edit = e.experiments.randomise_init(chosen, spread) if chosen else None
            after = e.quality(e.edited(edit)) if edit is not None else None
            if edit is not None and (e.much_better(after) or e.better(after)):
                value = float(p.before.ravel()[0])
                evidence = [Evidence(f"different values among the first weights of `{p.text}`", "all", 1),
                            Evidence("their value", None, value)]  # fmt: skip
                out.findings.append(
                    e.finding("init-symmetric", e.level(),
                              f"all first weights of `{p.text}` are {value:g}: its units stay equal for ever", edit, evidence,
                              after=after, help_text="draw the first weights at random, so that the units differ")
                )  # fmt: skip
                return True
    return False


def _positive(e: Examination, weights: list[Parameter], lines: dict[str, list[int]], out: Verdicts) -> bool:
    one_sided = [
        p for p in weights if p.before.min() >= 0 and p.before.std() > 0 and p.before.mean() / p.before.std() > 0.5
    ]
    if not one_sided:
        return False
    chosen = draw_lines(e) or sorted({line for p in one_sided for line in lines[p.path][:1]})
    edit = e.experiments.centre_init(chosen) if chosen else None
    after = e.quality(e.edited(edit)) if edit is not None else None
    if edit is None or not e.much_better(after):
        return False
    p = one_sided[0]
    evidence = [
        Evidence(f"mean of the first weights of `{p.text}`", "about 0", round(float(p.before.mean()), 4)),
        Evidence("negative ones among them", "about half", f"0 of {p.before.size}"),
    ]
    out.findings.append(
        e.finding("init-all-positive", "error", "all first weights are positive: the units start saturated and all alike", edit,
                  evidence, after=after, help_text="draw the first weights around zero")
    )  # fmt: skip
    return True


def _size(e: Examination, weights: list[Parameter], lines: dict[str, list[int]], out: Verdicts) -> bool:
    columns = _columns(e, weights)
    ratios = [(_spread(p, columns), p) for p in weights if len(p.shape) == 2 and p.before.std() > 0]
    if not ratios:
        return False
    chosen = draw_lines(e)
    if not chosen:
        return False
    largest, smallest = max(r for r, _ in ratios), min(r for r, _ in ratios)
    trials: list[tuple[str, Edit | None]] = []
    if largest > 2.5:
        factors = (1.0 / largest, 0.3 / largest)
        trials += [("init-too-large", e.experiments.scale_init(chosen, float(f"{f:.1g}"))) for f in factors]
        trials.append(("init-too-large", _large_ones(e, weights, lines, columns)))
    if smallest < 0.2:
        factor = min(1.0 / max(smallest, 1e-9), 1e6)
        trials.append(("init-too-small", e.experiments.scale_init(chosen, float(f"{factor:.1g}"), "init-too-small")))
    for cause, edit in trials:
        after = e.quality(e.edited(edit)) if edit is not None else None
        if edit is not None and e.much_better(after):
            measured = largest if cause == "init-too-large" else smallest
            p = next(p for r, p in ratios if r == measured)
            word = "large: the units start saturated" if cause == "init-too-large" else "small: the signal dies out"
            evidence = [Evidence(f"spread of the first weights of `{p.text}` times the root of its inputs", "about 1",
                                 float(f"{measured:.3g}"))]  # fmt: skip
            out.findings.append(
                e.finding(cause, "error", f"the first weights are too {word}", edit, evidence, after=after,
                          help_text="draw them with a spread of about 1 / sqrt(inputs)")
            )  # fmt: skip
            return True
    return False


def _spread(p: Parameter, columns: bool) -> float:
    """Spread of first weights times the root of a unit's inputs: about 1 where a signal keeps its size."""
    return float(p.before.std()) * float(np.sqrt(max(p.shape[1 if columns else 0], 1)))


def _large_ones(e: Examination, weights: list[Parameter], lines: dict[str, list[int]], columns: bool) -> Edit | None:
    """Each draw that is too large by itself brought to its own usual size, also that of biases."""
    edit, source = None, e.program.text
    for p in weights:
        size = _spread(p, columns) if len(p.shape) == 2 else float(p.before.std())
        drawing = [line for line in lines[p.path] if e.experiments.draws(line)][:1]
        if size > 2.5 and drawing:
            step = Experiments(source, e.program.main).scale_init(drawing, float(f"{1.0 / size:.1g}"))
            if step is not None:
                first = edit.line if edit is not None else step.line
                source, edit = (
                    step.source,
                    replace(step, line=min(first, step.line), summary="draw the first weights smaller"),
                )
    return edit


def _columns(e: Examination, weights: list[Parameter]) -> bool:
    """Whether the matrices are (units, inputs)."""
    width = e.data.inputs.rows.shape[1] if e.data.inputs is not None else 0
    return any(p.shape[-1] == width for p in weights) and not any(p.shape[0] == width for p in weights)
