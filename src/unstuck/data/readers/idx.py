"""Reads IDX, the format of MNIST and its successors (LeCun): arrays of one type behind a short header."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unstuck.data.readers import contents
from unstuck.data.readers.found import Arrays, Part, PartName, part_of
from unstuck.errors import InputError

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def parse(data: bytes, what: str) -> NDArray[Any]:
    """The array in the bytes of an IDX file, in this machine's byte order. InputError unless its length is exactly right."""
    if not contents.IDX_MAGIC.match(data):
        raise InputError(
            f"{what}: is not an IDX file; it starts with {data[:4].hex(' ')}, expected 00 00, a type and a rank."
        )
    stored, rank = np.dtype(TYPES[data[2]]), data[3]
    header = 4 + 4 * rank
    if len(data) < header:
        raise InputError(
            f"{what}: the IDX header is cut off after {len(data)} bytes of {header}; fetch the file again."
        )
    shape = tuple(np.frombuffer(data, ">u4", rank, 4).tolist())
    expected = stored.itemsize
    for size in shape:
        expected *= size
    if len(data) - header != expected:
        raise InputError(
            f"{what}: the IDX header announces {' × '.join(map(str, shape))} values, {expected:,} bytes, but "
            f"{len(data) - header:,} follow; the file is cut off or altered. Fetch it again."
        )
    values = np.frombuffer(data, stored, offset=header).reshape(shape)
    return values.astype(stored.newbyteorder("="))


def read_file(data: bytes, path: Path) -> Arrays:
    """The rows of an IDX file, with the labels beside it by MNIST's naming: ``…images-idx3…`` and ``…labels-idx1…``."""
    part, notes = _read_pair(path, parse(data, str(path)))
    return Arrays(contents.stem(path), {"all": part}, notes=notes)


def read_folder(path: Path, files: list[Path]) -> Arrays:
    """All IDX files of a folder: the training part, and the test and validation parts as far as they are there."""
    rows: dict[PartName, Path] = {}
    for file in files:
        if _labels_name(file.name) is None:
            continue
        part: PartName = next((p for word in re.split(r"[-_. ]", file.name) if (p := part_of(word))), "all")
        if part in rows:
            raise InputError(
                f"{path}: {rows[part].name} and {file.name} could both be the data; give the path of one of them."
            )
        rows[part] = file
    if not rows:
        raise InputError(
            f"{path}: the IDX files {', '.join(f.name for f in files)} are not named as in MNIST; expected "
            f"'train-images-idx3-ubyte' and 'train-labels-idx1-ubyte'. Rename them, or give the path of one file."
        )
    parts: dict[PartName, Part] = {}
    notes: list[str] = []
    for part, file in rows.items():
        parts[part], new = _read_pair(file, parse(contents.read_file(file), str(file)))
        notes += new
    return Arrays(path.resolve().name, parts, notes=tuple(notes))


def _labels_name(name: str) -> str | None:
    """The name of the labels that belong to a file of images, or None when the name does not say "images"."""
    if not re.search("images?", name, re.IGNORECASE):
        return None
    return re.sub("idx[2-9]", "idx1", re.sub("image(s?)", r"label\1", name, flags=re.IGNORECASE))


def _read_pair(path: Path, rows: NDArray[Any]) -> tuple[Part, tuple[str, ...]]:
    if rows.ndim == 1:
        raise InputError(f"{path}: holds one number per row, so labels; give the file with the images instead.")
    name = _labels_name(path.name)
    if name is None:
        return Part(
            rows, None, str(path), "the name does not contain 'images', so its labels cannot be found by name"
        ), ()
    for candidate in (name, f"{name}.gz", name.removesuffix(".gz")):
        labels = path.with_name(candidate)
        if labels.is_file():
            targets = parse(contents.read_file(labels), str(labels))
            if targets.ndim != 1:
                raise InputError(f"{labels}: has shape {targets.shape}; expected one label per row, ({len(rows)},).")
            return Part(rows, targets, str(path), str(labels)), (f"The labels of {path.name} are in {labels.name}.",)
    return Part(rows, None, str(path), f"no file {name!r} beside it"), ()
