"""Hidden units that stay at an end of their range: silent or saturated for every row, from the start or after some steps.

How many they are is measured in the first and in the last passes of the training; what silences or saturates them is found by
changing one thing: the first biases, the first weights, the inputs, the rate.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from unstuck.doctor.findings import Evidence

from ..edits.base import Edit
from ..edits.reading import called
from ..records import Array
from ..step import WatchError
from ..understand import Parameter
from .base import Examination, Verdicts
from .copies import same_sites
from .initial import draw_lines, first_weights, last_name, lines_of
from .quality import Quality, shown
from .scaling import standardised_copies
from .step_length import rates_of, scaled
from .units import HiddenLayer

CAUSES = ("saturated-units", "dead-relu")
MANY = 0.5  # of a layer's units that are stuck for every row, or of its answers; a third does little harm
WHOLE = 0.9  # of a layer's units: nothing gets through it
FAR = 0.3  # first biases beyond this, all on one side, may be what silences or saturates units
MOST_NUMBERS = 12  # written numbers that are tried as the origin of the biases
SMALLER = (0.1, 0.01)  # factors on first weights and on rates


@dataclass(frozen=True)
class Stuck:
    """A layer many of whose units are stuck: ``cause``, and the share of them in the first and in the last passes."""

    cause: str
    layer: HiddenLayer
    first: float
    last: float

    @property
    def said(self) -> str:
        return "silent for every row" if self.cause == "dead-relu" else "at an end of their range"


def examine(e: Examination) -> Verdicts:
    """Measure the hidden units over the run, and look for the one change that sets them free and lets the program learn."""
    out = Verdicts()
    if e.settled(out, *CAUSES):
        return out
    if e.start is None:
        return out.skip("the training could not be followed to its end", *CAUSES)
    layers = e.hidden_layers
    stuck = [s for layer in layers for s in _stuck(layer)]
    silenced = [p for p in _far_biases(e) if not layers]  # the units themselves were not found
    if not stuck and not silenced:
        return _none(layers, out)
    for cause, edit in _trials(e, stuck):
        if e.time_left < 0:
            return out.skip("no time was left for other first biases, weights and rates", *CAUSES)
        after = e.quality(e.edited(edit))
        if after is not None and e.much_better(after):
            _report(e, stuck, cause, edit, after, out)
            return out
    return out.rule_out("other first biases, weights or rates do not help this program", *CAUSES)


def _stuck(layer: HiddenLayer) -> list[Stuck]:
    if layer.kind == "ReLU":
        pair = layer.silent_first, layer.silent_last
        return [Stuck("dead-relu", layer, *pair)] if max(pair) >= MANY else []
    pair = layer.saturated_first, layer.saturated_last
    return [Stuck("saturated-units", layer, *pair)] if max(pair) >= MANY else []


def _none(layers: list[HiddenLayer], out: Verdicts) -> Verdicts:
    silent = [x.silent_last for x in layers if x.kind == "ReLU"]
    ends = [x.saturated_last for x in layers if x.kind != "ReLU"]
    if silent:
        out.rule_out(f"at most {max(silent):.0%} of the units of a layer are silent at the end", "dead-relu")
    if ends:
        out.rule_out(
            f"at most {max(ends):.0%} of the answers of a layer are at an end of their range", "saturated-units"
        )
    missing = [cause for cause, found in zip(CAUSES, (ends, silent), strict=True) if not found]
    return out.rule_out("no hidden layer of that kind was seen", *missing)


# What may be behind it -------------------------------------------------------------------------------------------------------
def _trials(e: Examination, stuck: list[Stuck]) -> Iterator[tuple[str, Edit]]:
    """Copies with one change, each under the cause that it would confirm: what the units start from, then the rate."""
    own = stuck[0].cause if stuck else "dead-relu"
    yield from ((own, edit) for edit in _centred_biases(e))
    at_start = not stuck or any(s.first >= MANY for s in stuck)
    if at_start:
        yield from ((own, edit) for edit in _centred_weights(e))
        if own == "saturated-units":
            yield from (("inputs-unscaled", edit) for edit in standardised_copies(e))
        lines = draw_lines(e) if own == "saturated-units" else []
        for factor in SMALLER if lines else ():
            edit = e.experiments.scale_init(lines, factor, own)
            if edit is not None:
                yield own, edit
    rates = rates_of(e)
    whole = own == "dead-relu" and any(s.last >= WHOLE for s in stuck)
    for factor in SMALLER if rates else ():
        cause = own if whole else "lr-too-high"
        edit = scaled(e, rates, factor, cause)
        if edit is not None:
            yield cause, edit


def _at_first(e: Examination) -> list[Parameter]:
    """What is trained as it is before training, with what the program means to train and does not move."""
    known = {p.path for p in e.known.parameters}
    updated = {last_name(ast.unparse(update.target)) for update in e.experiments.reading.updates}
    still = [
        Parameter(path, leaf.shape, leaf, leaf, np.zeros(leaf.size, bool))
        for path, leaf in e.known.leaves.items()
        if path not in known and leaf.size > 1
    ]
    return [*first_weights(e), *(p for p in still if last_name(p.text) in updated)]


def _far_biases(e: Examination) -> list[Parameter]:
    """Vectors of trained numbers that all start on one side, far from zero."""
    return [p for p in _at_first(e) if _is_vector(p) and np.abs(p.before).min() > FAR and _one_sided(p.before)]


def _is_vector(p: Parameter) -> bool:
    return p.before.size > 1 and len([n for n in p.shape if n > 1]) == 1


def _one_sided(values: Array) -> bool:
    return bool(np.all(values > 0) or np.all(values < 0))


def _centred_biases(e: Examination) -> Iterator[Edit]:
    """Copies in which such biases start around zero: the number that is written for them becomes 0."""
    biases = _far_biases(e)
    if not biases:
        return
    text = e.experiments.text
    executed = {e.table.sites[k[0]].line for k in e.known.window.series if k[0] >= 0}
    lines = list(dict.fromkeys(line for p in biases for line in lines_of(e, p)))
    numbers = [
        n for n in ast.walk(text.tree)
        if isinstance(n, ast.Constant) and isinstance(n.value, int | float) and not isinstance(n.value, bool)
        and abs(n.value) > FAR and n.lineno not in executed
    ]  # fmt: skip
    numbers.sort(key=lambda n: (n.lineno not in lines, n.lineno))
    for number in numbers[:MOST_NUMBERS]:
        literal = e.experiments.literals.literal(number)
        edit = literal and e.experiments.set_number(literal, 0.0, CAUSES[0], "start the biases around zero")
        if edit and _moved(e, edit, biases):
            yield edit
            return
    for line in lines[:2]:
        statement = e.experiments.statement_at(line)
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            name = ast.unparse(statement.targets[0])
            edit = e.experiments.insert_after(line, f"{name} = {name} * 0", CAUSES[0], f"start `{name}` at zero")
            if edit is not None and _moved(e, edit, biases):
                yield edit
                return


def _centred_weights(e: Examination) -> Iterator[Edit]:
    """Copies in which matrices that start on one side of zero lie around it: without the ``abs`` that makes them so."""
    sided = [p for p in _at_first(e) if not _is_vector(p) and p.before.size > 2 and _one_sided(p.before)]
    if not sided:
        return
    text = e.experiments.text
    for node in ast.walk(text.tree):
        call = called(node)
        if isinstance(node, ast.Call) and call and call[0] in ("abs", "absolute", "fabs") and len(node.args) == 1:
            piece = text.swap(node, f"({text.of(node.args[0])})")
            edit = e.experiments._edit(CAUSES[1], node.lineno, [piece], "draw the first weights around zero")
            if edit is not None and _moved(e, edit, sided):
                yield edit
    for line in dict.fromkeys(line for p in sided for line in lines_of(e, p)):
        statement = e.experiments.statement_at(line)
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and e.experiments.draws(line):
            name = ast.unparse(statement.targets[0])
            code = f"{name} = {name} - {name}.mean()"
            edit = e.experiments.insert_after(line, code, CAUSES[1], f"centre the first weights `{name}`")
            if edit is not None and _moved(e, edit, sided):
                yield edit


def _moved(e: Examination, edit: Edit, parameters: list[Parameter]) -> bool:
    """An edited copy starts with one of these at most a tenth as far from zero (in the mean) as the program does."""
    program = e.edited(edit)
    try:
        loop = same_sites(e.table, e.session.table(program))[1].get(e.known.loop)
        step = e.session.stop(loop, 1, program, seconds=10) if loop is not None and e.time_left > 0 else None
    except (WatchError, OSError, SyntaxError):
        return False
    if step is None:
        return False
    with step:
        values = [(p, step.leaves.get(p.path)) for p in parameters]
    return any(
        v is not None and v.shape == p.shape and abs(v.mean()) <= 0.1 * abs(p.before.mean()) + 0.05 * v.std()
        for p, v in values
    )


# Findings --------------------------------------------------------------------------------------------------------------------
_TITLES = {
    "dead-relu": "the units of a hidden layer are silent for every row: nothing passes them, and nothing comes back",
    "saturated-units": "the hidden units sit at the ends of their range: hardly any gradient passes them",
    "inputs-unscaled": "the inputs are so large that the hidden units sit at the ends of their range",
    "lr-too-high": "the step is too long: it drives the hidden units to where they no longer learn",
}

_SILENCED = (
    "the step is so long that it silences the units of a hidden layer for every row, and nothing brings them back"
)


def _report(e: Examination, stuck: list[Stuck], cause: str, edit: Edit, after: Quality, out: Verdicts) -> None:
    evidence = []
    by_rate = edit.line in {k.line for k in rates_of(e)}
    title = _SILENCED if by_rate and cause == "dead-relu" else _TITLES[cause]
    for s in stuck[:2]:
        where = "units" if s.cause == "dead-relu" else "answers of units"
        evidence += [
            Evidence(f"{where} of a hidden layer that are {s.said}, first passes", "few", f"{s.first:.0%}"),
            Evidence(f"{where} of a hidden layer that are {s.said}, last passes", "few", f"{s.last:.0%}"),
        ]
    evidence.append(Evidence(f"training {after.kind or 'loss'} with one change", None, shown(after)))
    out.findings.append(e.finding(cause, e.level(), title, edit, evidence, after=after, help_text=edit.summary))
    out.rule_out(f"one change alone ({cause}) lets it learn", *(c for c in CAUSES if c != cause))
