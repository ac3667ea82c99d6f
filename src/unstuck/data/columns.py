"""Turns a table into rows of numbers: which column is the target, which are left out, and how texts become numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unstuck.data import labels, validate
from unstuck.data.layout import Column, TableLayout
from unstuck.data.readers import Table
from unstuck.errors import InputError, unknown_name

TARGET_NAMES = (
    "target",
    "targets",
    "label",
    "labels",
    "class",
    "classes",
    "species",
    "outcome",
    "diagnosis",
    "response",
)
ROW_NUMBER_NAMES = ("", "id", "index", "idx", "row", "rownames", "unnamed: 0")
MOST_CATEGORIES = 200
PIXEL_NAME = re.compile(r"(pixel|px|pix|p|v|x)[_ .]?\d+([_ x]\d+)?|\d+x\d+|column \d+", re.IGNORECASE)
SMALLEST_PICTURE = 8

Values = NDArray[Any]


def find_targets(table: Table, target: str | int | Sequence[str] | None) -> tuple[tuple[str, ...], str | None]:
    """The names of the target columns, and the sentence that says so when it was a guess.

    ``target``: a column's name, its number (from 0, or from the end if negative), several names in a list or separated by
    commas. Guessed otherwise: a column named target, label, class, … ; without a header the first column, if it holds classes
    and the last does not; else the last. Raises InputError for an unknown column, and when no column would be left for the
    inputs.
    """
    if len(table.names) < 2:
        raise InputError(
            f"{table.what}: has a single column; expected at least one column of inputs and one of targets. "
            f"If it has more, check the delimiter."
        )
    note = None
    if target is None:
        names, why = _guess_target(table)
        note = f"The target is the column {names[0]!r}, {why}."
    else:
        names = _named(table, target)
    if len(names) == len(table.names):
        raise InputError(f"{table.what}: all {len(names)} columns are targets; at least one must be left as an input.")
    return names, note


def _named(table: Table, target: str | int | Sequence[str]) -> tuple[str, ...]:
    wanted = [target] if isinstance(target, str | int) else list(target)
    if isinstance(target, str) and target not in table.names and "," in target:
        wanted = [name.strip() for name in target.split(",")]
    names = []
    for name in wanted:
        if name in table.names:
            names.append(str(name))
        elif re.fullmatch(r"-?\d+", str(name)) and -len(table.names) <= int(name) < len(table.names):
            names.append(table.names[int(name)])
        else:
            raise InputError(f"{table.what}: {unknown_name('target column', name, table.names)}")
    return tuple(dict.fromkeys(names))


def _guess_target(table: Table) -> tuple[tuple[str, ...], str]:
    for known in TARGET_NAMES:
        found = [name for name in table.names if name.lower() == known]
        if len(found) == 1:
            return (found[0],), "by its name"
    first, last = table.names[0], table.names[-1]
    if first == "y":  # in the middle, y is rather a coordinate
        return (first,), "by its name"
    if not table.has_header and _holds_classes(table, first) and not _holds_classes(table, last):
        return (first,), "the first one, because it holds classes and the last one does not"
    return (last,), "the last one"


def _holds_classes(table: Table, name: str) -> bool:
    values = table.numbers(name)
    if values is None:
        texts = table.texts(name)
        return 2 * len(set(texts)) <= len(texts)
    return labels.guess_task(values)[0] == "classification"


def target_values(table: Table, names: Sequence[str], task: str | None = None) -> Values:
    """The targets as they are: (N,) numbers or texts for one column, (N, D) numbers for several."""
    if len(names) == 1:
        numbers = table.numbers(names[0])
        if numbers is not None:
            return numbers
        if task == "regression":
            return table.strict_numbers(names[0], "because the task is regression")
        return np.array(table.texts(names[0]), dtype=np.str_)
    return np.column_stack([table.strict_numbers(name, "because there are several targets") for name in names])


def _is_row_number(table: Table, name: str) -> bool:
    """Whether a column only numbers the rows: named so, or without a name, and rising by one from row to row."""
    if not (name.lower() in ROW_NUMBER_NAMES or (table.has_header and re.fullmatch(r"column \d+", name))):
        return False
    values = table.numbers(name)
    return values is not None and len(values) > 1 and bool((np.diff(values) == 1).all())


def choose_inputs(table: Table, targets: Sequence[str], train_rows: NDArray[np.int64]) -> tuple[TableLayout, list[str]]:
    """The layout of the table, with the categories that occur in the training rows, and what is to be said about it.

    Left out are a column that numbers the rows, and a column of texts that differ in most rows (names, dates).
    """
    chosen: list[Column] = []
    notes: list[str] = []
    for name in table.names:
        if name in targets:
            continue
        if _is_row_number(table, name):
            notes.append(f"The column {name!r} was left out: it numbers the rows.")
        elif table.numbers(name) is not None:
            chosen.append(Column(name))
        else:
            texts = np.array(table.texts(name), dtype=object)
            different = len(set(texts))
            if different > labels.FEW and (2 * different > len(texts) or different > MOST_CATEGORIES):
                notes.append(
                    f"The column {name!r} was left out: it holds {different} different texts in {len(texts)} rows."
                )
                continue
            categories = tuple(sorted(set(texts[train_rows])))
            chosen.append(Column(name, categories))
            unseen = set(texts) - set(categories)
            if unseen:
                notes.append(
                    f"The column {name!r} holds {validate.listed(sorted(unseen))} outside the training part only; there all its "
                    f"inputs are 0."
                )
    encoded = [column for column in chosen if column.categories is not None]
    if encoded:
        listed = validate.listed([repr(column.name) for column in encoded])
        inputs = sum(len(column.features) for column in encoded)
        notes.append(f"Columns of texts became {inputs} inputs of 0 or 1, one for each different text: {listed}.")
    if not chosen:
        raise InputError(
            f"{table.what}: no column is left as an input. {' '.join(notes)} Give other columns or another target."
        )
    return TableLayout(table.names, table.has_header, tuple(chosen), tuple(targets)), notes


def encode(
    table: Table, layout: TableLayout, names: Sequence[str] | None = None, *, strict: bool = True
) -> NDArray[np.float64]:
    """The rows of a table as (N, features) float64, in the order of the layout.

    ``names``: what the layout's input columns are called in this table, if not the same. ``strict``: a text that is not among
    the known categories is an InputError; otherwise all inputs of its column are 0.
    """
    blocks = []
    for column, name in zip(layout.inputs, names or [c.name for c in layout.inputs], strict=True):
        if column.categories is None:
            blocks.append(table.strict_numbers(name)[:, np.newaxis])
            continue
        texts = table.texts(name)
        if strict:
            unknown = next((row for row, text in enumerate(texts) if text not in column.categories), None)
            if unknown is not None:
                raise InputError(
                    f"{table.what}: {table.row(unknown)}, column {name!r} holds {texts[unknown]!r}, which the training data "
                    f"did not have; known: {validate.listed(column.categories)}. Correct it or remove the row."
                )
        blocks.append(
            np.array(texts, dtype=object)[:, np.newaxis] == np.array(column.categories, dtype=object)
        )  # (N, K)
    return np.hstack(blocks, dtype=np.float64)


def match(table: Table, layout: TableLayout) -> list[str]:
    """What the layout's input columns are called in another table: the same names in any order, or, without a header, by place.

    A table without a header may hold all the columns of the training data, all but the targets, or the inputs alone. Raises
    InputError for a missing column or another number of columns.
    """
    wanted = [column.name for column in layout.inputs]
    if table.has_header and layout.has_header:
        for name in wanted:
            if name not in table.names:
                raise InputError(
                    f"{table.what}: the column {name!r} of the training data is missing; there are "
                    f"{validate.listed([repr(other) for other in table.names])}. Add or rename it."
                )
        return wanted
    without_targets = [name for name in layout.names if name not in layout.targets]
    for columns in (list(layout.names), without_targets, wanted):
        if len(table.names) == len(columns):
            return [table.names[columns.index(name)] for name in wanted]
    raise InputError(
        f"{table.what}: has {len(table.names)} columns; expected {len(layout.names)} as in the training data, or "
        f"{len(without_targets)} without the target."
    )


def match_targets(table: Table, layout: TableLayout) -> list[str] | None:
    """What the target columns are called in another table, or None when it has none."""
    if table.has_header and layout.has_header:
        return list(layout.targets) if all(name in table.names for name in layout.targets) else None
    if len(table.names) == len(layout.names):
        return [table.names[layout.names.index(name)] for name in layout.targets]
    return None


def picture_side(layout: TableLayout, inputs: NDArray[np.float64]) -> int | None:
    """The side of square grey pictures that were written as a table, one pixel a column; None when the rows are none.

    The columns must be named like pixels or not at all, be a square number of at least 8 × 8, and hold bytes.
    """
    return square_side(inputs) if all(PIXEL_NAME.fullmatch(name) for name in layout.features) else None


def square_side(inputs: NDArray[Any]) -> int | None:
    """The side of the square pictures that flat rows (N, side²) may be: at least 8 × 8 bytes, of whatever type."""
    side = int(np.sqrt(inputs.shape[1]) + 0.5)
    if side < SMALLEST_PICTURE or side * side != inputs.shape[1]:
        return None
    bytes_only = inputs.min() >= 0 and 1 < inputs.max() <= 255 and (inputs == np.floor(inputs)).all()
    return side if bytes_only else None
