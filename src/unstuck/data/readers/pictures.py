"""Reads pictures: single files, or folders with one folder per class, into one array of bytes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unstuck.data.readers import contents
from unstuck.data.readers.found import Arrays, Part, PartName, part_of
from unstuck.errors import InputError

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm")
GREY_MODES = ("1", "L", "LA", "La")
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L")


def read_folder(path: Path, channels: int | None = None) -> Arrays | None:
    """Pictures of a folder: one folder per class, perhaps inside ``train`` and ``test``; or pictures alone, without labels.

    ``channels``: 1 turns them grey, 3 into colour; None keeps them as they are. None when there is no picture at all.
    """
    folders = _folders(path)
    by_part = {part: folder for folder in folders if (part := part_of(folder.name)) and _folders(folder)}
    if folders and not by_part and all(part_of(folder.name) for folder in folders):
        raise InputError(
            f"{path}: the folders {', '.join(f.name for f in folders)} hold pictures without a class; expected one folder per "
            f"class in each of them."
        )
    roots: dict[PartName, Path] = dict(by_part) if "train" in by_part else {"all": path}
    files: dict[PartName, list[Path]] = {}
    labels: dict[PartName, list[str]] = {}
    left_out = 0
    for part, root in roots.items():
        files[part], labels[part] = [], []
        for folder in _folders(root) or [root]:
            found, others = _pictures_in(folder)
            left_out += others
            if not found and folder != root:
                raise InputError(
                    f"{folder}: holds no pictures; every folder must hold the pictures of one class. Remove it."
                )
            files[part] += found
            labels[part] += [folder.name] * len(found)
    if not any(files.values()):
        return None
    everything = [file for chosen in files.values() for file in chosen]
    pixels, notes = read_pictures(everything, channels)
    if left_out:
        notes += (
            f"{left_out} file{'s' if left_out > 1 else ''} without a picture {'were' if left_out > 1 else 'was'} left out.",
        )
    parts: dict[PartName, Part] = {}
    start = 0
    for part, chosen in files.items():
        labelled = bool(_folders(roots[part]))
        targets = np.array(labels[part], dtype=np.str_) if labelled else None
        called = f"{roots[part]}: the names of its folders" if labelled else "it has no folders, one for each class"
        names = tuple(str(file.relative_to(path)) for file in chosen)
        parts[part] = Part(pixels[start : start + len(chosen)], targets, str(roots[part]), called, names)
        start += len(chosen)
    return Arrays(path.resolve().name, parts, image_shape=pixels.shape[1:], notes=notes)


def read_file(path: Path, channels: int | None = None) -> Arrays:
    """A single picture, without a label."""
    pixels, notes = read_pictures([path], channels)
    part = Part(pixels, None, str(path), "a single picture has no label", (path.name,))
    return Arrays(contents.stem(path), {"all": part}, image_shape=pixels.shape[1:], notes=notes)


def read_pictures(files: Sequence[Path], channels: int | None = None) -> tuple[NDArray[Any], tuple[str, ...]]:
    """All pictures as one array: (N, H, W) if all are grey, else (N, H, W, 3); bytes, or uint16 if all have 16-bit greys.

    InputError naming the first picture that is of another size, or that cannot be read.
    """
    from PIL import Image

    modes = set()
    size = None
    for file in files:
        with _opened(Image, file) as picture:
            modes.add(picture.mode)
            size = size or picture.size
            if picture.size != size:
                raise InputError(
                    f"{file}: is {picture.width} × {picture.height} pixels, but {files[0]} is {size[0]} × {size[1]}; "
                    f"all pictures must have one size. Resize them first."
                )
    deep = modes <= set(DEEP_MODES)
    if not deep and modes & {*DEEP_MODES, "F"}:
        raise InputError(
            f"{files[0].parent}: the pictures mix 16-bit greys with other kinds; convert them to one kind."
        )
    grey = channels == 1 or (channels is None and modes <= set(GREY_MODES))
    mode, kind = ("I", np.uint16) if deep else ("L" if grey else "RGB", np.uint8)
    assert size is not None
    pixels = np.empty((len(files), size[1], size[0]) if deep or grey else (len(files), size[1], size[0], 3), kind)
    for row, file in enumerate(files):
        with _opened(Image, file) as picture:
            pixels[row] = np.asarray(picture.convert(mode))
    notes = [f"The pictures are {size[0]} × {size[1]} pixels, {'grey' if pixels.ndim == 3 else 'in colour'}."]
    if modes & {"LA", "La", "RGBA", "PA"}:
        notes.append("Transparency was dropped.")
    return pixels, tuple(notes)


@contextmanager
def _opened(image: Any, file: Path) -> Iterator[Any]:
    """The picture in a file; what goes wrong while it is open becomes an InputError that names it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damaged side information, which nobody here asks for
        warnings.simplefilter("error", image.DecompressionBombWarning)
        try:
            with image.open(file) as picture:
                yield picture
        except InputError:
            raise
        except (image.DecompressionBombWarning, image.DecompressionBombError) as error:
            raise InputError(
                f"{file}: the picture is too large to be read as one example; cut or shrink it first."
            ) from error
        except Exception as error:  # a damaged file makes Pillow raise nearly anything
            raise InputError(f"{file}: is no picture, or a damaged one; remove it, or save it again as PNG.") from error


def _folders(path: Path) -> list[Path]:
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith((".", "__")))


def _pictures_in(folder: Path) -> tuple[list[Path], int]:
    """The pictures of a folder and of the folders in it, in order, and how many other files there are."""
    files = [
        entry
        for entry in sorted(folder.rglob("*"))
        if entry.is_file() and not entry.name.startswith(".") and entry.name != "Thumbs.db"
    ]
    pictures = [f for f in files if contents.PICTURE_MAGIC.match(contents.head_of(f)) or f.suffix.lower() in ENDINGS]
    return pictures, len(files) - len(pictures)
