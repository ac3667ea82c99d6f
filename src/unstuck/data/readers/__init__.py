"""Opens a file or folder with the reader that its contents ask for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unstuck.data.readers import arrays, contents, idx, pictures, table
from unstuck.data.readers.found import Arrays, Part, PartName
from unstuck.data.readers.table import Table
from unstuck.errors import InputError

__all__ = ["Arrays", "Part", "PartName", "Table", "read"]


def read(
    path: Path,
    *,
    delimiter: str | None = None,
    header: bool | None = None,
    known_names: Sequence[str] = (),
    as_text: bool = False,
    channels: int | None = None,
) -> Arrays | Table:
    """What a file or folder holds: arrays in their parts, or a table.

    ``delimiter``, ``header``, ``known_names`` and ``as_text`` are for text tables, ``channels`` (1 or 3) for pictures. A
    structured or rank-2 .npy file without targets beside it is a table, whose target is one of its columns. Raises InputError,
    one sentence, for everything that cannot be read.
    """
    if path.is_dir():
        return _read_folder(path, channels)
    data = contents.read_file(path)
    match contents.kind_of(data[: contents.HEAD_BYTES], path):
        case "idx":
            return idx.read_file(data, path)
        case "npy":
            found = arrays.read_npy(data, path)
            return _table_of(found.parts["all"]) or found
        case "zip":
            found = arrays.read_npz(data, path)
            return (_table_of(found.parts["all"]) if "all" in found.parts else None) or found
        case "picture":
            return pictures.read_file(path, channels)
        case "text":
            return table.read(data, path, delimiter, header, known_names, as_text)


def _read_folder(path: Path, channels: int | None) -> Arrays:
    try:
        files = sorted(entry for entry in path.iterdir() if entry.is_file() and not entry.name.startswith("."))
        heads = {file: contents.head_of(file) for file in files}
        if chosen := [file for file, head in heads.items() if contents.IDX_MAGIC.match(head)]:
            return idx.read_folder(path, chosen)
        if chosen := [file for file, head in heads.items() if head.startswith(b"\x93NUMPY")]:
            return arrays.read_folder(path, chosen)
        found = pictures.read_folder(path, channels)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()}).") from error
    if found is None:
        raise InputError(
            f"{path}: the folder holds no data; expected IDX or .npy files, or one folder of pictures per class. "
            f"For any other kind of file give the path of the file itself."
        )
    return found


def _table_of(part: Part) -> Table | None:
    """A table of the rows of an array without targets, if each row is a vector: one of its columns may be the target."""
    rows = part.inputs
    if part.targets is not None or rows.ndim > 2:
        return None
    if rows.dtype.names is not None:
        return Table(part.what, rows.dtype.names, True, [_field(rows, name, part.what) for name in rows.dtype.names])
    if rows.dtype.kind not in "biuf" or rows.shape[1] < 2:
        return None
    names = tuple(f"column {k + 1}" for k in range(rows.shape[1]))
    return Table(part.what, names, False, list(rows.astype(float).T))


def _field(rows: NDArray[Any], name: str, what: str) -> NDArray[np.float64] | list[str]:
    values = rows[name]
    if values.ndim != 1 or values.dtype.kind not in "biufUS":
        raise InputError(
            f"{what}: the field {name!r} has the type {rows.dtype[name]}; expected one number or text per row. Leave it out."
        )
    return values.astype(np.str_).tolist() if values.dtype.kind in "US" else values.astype(np.float64)
