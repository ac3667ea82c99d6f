"""Tells what a file is by its first bytes, and unpacks gzip: the ending of its name plays no part."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path
from typing import Literal

from unstuck.errors import InputError

Kind = Literal["idx", "npy", "zip", "picture", "text"]

IDX_MAGIC = re.compile(rb"\x00\x00[\x08\x09\x0b-\x0e][\x01-\x08]", re.DOTALL)
PICTURE_MAGIC = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8|BM.{4}\0\0\0\0|II\*\0|MM\0\*|RIFF.{4}WEBP|P[1-6]\s", re.DOTALL
)
HEAD_BYTES = 512

FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (
        rb"\x80[\x02-\x05][^\x00]",
        "a pickle, which can run any code when it is read and is therefore never opened",
        "Save",
    ),
    (rb"\x89HDF\r\n", "an HDF5 file", "Export"),
    (rb"PAR1", "a Parquet file", "Export"),
    (rb"ARROW1", "an Arrow file", "Export"),
    (rb"\xd0\xcf\x11\xe0", "an old Excel file", "Export"),
    (rb"SQLite format 3\0", "an SQLite database", "Export"),
    (rb"MATLAB 5\.0", "a MATLAB file", "Export"),
    (rb"%PDF", "a PDF", "Export"),
    (rb"BZh[1-9]", "compressed with bzip2", "Unpack it, or save"),
    (rb"\xfd7zXZ\0", "compressed with xz", "Unpack it, or save"),
    (rb"\x28\xb5\x2f\xfd", "compressed with Zstandard", "Unpack it, or save"),
    (rb".{5}\0\0\0\{", "a safetensors file, so a model and not data", "Give data: save"),
    (rb"\s*<(!DOCTYPE|\?xml|html|svg)", "a web page or XML", "Download the data itself, or export"),
    (rb"\s*[{\[]\s*[\"{\[\]}]", "JSON text", "Export"),
)


def read_file(path: Path) -> bytes:
    """The file's bytes, unpacked if they are gzip. InputError when it cannot be read, is empty, or is a damaged gzip file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()}).") from error
    return _unpacked(data, path)


def _unpacked(data: bytes, path: Path) -> bytes:
    if data.startswith(b"\x1f\x8b"):
        try:
            data = gzip.decompress(data)
        except EOFError as error:
            raise InputError(f"{path}: the gzip file is cut off after {len(data):,} bytes; fetch it again.") from error
        except (zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{path}: the gzip file is damaged; fetch it again.") from error
    if not data:
        raise InputError(f"{path}: the file is empty; expected data.")
    return data


def stem(path: Path) -> str:
    """The name of a file or folder without its endings: ``iris`` for ``data/iris.csv.gz``."""
    return path.resolve().name.removesuffix(".gz").rsplit(".", 1)[0] or path.name


def head_of(path: Path) -> bytes:
    """The first bytes of a file, unpacked if they are gzip; empty when there are none or they cannot be unpacked."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return b""
    if head.startswith(b"\x1f\x8b"):
        try:
            return zlib.decompressobj(wbits=31).decompress(head)[:HEAD_BYTES]
        except zlib.error:
            return b""
    return head


def kind_of(head: bytes, path: Path) -> Kind:
    """What the bytes are. InputError, naming the format if it is known, for anything that no reader here understands."""
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if IDX_MAGIC.match(head):
        return "idx"
    if PICTURE_MAGIC.match(head):
        return "picture"
    for magic, what, verb in FOREIGN:
        if re.match(magic, head, re.DOTALL):
            raise foreign(path, what, verb)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or not (b"\0" in head or _share_of_controls(head) > 0.05):
        return "text"
    raise InputError(
        f"{path}: the file is not recognised (it starts with {head[:4].hex(' ')}); expected CSV, IDX, .npy, .npz or pictures."
    )


def foreign(path: Path, what: str, verb: str = "Export") -> InputError:
    """The error for a file of a known format that is not read."""
    return InputError(f"{path}: the file is {what}. {verb} the data as CSV or .npz.")


def _share_of_controls(head: bytes) -> float:
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
    return controls / max(1, len(head))
