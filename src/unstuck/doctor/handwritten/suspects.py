"""What a failed check says about places: the lines of each pass, and which of them are suspect, for the edits."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .compare import Comparison, first_output
from .edits.model import Facts
from .examine import Examination, is_parameter
from .instrument import Site
from .nudge import Key
from .program import Program
from .records import Array, Series, Window
from .session import Session
from .understand import Understanding
from .windows import series_before


def facts(session: Session, program: Program, examination: Examination) -> dict[str, Facts]:
    """What the running program tells the edits, for each of its files."""
    table = session.table(program)
    known = examination.known
    sites = table.sites
    out = {}
    for file in program.sources:
        shapes = {}
        every = {}
        for (number, part), series in known.window.series.items():
            site = sites[number]
            if site.file == file and not part:
                shapes[site.line, site.text] = series.shapes[-1]
                every[site.line, site.text] = frozenset(series.shapes)
        forward, backward, update = _lines(known, examination, sites, file)
        values = {p.path: p.shape for p in known.parameters}
        scope: dict[str, dict[str, tuple[int, ...] | None]] = {}
        for path, leaf in known.leaves.items():
            name = path.split(": ")[-1]
            where = path.split(": ")[0] if ": " in path else "<module>"
            scope.setdefault(where, {})[name] = leaf.shape
        for (line, text), shape in shapes.items():
            if text.isidentifier():
                where = next((s.function for s in sites if s.file == file and s.line == line), "") or "<module>"
                scope.setdefault(where, {})[text] = shape
        suspects = [*backward, *(line for line in update if line not in backward)]
        out[file] = Facts(
            shapes=shapes, all_shapes=every, suspect_lines=suspects, per_line=0.05 if examination.state == "unknown" else 0.15,
            forward_lines=forward, backward_lines=backward, update_lines=update,
            parameters=[p.split(": ")[-1] for p in values], scope=scope,
        )  # fmt: skip
    return out


def _lines(
    known: Understanding, examination: Examination, sites: list[Site], file: str
) -> tuple[list[int], list[int], list[int]]:
    """Lines of the forward pass, of the backward pass (last executed first), and of the update."""
    window = known.window
    end = _end_of_forward(known, examination)
    new = [p.after.ravel() for p in known.parameters if not p.unmoved]
    forward: dict[int, float] = {}
    last_forward: dict[int, float] = {}
    backward: dict[int, float] = {}
    update: dict[int, float] = {}
    begun: dict[int, float] = {}  # when a line was reached for the last time
    beside: dict[int, float] = {}  # run in the backward pass on values that no parameter influences
    made = _made(window)
    anew: set[int] = set()  # lines of the backward pass that do more than to read what the forward pass made
    again: set[int] = set()  # of these, what each round of the backward pass does anew: it may clear what should last
    sure = {key: acting for key, acting in verified_values(examination).items() if key in window.series}
    verified = _verified_lines(sure, window, sites, file)
    judged = examination.best.verdicts if examination.best is not None else []
    wrong = {v.path for v in judged if v.status in ("wrong", "scaled")}
    if any(v.status == "scaled" for v in judged):  # these, or all others
        wrong |= {v.path for v in judged if v.status == "right"}
    handed_on = [key for key, acting in sure.items() if acting & wrong]
    start = max((made(key) for key in handed_on), default=0.0)
    if handed_on:
        # Right values on the way to the wrong ones: what follows the last of them is suspect, or what is missing there.
        last_right = max(handed_on, key=made)
        verified -= {sites[last_right[0]].line}
    for key, series in window.series.items():
        site = sites[key[0]]
        if site.file != file or not series.is_float:
            continue
        first, last = float(series.order[0]), float(series.order[-1])
        if last > end:
            begun[site.line] = min(last, begun.get(site.line, last))
        if _is_update(series, new):
            update[site.line] = first
        if key in known.touched:
            if first <= end:
                forward.setdefault(site.line, first)
                last_forward[site.line] = max(first, last_forward.get(site.line, 0.0))
            if last > end:
                backward[site.line] = max(last, backward.get(site.line, 0.0))
                if made(key, -1) > end:
                    anew.add(site.line)
        elif last > end:
            beside[site.line] = max(last, beside.get(site.line, 0.0))
            if np.count_nonzero(series.order > end) > 1:
                again.add(site.line)
    open_lines = [line for line, moment in backward.items() if line not in verified and moment >= start]
    chain = examination.chain
    if examination.state == "delta" and chain is not None and chain.objective.cotangent in window.series:
        sent = float(window.series[chain.objective.cotangent].order[-1])
        before = {line: moment for line, moment in {**beside, **backward}.items() if begun[line] <= sent}
        behind = sorted(before, key=lambda line: -before[line])  # from what is sent down back to where it comes from
        if any(v.status == "uncovered" for v in judged):  # what is trained does not reach the output
            behind += [line for line in sorted(forward, key=lambda line: -last_forward[line]) if line not in before]
        return sorted(forward, key=lambda line: forward[line]), behind, []
    moments = {**beside, **{line: backward[line] for line in open_lines}}
    likely = _making(known, examination, sites, file)
    shown = _showing(examination, sites, file)
    ordered = sorted(
        (line for line in moments if line in open_lines or line not in backward),
        key=lambda line: (
            line not in likely,
            line in shown or (line in backward and line not in anew),
            line not in backward and line not in again,
            moments[line],
        ),
    )
    return sorted(forward, key=lambda line: forward[line]), ordered, sorted(update)


def _verified_lines(sure: dict[tuple[int, str], set[str]], window: Window, sites: list[Site], file: str) -> set[int]:
    """Lines whose last value is known to be right."""
    last: dict[int, float] = {}
    for key, series in window.series.items():
        if sites[key[0]].file == file and series.is_float:
            line = sites[key[0]].line
            last[line] = max(float(series.order[-1]), last.get(line, 0.0))
    right: dict[int, float] = {}
    for key in sure:
        if key in window.series and sites[key[0]].file == file:
            line = sites[key[0]].line
            right[line] = max(float(window.series[key].order[-1]), right.get(line, 0.0))
    return {line for line, moment in right.items() if moment >= last[line]}


def _making(known: Understanding, examination: Examination, sites: list[Site], file: str) -> set[int]:
    """Where one parameter is wrong, and none other has its size: the lines that store values of that size behind the forward
    pass."""
    if examination.best is None:
        return set()
    wrong = [v.path for v in examination.best.verdicts if v.status in ("wrong", "scaled", "unmoved")]
    sizes = [p.before.size for p in known.parameters]
    own = next((p.before.size for p in known.parameters if [p.path] == wrong), 1)
    if own == 1 or sizes.count(own) > 1:
        return set()
    end = _end_of_forward(known, examination)
    return {
        sites[key[0]].line
        for key, series in known.window.series.items()
        if sites[key[0]].file == file and sites[key[0]].kind == "target" and series.is_float
        and float(series.order[-1]) > end and own in {math.prod(shape) for shape in series.shapes}
    }  # fmt: skip


def _showing(examination: Examination, sites: list[Site], file: str) -> set[int]:
    """The lines that store the loss as one number: what a gradient written by hand seldom reads."""
    losses = {
        c.objective.value
        for c in examination.ranking
        if c.objective.kind == "own" and any(v.status in ("right", "unmoved") and not v.small for v in c.verdicts)
    }
    return {sites[key[0]].line for key in losses if sites[key[0]].file == file and sites[key[0]].kind == "target"}


def _end_of_forward(known: Understanding, examination: Examination) -> float:
    """The moment from which everything could be backward pass: the first complete value that fits as well as the best one."""
    best = examination.best or examination.chain
    output = first_output(examination.derivatives, known.window)
    if best is None:
        return output
    data = _data_part(examination) or best
    right = {v.path for v in data.of("right")}
    forward = series_before(known.window, known.update_moment)
    ends: dict[str, list[float]] = {"loss": [], "own": [], "sum": [], "chain": []}
    if best.objective.kind == "own" and output:
        ends["own"].append(output)
    held = [p.before.ravel() for p in known.parameters]
    for c in examination.ranking:
        series = None if is_parameter(c, known, held) else forward.get(c.objective.value)
        if series is not None and {v.path for v in c.of("right")} >= right:
            target = None if c.objective.target is None else known.window.series.get(c.objective.target)
            if target is None or not target.constant:
                # Of equal values the objective names the last, and the forward pass ends at the first.
                mark = series.flat.tobytes()
                equal = [o for o in forward.values() if o.flat.size == series.flat.size and o.flat.tobytes() == mark]
                ends[c.objective.kind].append(min(float(o.order[-1]) for o in equal))
    return min(ends["loss"], default=min(ends["own"] + ends["sum"] + ends["chain"], default=0.0))


def _made(window: Window) -> Callable[..., float]:
    """When the first value (or another one) of a series was recorded for the first time: it may have been read again under
    other names."""
    first: dict[bytes, float] = {}
    for series in window.series.values():
        if series.is_float:
            for i in {0, series.count - 1}:
                mark = series.occurrence(i).tobytes()
                first[mark] = min(float(series.order[i]), first.get(mark, np.inf))

    def made(key: Key, occurrence: int = 0) -> float:
        return first[window.series[key].occurrence(occurrence).tobytes()]

    return made


def _data_part(examination: Examination) -> Comparison | None:
    """Where a number that the program computes is what is descended: the loss of the output that agrees with it for most
    parameters (the number may hold more, as a penalty)."""
    best = examination.best
    if best is None or best.objective.kind != "own":
        return None
    right = {v.path for v in best.of("right")}
    losses = [c for c in examination.ranking if c.objective.kind == "loss"]
    return next((c for c in losses if any(not v.small and v.path in right for v in c.of("right"))), None)


def verified_values(examination: Examination) -> dict[tuple[int, str], set[str]]:
    """Recorded backward values that are right (the true derivatives of what is descended by some forward value) -> which
    parameters act through that forward value.

    A value c is right for a forward value o when c . do/dv is proportional to dL/dv along every direction of every parameter
    that acts through o. The gradients of parameters that are right are right themselves.
    """
    best = examination.best
    if best is None:
        return {}
    true = (_data_part(examination) or best).objective.derivative
    end = _end_of_forward(examination.known, examination) or np.inf
    factors: dict[Key, float] = {}
    right: dict[tuple[int, str], set[str]] = {}
    for objective in examination.derivatives.objectives:
        if objective.kind != "chain" or objective.cotangent is None or objective.vector.size < 2:
            continue  # (one number times a number is always parallel)
        value = examination.known.window.series.get(objective.value)
        if value is None or float(value.order[0]) > end or value.constant:
            continue  # (so is one that is read several times; and what the backward pass computes leads to no output)
        mine = objective.derivative
        acting = np.max(np.abs(mine), axis=1) > 50 * np.max(objective.floor, axis=1)
        if acting.sum() < 2:
            continue
        a, b = mine[acting].ravel(), true[acting].ravel()
        factor = float(a @ b) / max(float(b @ b), 1e-300)
        if factor and np.max(np.abs(a - factor * b)) <= 1e-4 * np.max(np.abs(a)):
            paths = {p.path for p, acts in zip(examination.known.parameters, acting, strict=True) if acts}
            right[objective.cotangent] = right.get(objective.cotangent, set()) | paths
            factors[objective.cotangent] = factor
    if best.of("scaled") and right:
        # Somewhere on the way a constant factor comes in: right is what has that of the first value.
        series = examination.known.window.series
        usual = factors[min((key for key in right if key in series), key=lambda key: float(series[key].order[0]))]
        right = {key: paths for key, paths in right.items() if abs(factors[key] / usual - 1) < 1e-4}
    for verdict in best.verdicts:
        if verdict.status == "right" and verdict.through is not None and verdict.through.key is not None:
            right.setdefault(verdict.through.key, set())
    return right


def _is_update(series: Series, new: list[Array]) -> bool:
    value = series.occurrence(0).ravel()
    return any(value.size == np.size(n) and np.array_equal(value, n) for n in new)
