"""Which rows the steps are made of: rows that are never used, and batches that hold one class at a time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice

import numpy as np

from unstuck.doctor.findings import Evidence, Proof

from ..edits.base import Edit
from ..edits.families import rows as row_edits
from ..records import Array, Series
from .base import Examination, Verdicts
from .data import Data, Inputs, row_index, rows_in
from .proofs import figure_that_rises
from .values import is_one_hot

CAUSES = ("samples-never-seen", "not-shuffled")
ENOUGH = 0.8  # share of the rows that training should use at least
REPEATED = 1.3  # rows drawn until all used rows were met, over their number: a loop through a part of the data gives 1
MOST_EDITS = 12  # mended loops that are tried


def examine(e: Examination) -> Verdicts:
    """Follow the batches of the first passes through the variable that the inputs come from."""
    out, data = Verdicts(), e.data
    if data.batches is None or data.inputs is None:
        return out.skip("the rows that training uses could not be matched with a variable of the program", *CAUSES)
    x, t, counts = data.batches
    _never_seen(e, data, x, counts, out)
    _in_order(e, data, t, counts, out)
    return out


def _never_seen(e: Examination, data: Data, x: Array, counts: list[int], out: Verdicts) -> None:
    assert data.inputs is not None
    met = row_index(x)  # each row of the training, with its first place
    distinct, seen, drawn = len(data.inputs.index), len(met), _drawn(x, counts)
    if seen >= ENOUGH * distinct:
        out.rule_out(f"{seen} of {distinct} rows are used", "samples-never-seen")
        return
    # Not yet often enough through the data: a complete run may still reach the rest.
    if drawn < 2.5 * distinct and (e.start is None or e.start.passes > len(counts)):
        out.skip(f"only {drawn} rows were drawn while the program was followed", "samples-never-seen")
        return
    if _kept_for_the_evaluation(e, data.inputs, set(met)):
        out.rule_out("the rows that training leaves out are those of the evaluation", "samples-never-seen")
        return
    first = max(met.values()) + 1  # rows drawn until each of them was met once
    if first < REPEATED * seen:
        why = f"{seen} of {distinct} rows are used, each once in a round: the others may be meant for a test"
        out.skip(why, "samples-never-seen")
        return
    edit, reached = _edit_that_reaches_more(e, data, seen, distinct)
    if edit is None:
        out.skip(f"{seen} of {distinct} rows are used; the others may be meant for a test", "samples-never-seen")
        return
    evidence = [
        Evidence("different rows that training uses", distinct, seen),
        Evidence("different rows with the mended loop", None, reached),
        Evidence("rows drawn in the passes that were followed", None, drawn),
    ]
    proof = Proof(metric="different training rows used", before=seen, after=reached)
    out.findings.append(
        e.finding(
            "samples-never-seen", "error", f"only {seen} of {distinct} training rows are ever used", edit, evidence,
            proof=proof, help_text=edit.summary,
        )
    )  # fmt: skip


def _drawn(x: Array, counts: list[int]) -> int:
    """How many rows the steps took; one that is recorded for each unit that reads it counts once."""
    ends = np.cumsum(counts)
    return sum(len(row_index(x[end - count : end])) for count, end in zip(counts, ends, strict=True))


def _kept_for_the_evaluation(e: Examination, inputs: Inputs, used: set[bytes]) -> bool:
    """Whether the program looks at the unused rows by themselves where it prints its figures."""
    index, width = inputs.index, inputs.rows.shape[1]
    seen = {index.get(row) for row in used}
    unseen = len(index) - len(seen - {None})
    met: set[int] = set()
    for stretch in e.stretches.values():
        for series in stretch.series.values():
            if not series.is_float or series.flat.size % width or series.count > 20_000:
                continue
            single = int(np.prod(series.shapes[0])) == width
            parts = [series] if single else _occurrences(series)
            for part in parts:
                batch = rows_in(part, part.flat.size // width, width, index) if part.flat.size % width == 0 else None
                if batch and not set(batch) & seen:
                    met |= set(batch)
    return len(met) >= 0.5 * unseen


def _occurrences(series: Series) -> list[Series]:
    """The first and last occurrences of a series, each by itself."""
    places = range(series.count) if series.count <= 64 else [*range(32), *range(series.count - 32, series.count)]
    values = [(i, series.occurrence(i)) for i in places]
    return [Series(series.key, v.ravel(), [v.shape], series.order[i : i + 1], series.is_float) for i, v in values]


def _edit_that_reaches_more(e: Examination, data: Data, seen: int, distinct: int) -> tuple[Edit | None, int]:
    key = data.inputs.key if data.inputs is not None else None
    if key is None or key[0] < 0:
        return None, 0
    best: tuple[Edit | None, int] = (None, seen)
    for edit in islice(_loop_edits(e), MOST_EDITS):
        if e.time_left < 0:
            break
        reached = _distinct_rows(e, data, edit)
        if reached >= ENOUGH * distinct and reached > best[1] * 1.05:
            best = (edit, reached)
            if reached >= 0.97 * distinct:
                break
    return best


def _loop_edits(e: Examination) -> Iterator[Edit]:
    """Edits of the loops and slices that cut the batches, cheapest first."""
    reading = e.experiments.reading
    changes = [c for c in row_edits.propose(reading) if "samples-never-seen" in (c.cause, *c.other_causes)]
    for c in sorted(changes, key=lambda c: c.cost):
        text = reading.text.apply(c.pieces)
        if text is not None and text != e.program.text:
            yield Edit(
                "samples-never-seen", e.program.main, c.line, c.end_line, text, c.summary, c.cost, c.marks, "rows"
            )


def _distinct_rows(e: Examination, data: Data, edit: Edit) -> int:
    """How many rows the first passes of an edited copy use."""
    assert data.inputs is not None
    value, target = e.objective
    keys = [k for k in (data.inputs.key, target, value) if k is not None]
    answer = e.follow(e.edited(edit), keys=keys, head=1500, tail=0, head_only=True)
    if answer is None or answer[0].outcome.error is not None:
        return 0
    width, index = data.inputs.rows.shape[1], data.inputs.index
    used: set[int] = set()
    for window in answer[0].head:
        x = e.recorded(data.inputs.key, window, answer[1])
        if x is None or x.flat.size % width:
            continue
        used.update(rows_in(x, x.flat.size // width, width, index) or [])
    return len(used)


def _in_order(e: Examination, data: Data, t: Array, counts: list[int], out: Verdicts) -> None:
    if not is_one_hot(t) and len(np.unique(t)) != 2:
        out.rule_out("the targets are no classes", "not-shuffled")
        return
    labels = t.argmax(axis=1) if t.shape[1] > 1 else (t[:, 0] > t[:, 0].mean()).astype(int)
    share = np.bincount(labels) / len(labels)
    chance = float((share**2).sum())
    if counts[0] > 1:
        ends = np.cumsum(counts)
        pure = float(np.mean([(np.bincount(labels[b - c : b]) / c).max() for c, b in zip(counts, ends, strict=True)]))
        expected = min(1.0, float(share.max()) + 1.5 / np.sqrt(counts[0]))
        sorted_batches = pure > max(expected, 0.5 + chance / 2)
    else:
        pure = float(np.mean(labels[1:] == labels[:-1]))
        sorted_batches = pure > 0.5 + chance / 2
    if not sorted_batches or len(counts) < 3:
        out.rule_out(f"a batch is mixed (largest class {pure:.0%}, by chance {share.max():.0%})", "not-shuffled")
        return
    for edit in [_shuffle(e, data), *_shuffled_loops(e)][:4]:
        if edit is None or e.time_left < 0:
            continue
        after = e.quality(e.edited(edit))
        figure = figure_that_rises(e, edit, least=0.1, losses=False)  # a loss over sorted rows looks too good
        if figure is None and not e.much_better(after):
            continue
        evidence = [Evidence("share of the largest class in a batch", round(float(share.max()), 3), round(pure, 3))]
        if counts[0] == 1:
            evidence = [
                Evidence("share of steps whose row has the class of the row before", round(chance, 3), round(pure, 3))
            ]
        proof = (
            None if figure is None else Proof(metric=figure[0] or "printed figure", before=figure[1], after=figure[2])
        )
        title = "the rows come class after class: each batch unlearns the others"
        out.findings.append(
            e.finding("not-shuffled", e.level() if figure is None else "error", title, edit, evidence, after=after, proof=proof,
                      help_text="put the rows into a random order before training")
        )  # fmt: skip
        return
    out.rule_out("a random order does not help this program", "not-shuffled")


def _shuffled_loops(e: Examination) -> list[Edit]:
    """The loops around the training step that go through the rows, in a random order."""
    array, text = e.experiments.array, e.experiments.text
    found = []
    for outer in e.experiments.literals.training_loops if array else ():
        for loop in ast.walk(outer):
            if not isinstance(loop, ast.For) or (
                loop is outer and any(isinstance(n, ast.For) for n in ast.walk(outer) if n is not outer)
            ):
                continue
            code = text.of(loop.iter)
            draw = f"{array}.random.default_rng(0).permutation"
            call = loop.iter.func if isinstance(loop.iter, ast.Call) else None
            paired = isinstance(call, ast.Name) and call.id in ("zip", "enumerate")
            new = f"[list({code})[j] for j in {draw}(len(list({code})))]" if paired else f"{draw}({code})"
            edit = e.experiments._edit(
                "not-shuffled", loop.lineno, [text.swap(loop.iter, new)], "go through the rows in a random order"
            )
            if edit is not None:
                found.append(edit)
    return found


def _shuffle(e: Examination, data: Data) -> Edit | None:
    """One common random order for inputs and targets after the last line that makes either."""
    target = e.objective[1]
    if data.inputs is None or target is None:
        return None
    x_name, t_name = data.inputs.text, _holder(e, data, target)
    lines = {}
    for name in (x_name, t_name):
        found = [
            s.line
            for s in e.table.sites
            if s.kind == "target" and s.text == name and s.function == "" and s.file == e.program.main
        ]
        if not found:
            return None
        lines[name] = max(found)
    return e.experiments.shuffle_rows(max(lines.values()), [x_name, t_name], axis=data.inputs.axis)


def _holder(e: Examination, data: Data, target: tuple[int, str]) -> str:
    """The name of the variable that holds all targets."""
    if target[0] < 0:
        return target[1].split(": ", 1)[-1]
    count = len(data.inputs.rows) if data.inputs is not None else 0
    series = e.recorded(target)
    if series is None or data.inputs is None:
        return ""
    x = e.recorded(data.inputs.key)
    value = e.recorded(e.objective[0])
    pair = e.paired(value, series) if value is not None else None
    rows = None
    if x is not None and pair is not None:
        rows = rows_in(x, len(pair[1]), data.inputs.rows.shape[1], data.inputs.index)
    for path, leaf in e.known.leaves.items():
        if leaf.ndim == 0 or count not in leaf.shape or path == data.inputs.path:
            continue
        axis = 0 if leaf.shape[0] == count else leaf.ndim - 1
        table = np.moveaxis(leaf, axis, 0).reshape(count, -1)
        if (
            rows is not None
            and table[rows].size == series.flat.size
            and np.array_equal(np.sort(table[rows].ravel()), np.sort(series.flat))
        ):
            return path.split(": ", 1)[-1]
    return ""
