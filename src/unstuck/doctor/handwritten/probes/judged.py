"""Right comparisons behind a wrong figure: divided by another number than was compared, of training rows under the name of a
test, or of answers that were given to other rows."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

import numpy as np

from unstuck.doctor.findings import Evidence, Proof

from ..edits.base import Edit
from ..records import Array
from .base import Examination, Verdicts
from .data import row_index
from .figures import Compared, Figures, Printed, labelled, shows
from .stale import CAUSE as STALE
from .stale import training_calls

CAUSE = "metric-wrong"
MOST_EDITS = 10
FAR = 0.03  # difference of two shares from which a figure counts as another
_SHARES = ("acc", "genau", "precis", "exact", "aciert")  # labels of shares; "correct per batch" may be anything
_HELD_OUT = re.compile(r"test|valid|held|unseen|holdout|heldout", re.IGNORECASE)
_TRAINED = re.compile(r"train|fit", re.IGNORECASE)


def examine(e: Examination, figures: Figures, out: Verdicts) -> None:
    """Compare what was printed last with the shares that the comparisons give, and with the rows that they are about."""
    if not e.stretches or any(f.cause in (CAUSE, STALE) for f in out.findings):
        return
    stretch = max(e.stretches)
    rounds = [c for c in figures.compared if c.stretch == stretch and not c.constant]
    if not rounds:
        return
    for attempt in (_other_rows, _other_count, _training_rows):
        if e.time_left > 0 and attempt(e, figures, rounds, out):
            out.ruled_out = [r for r in out.ruled_out if r.cause not in {f.cause for f in out.findings}]
            return


def _printed(e: Examination, stretch: int, prints: list[tuple[int, str]]) -> list[Printed]:
    return labelled("\n".join(text for number, text in prints if number == stretch))


def _after(e: Examination, edit: Edit, stretch: int) -> list[Printed]:
    """What an edited copy prints in the same stretch; nothing if it breaks off."""
    found = e.follow(e.edited(edit), tail=0)
    return [] if found is None or found[0].outcome.error is not None else _printed(e, stretch, found[0].prints)


def _is(number: Printed, share: float) -> bool:
    """The printed number is this share, or that in percent."""
    return shows([number.pair], share) or shows([number.pair], 100 * share)


# Divided by another number ---------------------------------------------------------------------------------------------------
def _other_count(e: Examination, figures: Figures, rounds: list[Compared], out: Verdicts) -> bool:
    stretch = rounds[0].stretch
    before = _printed(e, stretch, e.printing)
    shares = _shares(rounds)
    for place, number in enumerate(before):
        if not any(w in number.label.lower() for w in _SHARES) or any(_is(number, s) for s in shares):
            continue
        if any(_is(number, 1 - s) or shows([number.pair], s * c.rows) for s, c in zip(shares, rounds, strict=False)):
            continue  # a share of errors, or a count
        for tried, edit in enumerate(_divisions(e, figures, rounds, number)):
            if tried >= MOST_EDITS or e.time_left < 0:
                break
            after = _after(e, edit, stretch)
            if len(after) != len(before):
                continue
            share = next((s for s in shares if _is(after[place], s)), None)
            if share is None or abs(after[place].value - number.value) <= FAR * (
                100 if after[place].value > 1.5 else 1
            ):
                continue
            evidence = [
                Evidence("share of the compared answers that are right", None, round(share, 4)),
                Evidence(f"what is printed for it ({number.label[-30:]})", round(share, 4), number.value),
            ]
            proof = Proof(metric=number.label[-40:].lower(), before=number.value, after=after[place].value)
            title = "the count of right answers is divided by another number than was compared"
            out.findings.append(e.finding(CAUSE, "error", title, edit, evidence, proof=proof, help_text=edit.summary))
            return True
    return False


def _shares(rounds: list[Compared]) -> list[float]:
    """The share of each round, and of all rounds of one place together."""
    found = [c.share for c in rounds]
    for site in {c.site.number for c in rounds}:
        mine = [c for c in rounds if c.site.number == site]
        found.append(sum(c.share * c.rows for c in mine) / sum(c.rows for c in mine))
    return found


def _divisions(e: Examination, figures: Figures, rounds: list[Compared], number: Printed) -> Iterator[Edit]:
    """Other divisors where the printed number is made by a division."""
    text, window = e.experiments.text, e.stretches[rounds[0].stretch]
    for node in text.nodes:
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
            continue
        sites = [s for s in e.table.sites if s.line == node.lineno and s.kind == "value"
                 and " ".join(text.of(node).split()) == s.text]  # fmt: skip
        series = [window.series[(s.number, "")] for s in sites if (s.number, "") in window.series]
        if not any(shows([number.pair], f * float(v)) for s in series for v in s.flat[-50:] for f in (1.0, 100.0)):
            continue
        here = [c for c in rounds if c.site.function == sites[0].function]
        options = [f"len({text.of(c.label)})" for c in here if c.label in text.nodes]
        for site in dict.fromkeys(c.site.number for c in here):
            mine = [c.rows for c in here if c.site.number == site]
            options += [str(len(mine)), str(sum(mine)), str(mine[-1])]
        for option in dict.fromkeys(options):
            summary = f"divide by what was compared: `{option}`"
            edit = e.experiments._edit(CAUSE, node.lineno, [text.swap(node.right, option)], summary)
            if edit is not None:
                yield edit


# Of training rows ------------------------------------------------------------------------------------------------------------
def _training_rows(e: Examination, figures: Figures, rounds: list[Compared], out: Verdicts) -> bool:
    """A figure called that of a test is of the rows that were trained on, and rows that were not lie unused."""
    found, stretch = e.data.inputs, rounds[0].stretch
    if found is None or e.excerpt is not None or not found.path.isidentifier():
        return False
    labels = [c for c in rounds if c.rows == len(found.rows)]
    before = _printed(e, stretch, e.printing)
    for place, number in enumerate(before):
        if not _HELD_OUT.search(number.label) or _TRAINED.search(number.label):
            continue
        if not any(_is(number, c.share) for c in labels):
            continue
        for tried, (edit, names) in enumerate(_held_out(e, found.path, labels, number)):
            if tried >= MOST_EDITS or e.time_left < 0:
                break
            after = _after(e, edit, stretch)
            if len(after) != len(before) or after[place].value == number.value:
                continue
            evidence = [
                Evidence(f"rows behind “{number.label[-30:]}”", f"those of `{names[1]}`", f"those of `{names[0]}`"),
                Evidence("rows among them that were trained on", "none", "all"),
            ]
            proof = Proof(metric=number.label[-40:].lower(), before=number.value, after=after[place].value)
            title = "what is printed as the result of a test was measured on the training rows"
            out.findings.append(e.finding(CAUSE, "warning", title, edit, evidence, proof=proof, help_text=edit.summary))
            return True
    return False


def _held_out(
    e: Examination, path: str, labels: list[Compared], number: Printed
) -> Iterator[tuple[Edit, tuple[str, str]]]:
    """Statements that print a number under this label, with other rows: variables that hold none of the trained rows."""
    leaves, text = e.known.leaves, e.experiments.text
    inputs = e.data.inputs
    assert inputs is not None
    own = [n for n, v in leaves.items() if n.isidentifier() and any(_same_labels(v, c) for c in labels)]
    others = [n for n in _variables(e) if _is_new(leaves[n], inputs.rows.shape[1], inputs.index, inputs.axis)]
    words = number.label.split()
    for statement in e.experiments.reading.statements:
        said = " ".join(
            n.value for n in ast.walk(statement) if isinstance(n, ast.Constant) and isinstance(n.value, str)
        )
        names = [n for n in ast.walk(statement) if isinstance(n, ast.Name)]
        if isinstance(statement, ast.For | ast.While | ast.If | ast.FunctionDef) or not words or words[-1] not in said:
            continue
        if path not in {n.id for n in names}:
            continue
        for other in others:
            count = leaves[other].shape[inputs.axis]
            mates = [n for n in _variables(e) if n != other and count in leaves[n].shape and leaves[n].ndim <= 2]
            for mate in mates:
                pieces = [text.swap(n, other) for n in names if n.id == path]
                pieces += [text.swap(n, mate) for n in names if n.id in own and n.id != path]
                summary = f"measure it on `{other}` and `{mate}`"
                edit = e.experiments._edit(CAUSE, statement.lineno, pieces, summary)
                if edit is not None and any(n.id in own for n in names):
                    yield edit, (path, other)


def _variables(e: Examination) -> list[str]:
    return [n for n, v in e.known.leaves.items() if n.isidentifier() and v.ndim]


def _same_labels(value: Array, compared: Compared) -> bool:
    flat = value.ravel()
    if flat.size == compared.rows:
        return np.array_equal(flat, compared.labels)
    return value.ndim == 2 and len(value) == compared.rows and np.array_equal(value.argmax(axis=1), compared.labels)


def _is_new(value: Array, width: int, index: dict[bytes, int], axis: int) -> bool:
    """As many features, and none of the rows that training uses."""
    if value.ndim < 2 or not value.size:
        return False
    table = np.moveaxis(value, 0 if axis == 0 else -1, 0)
    table = table.reshape(len(table), -1)
    return table.shape[1] == width and not any(row in index for row in row_index(table))


# Of answers to other rows ----------------------------------------------------------------------------------------------------
def _other_rows(e: Examination, figures: Figures, rounds: list[Compared], out: Verdicts) -> bool:
    """The same answers, number by number, are compared with the labels of other rows as well."""
    for i, last in enumerate(rounds):
        for first in rounds[:i]:
            n = min(first.rows, last.rows)
            same = first.outputs.shape[1] == last.outputs.shape[1] and np.array_equal(
                first.outputs[:n], last.outputs[:n]
            )
            if not same or np.mean(first.labels[:n] != last.labels[:n]) < 0.2 or first.own < last.own + 0.2:
                continue
            if _run_anew(e, figures, last, out):
                return True
    return False


def _run_anew(e: Examination, figures: Figures, last: Compared, out: Verdicts) -> bool:
    text, leaves = e.experiments.text, e.known.leaves
    before = _printed(e, last.stretch, e.printing)
    place = next((k for k, n in enumerate(before) if _is(n, last.share)), None)
    if place is None or e.data.inputs is None:
        return False
    axis, width = e.data.inputs.axis, e.data.inputs.rows.shape[1]
    rows = [n for n in _variables(e) if leaves[n].ndim > 1 and leaves[n].shape[axis] == last.rows
            and leaves[n].size == last.rows * width]  # fmt: skip
    parts = [p for p in figures.origins(last.answer, last.site) if isinstance(p, ast.Name | ast.Subscript)]
    tried = 0
    for part in parts:
        if part not in text.nodes or part.lineno != last.site.line:
            continue
        for statement, call in training_calls(e):
            target = statement.targets[0] if isinstance(statement, ast.Assign) else None
            members = range(len(target.elts)) if isinstance(target, ast.Tuple) else ()
            for name, member in itertools.product(rows, [*(f"[{i}]" for i in members), ""]):
                given = ", ".join([name, *(text.of(a) for a in call.args[1:])])
                new = f"{text.of(call.func)}({given}){member}"
                edit = e.experiments._edit(
                    STALE, last.site.line, [text.swap(part, new)], f"compare the answers of `{new}`"
                )
                tried += 1
                if edit is None or tried > MOST_EDITS or e.time_left < 0:
                    continue
                after = _after(e, edit, last.stretch)
                scale = 100 if before[place].value > 1.5 else 1
                if len(after) != len(before) or after[place].value - before[place].value < 0.2 * scale:
                    continue
                evidence = [
                    Evidence("rows whose answers are compared with the labels of other rows", 0, last.rows),
                    Evidence("share of right answers", None, round(last.share, 4)),
                ]
                proof = Proof(
                    metric=before[place].label[-40:].lower(), before=before[place].value, after=after[place].value
                )
                title = "the figure compares answers that were given to other rows: the network is not run on these"
                out.findings.append(
                    e.finding(STALE, "error", title, edit, evidence, proof=proof, help_text=edit.summary)
                )
                return True
    return False
