"""Makes training, validation and test parts out of what a reader found, and says what was guessed on the way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unstuck.data import columns, labels, validate
from unstuck.data.dataset import Dataset, ScalingHint, Splits, Task, checked_task
from unstuck.data.readers import Arrays, Part, PartName, Table
from unstuck.data.split import split_rows
from unstuck.errors import InputError

CHANNELS = (1, 3, 4)


def from_table(
    table: Table,
    name: str,
    target: str | int | Sequence[str] | None,
    task: str | None,
    test_fraction: float,
    validation_fraction: float,
    seed: int,
) -> Splits:
    """The parts of a table. Categories come from the training rows; classes from all rows. InputError as its parts say."""
    notes = list(table.notes)
    targets, note = columns.find_targets(table, target)
    notes += [note] if note else []
    values = columns.target_values(table, targets, task)
    kind, why = decided_task(task, values)
    notes += [why] if why else []
    what = (
        f"{table.what}: column {targets[0]!r}" if len(targets) == 1 else f"{table.what}: columns {', '.join(targets)}"
    )
    answers, classes = answers_of(values, kind, None, what, table.row)
    rows, split_notes = _rows_of_parts(
        len(table), answers if kind == "classification" else None, test_fraction, validation_fraction, seed, name
    )
    layout, column_notes = columns.choose_inputs(table, targets, rows["train"])
    inputs: NDArray[Any] = columns.encode(table, layout, strict=False)
    side = columns.picture_side(layout, inputs)
    if side is not None:
        inputs = inputs.astype(np.uint8).reshape(-1, side, side)
        column_notes.append(_square_note(side))
    whole = Dataset(
        inputs,
        answers,
        name,
        kind,
        classes,
        layout.features,
        None if side is None else (side, side),
        "standardise" if side is None else "pixels",
        layout,
    )
    parts = {part: whole.subset(chosen) for part, chosen in rows.items()}
    return Splits(
        parts["train"], parts.get("validation"), parts.get("test"), name, (*notes, *column_notes, *split_notes)
    )


def from_arrays(found: Arrays, task: str | None, test_fraction: float, validation_fraction: float, seed: int) -> Splits:
    """The parts of arrays that a reader found; data without parts of its own are split. InputError as its parts say."""
    notes = list(found.notes)
    parts: dict[PartName, Dataset] = {}
    first: PartName = "train" if "train" in found.parts else "all"
    if first not in found.parts:
        part, source = next(iter(found.parts.items()))
        raise InputError(f"{source.what}: is the {part} part, and there is no training part beside it; add it.")
    main = found.parts[first]
    main_targets = targets_of(main)
    kind, why = decided_task(task, main_targets)
    notes += [why] if why else []
    classes = found.class_names
    for part in (first, *(p for p in found.parts if p != first)):
        source = found.parts[part]
        inputs, shape, part_notes = as_pictures(
            validate.as_inputs(source.inputs, source.what, found.feature_names), found.image_shape
        )
        targets = targets_of(source)
        validate.check_same_length(inputs, targets, source.what)
        where = row_of(source)
        answers, classes = answers_of(targets, kind, classes, source.what_targets, where)
        dataset = Dataset(inputs, answers, found.name, kind, classes, found.feature_names, shape, _hint(inputs, shape))
        if parts:
            validate.check_row_shape(inputs, parts[first].input_shape, source.what)
            dataset = replace(dataset, scaling_hint=parts[first].scaling_hint)
            _check_same_outputs(dataset, parts[first], source.what_targets)
        else:
            notes += part_notes
        parts[part] = dataset
    train = parts[first]
    return divided(
        train, parts.get("validation"), parts.get("test"), tuple(notes), test_fraction, validation_fraction, seed
    )


def divided(
    train: Dataset,
    validation: Dataset | None,
    test: Dataset | None,
    notes: tuple[str, ...],
    test_fraction: float,
    validation_fraction: float,
    seed: int,
) -> Splits:
    """Splits off the test part (a fraction of all rows) and the validation part (of the rows left), unless they are there."""
    answers = train.targets if train.task == "classification" else None
    rows, split_notes = _rows_of_parts(
        len(train),
        answers,
        test_fraction if test is None else 0.0,
        validation_fraction if validation is None else 0.0,
        seed,
        train.name,
    )
    if len(rows) > 1:
        new = {part: train.subset(chosen) for part, chosen in rows.items()}
        train, test, validation = new["train"], new.get("test", test), new.get("validation", validation)
    return Splits(train, validation, test, train.name, (*notes, *split_notes))


def decided_task(task: str | None, targets: NDArray[Any]) -> tuple[Task, str | None]:
    """The task that was asked for, or the guess with its reason."""
    if task is not None:
        return checked_task(task, targets), None
    return labels.guess_task(targets)


def answers_of(
    targets: NDArray[Any], task: Task, known: tuple[str, ...] | None, what: str, where: labels.Where
) -> tuple[NDArray[Any], tuple[str, ...] | None]:
    """Targets as a data set holds them, and the class names; ``known`` names are kept and nothing else is accepted."""
    if task == "regression":
        return validate.as_numbers_to_predict(targets, what), None
    validate.check_finite(targets, what)
    if validate.is_one_hot(targets):
        numbers = np.argmax(targets, axis=1)
        return validate.as_labels(numbers, known or [str(k) for k in range(targets.shape[1])], what)
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.ndim != 1:
        raise InputError(
            f"{what}: has shape {targets.shape}; expected one class per row, or one-hot rows with a single 1."
        )
    if known is None:
        known = labels.class_names(targets, what, where)
    elif targets.dtype.kind in "iuf" and not any(re.fullmatch(r"-?\d+", name) for name in known):
        return validate.as_labels(targets, known, what)  # the classes have names, the rows their numbers
    return labels.to_labels(targets, known, what, where), known


def as_pictures(
    inputs: NDArray[Any], known: tuple[int, ...] | None = None
) -> tuple[NDArray[Any], tuple[int, ...] | None, list[str]]:
    """Inputs with the shape of their pictures, (H, W) or (H, W, C), or None when they are none; channels are moved last.

    Bytes with two or three axes a row are pictures, and so are other numbers with three axes a row, one of them 1, 3 or 4 long,
    and flat rows that hold a square number of whole numbers from 0 to 255, at least 8 × 8.
    """
    if known is not None:
        return inputs, known, []
    shape = inputs.shape[1:]
    if len(shape) == 3 and shape[0] in CHANNELS and shape[2] not in CHANNELS:
        inputs = np.ascontiguousarray(np.moveaxis(inputs, 1, 3))
        note = f"The first axis of each row, of length {shape[0]}, was taken for channels and moved last."
        return inputs, inputs.shape[1:], [note]
    if len(shape) == 1 and (side := columns.square_side(inputs)) is not None:
        return inputs.reshape(-1, side, side), (side, side), [_square_note(side)]
    if (len(shape) == 3 and shape[2] in CHANNELS) or (len(shape) == 2 and inputs.dtype == np.uint8):
        return inputs, shape, []
    return inputs, None, []


def _hint(inputs: NDArray[Any], image_shape: tuple[int, ...] | None) -> ScalingHint:
    if inputs.dtype.kind == "f" and inputs.min() >= 0 and inputs.max() == 1:
        return "none"  # already from 0 to 1
    return "pixels" if image_shape is not None or inputs.dtype == np.uint8 else "standardise"


def _square_note(side: int) -> str:
    return f"Rows of {side * side} whole numbers from 0 to 255 were taken for pictures of {side} × {side}."


def targets_of(part: Part) -> NDArray[Any]:
    """The targets of a part as an array. InputError, with what was looked for, when it has none."""
    if part.targets is None:
        raise InputError(f"{part.what}: no targets found: {part.what_targets}. Training and evaluation need them.")
    targets = validate.as_array(part.targets, part.what_targets)
    validate.check_not_empty(targets, part.what_targets)
    return targets


def row_of(part: Part) -> labels.Where:
    """How messages call a row of a part: by its file's name, if it has one, else by its number from 0."""
    names = part.row_names
    return (lambda row: f"row {row}") if names is None else (lambda row: names[row])


def _check_same_outputs(dataset: Dataset, train: Dataset, what: str) -> None:
    if dataset.task == "regression" and dataset.targets.shape[1] != train.targets.shape[1]:
        raise InputError(
            f"{what}: targets of length {dataset.targets.shape[1]}; expected {train.targets.shape[1]}, as in the training part."
        )


def _split_note(count: int, of: int, part: str, task: Task, seed: int) -> str:
    how = "the classes in proportion" if task == "classification" else "drawn at random"
    return f"{count:,} of {of:,} rows {'was' if count == 1 else 'were'} kept for the {part}, {how} (seed {seed})."


def _rows_of_parts(
    n_rows: int,
    answers: NDArray[np.int64] | None,
    test_fraction: float,
    validation_fraction: float,
    seed: int,
    name: str,
) -> tuple[dict[PartName, NDArray[np.int64]], list[str]]:
    """The rows of each part: the test part is a fraction of all, the validation part a fraction of what is left.

    A part of fewer than two rows would measure nothing: it is not made, and the rows stay in the training part.
    """
    for called, fraction in (("test", test_fraction), ("validation", validation_fraction)):
        if not 0 <= fraction < 1:
            raise InputError(
                f"the {called} fraction is {fraction:g}; expected 0 (no such part) or a number below 1, such as 0.2."
            )
    task: Task = "regression" if answers is None else "classification"
    rows: dict[PartName, NDArray[np.int64]] = {"train": np.arange(n_rows)}
    notes = []
    wanted: tuple[tuple[PartName, float], ...] = (("test", test_fraction), ("validation", validation_fraction))
    for part, fraction in wanted:
        if fraction > 0:
            rest = rows["train"]
            if round(len(rest) * fraction) < 2:
                notes.append(f"All {len(rest)} rows were kept for training: they are too few for a {part} part.")
                continue
            first, second = split_rows(len(rest), fraction, seed, None if answers is None else answers[rest], name)
            rows["train"], rows[part] = rest[first], rest[second]
            notes.append(_split_note(len(second), len(rest), part, task, seed))
    return rows, notes
