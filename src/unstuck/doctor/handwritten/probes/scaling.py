"""Inputs of very different or very large size: the first layer saturates or the step fits one feature only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from unstuck.doctor.findings import Evidence

from ..edits.base import Edit
from .base import Examination, Verdicts
from .data import Inputs

LARGE = 15.0  # a value beyond this saturates a unit with usual first weights
UNEVEN = 30.0  # ratio of the largest to the median spread of the features
MOST_PLACES = 4
CAUSES = ("inputs-unscaled",)


def examine(e: Examination) -> Verdicts:
    """Standardise the inputs where they are made, and see whether the same program then learns."""
    out = Verdicts()
    if e.settled(out, "inputs-unscaled"):
        return out
    data = e.data
    found = data.inputs
    if found is None:
        return out.skip("the inputs could not be matched with a variable of the program", "inputs-unscaled")
    rows = found.rows
    used = data.unique[0] if data.unique is not None else rows
    spread = used.std(axis=0)
    largest = float(np.abs(used).max())
    positive = spread[spread > 0]
    uneven = float(positive.max() / np.median(positive)) if positive.size else 0.0
    if largest < LARGE and uneven < UNEVEN:
        return out.rule_out(
            f"inputs reach at most {largest:.3g}; spreads differ by at most {uneven:.3g}", "inputs-unscaled"
        )
    for edit in standardised_copies(e):
        after = e.quality(e.edited(edit))
        if e.much_better(after):
            evidence = [
                Evidence("largest input", "about 1", round(largest, 4)),
                Evidence("spread of the features, smallest to largest", "about equal",
                         f"{positive.min():.3g} to {positive.max():.3g}"),
            ]  # fmt: skip
            title = f"the inputs are not scaled: values up to {largest:.4g} go into the first layer"
            out.findings.append(
                e.finding("inputs-unscaled", "error", title, edit, evidence, after=after, line=edit.line,
                          help_text="standardise every column: subtract its mean, divide by its standard deviation")
            )  # fmt: skip
            return out
        if e.time_left < 0:
            break
    return out.rule_out("standardised inputs do not help this program", "inputs-unscaled")


def standardised_copies(e: Examination) -> Iterator[Edit]:
    """Copies of the program in which the inputs are standardised, wherever that could be done."""
    found = e.data.inputs
    if found is None:
        return
    for line, text, axis in places(e, found, *place_of(e, found)):
        edit = e.experiments.standardise(line, text, axis=axis)
        if edit is not None:
            yield edit


def place_of(e: Examination, found: Inputs) -> tuple[int | None, str]:
    """The line that last assigned the inputs' variable before training, and its name."""
    name = found.text
    lines = [s.line for s in e.table.sites if s.kind == "target" and s.text == name and s.file == e.program.main]
    return (min(lines) if lines else None), name


def places(e: Examination, found: Inputs, line: int | None, name: str) -> list[tuple[int, str, int]]:
    """Where the inputs could be standardised: variables that hold the same rows, earliest first (line, name, axis)."""
    options: list[tuple[int, str, int]] = []
    rows = {row.tobytes() for row in np.ascontiguousarray(found.rows[:20] + 0.0)}
    for path, leaf in e.known.leaves.items():
        if leaf.ndim < 2 or leaf.size < found.values.size:
            continue
        for axis in (0, leaf.ndim - 1):
            table = np.moveaxis(leaf, axis, 0).reshape(leaf.shape[axis], -1)
            if table.shape[1] != found.rows.shape[1]:
                continue
            if rows <= {row.tobytes() for row in np.ascontiguousarray(table + 0.0)}:
                text = path.split(": ", 1)[-1]
                lines = [s.line for s in e.table.sites
                         if s.kind == "target" and s.text == text and s.file == e.program.main]  # fmt: skip
                for own in {min(lines), max(lines)} if lines else ():
                    options.append((own, text, 0 if axis == 0 else 1))
    if line is not None:
        options.append((line, name, 0 if found.axis == 0 else 1))
    # The largest variable holds training and test rows alike, so it comes first; each place once.
    return sorted(dict.fromkeys(options))[:MOST_PLACES]
