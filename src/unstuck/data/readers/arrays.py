"""Reads NumPy's own files, .npy and .npz, and tells by their names which arrays are inputs and which are targets."""

from __future__ import annotations

import ast
import io
import math
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unstuck.data.readers import contents
from unstuck.data.readers.found import ORDER, Arrays, Part, PartName, part_of
from unstuck.errors import InputError

INPUT_NAMES = (
    "x",
    "xs",
    "input",
    "inputs",
    "image",
    "images",
    "data",
    "feature",
    "features",
    "sample",
    "samples",
    "arr_0",
)
TARGET_NAMES = (
    "y",
    "ys",
    "t",
    "target",
    "targets",
    "label",
    "labels",
    "class",
    "classes",
    "output",
    "outputs",
    "arr_1",
)
HEADER_LIMIT = 10_000
"""Bytes; as in NumPy, so that a forged header cannot keep Python's parser busy."""
CLASS_NAMES = ("class_names", "label_names", "target_names")


def parse_npy(data: bytes, what: str) -> NDArray[Any]:
    """The array in the bytes of an .npy file; never a pickle. InputError when it is cut off, altered, or holds objects.

    Not by ``numpy.load``: that lets a damaged header cause any of a dozen errors, and does not miss bytes at the end.
    """
    try:
        kind, shape, in_columns, start = _parse_header(data)
    except (ValueError, TypeError, LookupError, SyntaxError, RecursionError, MemoryError) as error:
        raise InputError(f"{what}: the header of the NumPy file is damaged; save or fetch it again.") from error
    if kind.hasobject:
        raise InputError(
            f"{what}: holds Python objects, stored as a pickle, which can run any code when it is read and is therefore never "
            f"opened. Save arrays of numbers, or texts with dtype=str."
        )
    expected = math.prod(shape) * kind.itemsize
    if len(data) - start != expected:
        raise InputError(
            f"{what}: the NumPy header announces {' × '.join(map(str, shape)) or 'one'} values of type {kind}, {expected:,} "
            f"bytes, but {len(data) - start:,} follow; the file is cut off or altered. Save or fetch it again."
        )
    if expected == 0:
        return np.zeros(shape, kind)
    values = np.frombuffer(data, kind, offset=start)
    values = values.reshape(shape[::-1]).T if in_columns else values.reshape(shape)
    return values.astype(kind.newbyteorder("="), order="C")


def _parse_header(data: bytes) -> tuple[np.dtype[Any], tuple[int, ...], bool, int]:
    """Type, shape, whether columns come first, and where the values start (NumPy's format, versions 1 to 3)."""
    size = 2 if data[6] == 1 else 4
    start = 8 + size + int.from_bytes(data[8 : 8 + size], "little")
    if (
        not data.startswith(b"\x93NUMPY")
        or data[6] not in (1, 2, 3)
        or not 8 + size < start <= min(len(data), HEADER_LIMIT)
    ):
        raise ValueError("no header of a known version")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd escapes in a damaged header
        header = ast.literal_eval(data[8 + size : start].decode("utf-8" if data[6] == 3 else "latin-1").strip())
    shape = header["shape"]
    if not isinstance(shape, tuple) or not all(isinstance(side, int) and side >= 0 for side in shape):
        raise ValueError(f"shape {shape!r}")
    return np.lib.format.descr_to_dtype(header["descr"]), shape, bool(header["fortran_order"]), start


def read_npz(data: bytes, path: Path) -> Arrays:
    """The arrays of an .npz file, sorted by their names: x and y, or x_train, y_train, x_test, y_test, and the like."""
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if "xl/workbook.xml" in names:
                raise contents.foreign(path, "an Excel workbook")
            if any(name.endswith((".pkl", ".pickle")) for name in names):
                raise contents.foreign(path, "a zip file with a pickle in it, which is never opened", "Save")
            for name in names:
                if name.endswith(".npy"):
                    arrays[name.removesuffix(".npy")] = parse_npy(
                        archive.read(name), f"{path}: array {name.removesuffix('.npy')!r}"
                    )
    except InputError:
        raise
    except Exception as error:  # a damaged archive makes zipfile raise nearly anything
        raise InputError(f"{path}: the .npz file is cut off or altered; save or fetch it again.") from error
    if not arrays:
        raise InputError(
            f"{path}: the zip file holds no arrays ({_quoted(names[:3]) or 'it is empty'}); expected an .npz file."
        )
    return sort_by_name(arrays, contents.stem(path), str(path), lambda name: f"{path}: array {name!r}")


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def read_npy(data: bytes, path: Path) -> Arrays:
    """The rows of an .npy file, with the targets beside it by name: ``y.npy`` beside ``x.npy``, and the like."""
    array = parse_npy(data, str(path))
    role, part = _role(contents.stem(path))
    if role == "targets":
        raise InputError(f"{path}: by its name it holds targets; give the file with the inputs instead.")
    targets, found = None, "no file of targets beside it, such as 'y.npy' beside 'x.npy'"
    if role == "inputs":
        for other in sorted([*path.parent.glob("*.npy"), *path.parent.glob("*.npy.gz")]):
            if _role(contents.stem(other)) == ("targets", part):
                targets, found = parse_npy(contents.read_file(other), str(other)), str(other)
                break
    notes = (f"The targets of {path.name} are in {Path(found).name}.",) if targets is not None else ()
    return Arrays(contents.stem(path), {"all": _part(array, targets, str(path), found)}, notes=notes)


def read_folder(path: Path, files: list[Path]) -> Arrays:
    """All .npy files of a folder, sorted by their names like the arrays of an .npz file."""
    arrays = {contents.stem(file): parse_npy(contents.read_file(file), str(file)) for file in files}
    return sort_by_name(arrays, path.resolve().name, str(path), lambda name: str(path / f"{name}.npy"))


def sort_by_name(arrays: Mapping[str, NDArray[Any]], name: str, what: str, called: Callable[[str], str]) -> Arrays:
    """Inputs and targets of every part, found by the arrays' names; ``called(key)`` is how messages call an array.

    InputError when the names do not say which array holds the inputs.
    """
    inputs: dict[PartName, str] = {}
    targets: dict[PartName, str] = {}
    for key in arrays:
        role, part = _role(key)
        chosen = {"inputs": inputs, "targets": targets}.get(role or "")
        if chosen is not None:
            if part in chosen:
                raise InputError(
                    f"{what}: the arrays {chosen[part]!r} and {key!r} could both be the {role}; keep one of them."
                )
            chosen[part] = key
    notes = []
    if not inputs:
        inputs, targets = _by_shape(arrays, what)
        notes.append("Which arrays are inputs and targets was told by their shapes, not their names.")
    elif "all" in inputs and len(inputs) > 1:  # x beside x_test: x is the training part
        for chosen in (inputs, targets):
            if "all" in chosen and "train" not in chosen:
                chosen["train"] = chosen.pop("all")
    inputs = {part: inputs[part] for part in ORDER if part in inputs}
    parts = {}
    for part, key in inputs.items():
        answer = targets.get(part)
        missing = f"it has no array of targets, such as {key.replace('x', 'y') if 'x' in key else 'labels'!r}"
        parts[part] = _part(
            arrays[key], None if answer is None else arrays[answer], called(key), called(answer) if answer else missing
        )
    answers = [targets[part] for part in inputs if part in targets]
    notes.append(f"Inputs: {_quoted(inputs.values())}" + (f"; targets: {_quoted(answers)}." if answers else "."))
    used = {*inputs.values(), *answers, *CLASS_NAMES, "feature_names"}
    if unused := [key for key in arrays if key not in used]:
        notes.append(f"Not used: {_quoted(unused)}.")
    classes = next((_texts(arrays[key]) for key in CLASS_NAMES if key in arrays), None)
    features = _texts(arrays["feature_names"]) if "feature_names" in arrays else None
    return Arrays(name, parts, class_names=classes, feature_names=features, notes=tuple(notes))


def _role(key: str) -> tuple[str | None, PartName]:
    """Whether a name is that of inputs or of targets, and of which part: ``X_train`` is ("inputs", "train")."""
    words = [word.lower() for word in re.split(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])", key) if word]
    parts = [part for word in words if (part := part_of(word))]
    rest = "_".join(word for word in words if not part_of(word))
    role = "inputs" if rest in INPUT_NAMES else "targets" if rest in TARGET_NAMES else None
    return role, parts[0] if parts else "all"


def _by_shape(arrays: Mapping[str, NDArray[Any]], what: str) -> tuple[dict[PartName, str], dict[PartName, str]]:
    """One array alone is the inputs; of two with equally many rows, the one with more axes."""
    keys = [key for key in arrays if _role(key)[0] is None and key not in (*CLASS_NAMES, "feature_names")]
    if len(keys) == 1 and arrays[keys[0]].ndim >= 2:
        return {"all": keys[0]}, {}
    if len(keys) == 2:
        first, second = sorted(keys, key=lambda key: -arrays[key].ndim)
        if arrays[first].ndim > arrays[second].ndim == 1 and len(arrays[first]) == len(arrays[second]):
            return {"all": first}, {"all": second}
    raise InputError(
        f"{what}: the arrays are called {_quoted(arrays)}; cannot tell inputs from targets. Call them x and y, "
        f"or x_train, y_train, x_test and y_test."
    )


def _part(inputs: NDArray[Any], targets: NDArray[Any] | None, what: str, what_targets: str) -> Part:
    if inputs.ndim == 1 and inputs.dtype.names is None:
        inputs = inputs.reshape(-1, 1)  # one value per row
    return Part(inputs, targets, what, what_targets)


def _texts(array: NDArray[Any]) -> tuple[str, ...] | None:
    return tuple(map(str, array.tolist())) if array.ndim == 1 and array.dtype.kind in "US" else None
