"""Writing a file so that a reader finds the old one or the new one, never half of it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from unstuck.errors import InputError


def check_writable(path: str | Path) -> Path:
    """InputError now, before hours of work, if ``path`` could not be written later."""
    path = Path(path)
    folder = path.parent if str(path.parent) else Path(".")
    if path.is_dir():
        raise InputError(
            f"{path} is a folder; expected the name of a file to write, such as {path / 'model.safetensors'}."
        )
    if not folder.is_dir():
        raise InputError(f"{path}: the folder {folder} does not exist; create it or choose another place.")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{path}: the folder {folder} cannot be written to; choose another place.")
    return path


def write_whole(path: Path, data: bytes | str) -> None:
    """Write a file (text as UTF-8) beside its place and rename it there. InputError where that is not possible."""
    check_writable(path)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = file.name
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another place.") from None
    finally:
        # After the renaming there is nothing left to remove; after anything else, Ctrl-C included, there may be.
        if temporary is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
