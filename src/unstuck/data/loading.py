"""The way in: a data set by its name or path, and new data in the form that a model was trained on."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unstuck.data import assemble, catalogue, columns, labels, readers, text, validate
from unstuck.data.dataset import Dataset, Splits, checked_task, folded
from unstuck.data.preprocessing import Preprocessing
from unstuck.data.readers import Arrays, Part, PartName, Table, contents
from unstuck.errors import InputError, nearest, unknown_name

Location = str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """Inputs to predict from."""

    inputs: NDArray[Any]
    """(N, *input_shape), as stored; the model's preprocessing is still to be applied."""
    name: str
    row_names: tuple[str, ...] | None = None
    """What each row is called, if it has a name: for pictures, their files."""
    notes: tuple[str, ...] = ()


def load(
    name_or_path: Location,
    *,
    target: str | int | Sequence[str] | None = None,
    task: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    test_fraction: float = 0.2,
    validation_fraction: float = 0.0,
    seed: int = 0,
) -> Splits:
    """A data set by name (see :func:`names`), or from a file or folder, in its parts.

    Files are recognised by what they hold: CSV and its kin, IDX, .npy, .npz, pictures; any of them gzipped, except pictures.
    target: for tables, the column to predict, by name or by number from 0, or several. task: "classification" or "regression".
    delimiter, header: for tables. All of these are guessed if not given; ``Splits.notes`` says how.
    test_fraction: for data without a test part of its own, the share of all rows, 0 for none. validation_fraction: the share
    of the rows that are left. seed: for the split, and for generated data sets.

    Raises InputError, in one sentence, for an unknown name, a file that is not what it says, and data that cannot be used.

    >>> load("xor", test_fraction=0.25).test
    <Dataset 'xor': 250 rows of shape (2,) float64, classification into 2 classes>
    """
    called = os.fspath(name_or_path)
    options = {"target": target, "delimiter": delimiter, "header": header}
    if called in catalogue.names():
        _only_for_tables(options, called)
        facts = catalogue.describe(called)
        if task is not None and checked_task(task, np.zeros(0)) != facts.task:
            raise InputError(f"data set {called!r} is for {facts.task}, not for {task}; leave the task out.")
        train, test = catalogue.load(called, seed)
        return assemble.divided(train, None, test, (), test_fraction, validation_fraction, seed)
    path = _existing(called)
    found = readers.read(path, delimiter=delimiter, header=header)
    if isinstance(found, Table):
        return assemble.from_table(found, contents.stem(path), target, task, test_fraction, validation_fraction, seed)
    _only_for_tables(options, called)
    return assemble.from_arrays(found, task, test_fraction, validation_fraction, seed)


def load_inputs(name_or_path: Location, like: Preprocessing) -> Unlabelled:
    """Rows to predict from, read as the training data of ``like`` were; targets, if there are any, are left out.

    A table's columns are found by name, or by place without a header; pictures become grey or coloured like those of the
    training data; data with a test part give that part. Raises InputError when the rows do not fit.
    """
    called = os.fspath(name_or_path)
    if like.how == "characters":
        raise InputError(
            f"the model tells the next character of a text; let it write with: unstuck sample MODEL, not on {called}."
        )
    if called in catalogue.names():
        return Unlabelled(_shaped(_known(called).inputs, like, called), called)
    path = _existing(called)
    found = _read_like(path, like)
    if isinstance(found, Table):
        return Unlabelled(_table_inputs(found, like), contents.stem(path), None, found.notes)
    part = _part_to_use(found)
    return Unlabelled(_part_inputs(part, found, like), found.name, part.row_names, found.notes)


def load_labelled(name_or_path: Location, like: Preprocessing) -> Dataset:
    """Rows with their targets to measure a model on, read as its training data were; of data in parts, the test part.

    Raises InputError when the rows do not fit, when there are no targets, and for a class that the model does not know.
    """
    called = os.fspath(name_or_path)
    if like.how == "characters":
        name, characters = text.read(called)
        return text.windows(characters, like.class_names or (), (like.input_shape or (text.STEPS,))[0], name)
    if called in catalogue.names():
        data = _known(called)
        if like.task is not None and (data.task, data.class_names) != (like.task, like.class_names):
            raise InputError(
                f"data set {called!r} is for {_task_shown(data.task, data.class_names)}, but the model was trained for "
                f"{_task_shown(like.task, like.class_names)}."
            )
        return replace(data, inputs=_shaped(data.inputs, like, called), image_shape=like.image_shape)
    path = _existing(called)
    found = _read_like(path, like)
    where: labels.Where
    if isinstance(found, Table):
        inputs, name = _table_inputs(found, like), contents.stem(path)
        targets, what = _table_targets(found, like)
        where = found.row
    else:
        part = _part_to_use(found)
        inputs, name = _part_inputs(part, found, like), found.name
        targets, what = assemble.targets_of(part), part.what_targets
        where = assemble.row_of(part)
        validate.check_same_length(inputs, targets, part.what)
    task = like.task or labels.guess_task(targets)[0]
    answers, classes = assemble.answers_of(targets, task, like.class_names, what, where)
    return Dataset(inputs, answers, name, task, classes, like.feature_names, like.image_shape, "none", like.layout)


def _known(name: str) -> Dataset:
    """The test part of a known data set, or all its rows when it has none of its own."""
    rows, test = catalogue.load(name)
    return test if test is not None else rows


def _existing(called: str) -> Path:
    """The path, if there is something. InputError with the nearest known data set, or the nearest file beside it."""
    path = Path(called)
    if path.exists():
        return path
    if path.name == called and not path.suffix:
        raise InputError(
            f"{unknown_name('data set', called, catalogue.names())}; or give the path of a file or folder."
        )
    try:
        beside = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        raise InputError(f"no file {called!r}: there is no folder {str(path.parent)!r}.") from None
    close = nearest(path.name, beside)
    hint = (
        f"; did you mean {str(path.with_name(close))!r}?"
        if close
        else ". Give the path of a file, or one of the known names."
    )
    raise InputError(f"no file or folder {called!r}{hint}")


def _only_for_tables(options: Mapping[str, object], called: str) -> None:
    for option, value in options.items():
        if value is not None:
            raise InputError(
                f"{called}: {option} {value!r} was given, but that is for tables and this is none. Leave it out."
            )


def _read_like(path: Path, like: Preprocessing) -> Arrays | Table:
    layout = like.layout
    names = layout.names if layout is not None and layout.has_header else ()
    texts = layout is not None and any(column.categories is not None for column in layout.inputs)
    shape = like.image_shape
    channels = None if shape is None else 1 if len(shape) == 2 else shape[2]
    return readers.read(path, known_names=names, as_text=texts, channels=channels)


def _table_inputs(table: Table, like: Preprocessing) -> NDArray[Any]:
    if like.layout is not None:
        return _shaped(columns.encode(table, like.layout, columns.match(table, like.layout)), like, table.what)
    rows = np.column_stack([table.strict_numbers(name) for name in table.names])  # the model was not trained on a table
    return _shaped(rows, like, table.what)


def _table_targets(table: Table, like: Preprocessing) -> tuple[NDArray[Any], str]:
    layout = like.layout
    names = columns.match_targets(table, layout) if layout is not None else None
    if names is None:
        wanted = "a target column" if layout is None else f"the target column {', '.join(map(repr, layout.targets))}"
        raise InputError(f"{table.what}: lacks {wanted}, which evaluation needs. Add it, or only predict.")
    return columns.target_values(table, names, like.task), f"{table.what}: column {names[0]!r}"


def _part_to_use(found: Arrays) -> Part:
    """The test part of data that come in parts; else all rows."""
    wanted: tuple[PartName, ...] = ("test", "all", "validation", "train")
    return next(found.parts[part] for part in wanted if part in found.parts)


def _part_inputs(part: Part, found: Arrays, like: Preprocessing) -> NDArray[Any]:
    rows = validate.as_inputs(part.inputs, part.what)
    if like.image_shape is not None:
        rows, _, _ = assemble.as_pictures(rows, found.image_shape)
    return _shaped(rows, like, part.what)


def _shaped(inputs: NDArray[Any], like: Preprocessing, what: str) -> NDArray[Any]:
    """Inputs with rows of the shape that the model was trained on. InputError when they have another number of values."""
    if like.input_shape is None:
        return inputs
    if inputs[0].size != np.prod(like.input_shape):
        validate.check_row_shape(inputs, like.input_shape, what)
    return folded(inputs, like.input_shape, what)


def _task_shown(task: str, class_names: Sequence[str] | None) -> str:
    return task if class_names is None else f"{task} into {validate.listed(class_names)}"
