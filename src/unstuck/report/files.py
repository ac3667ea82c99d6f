"""Writing a text so that a reader finds the old file or the new one, never half of it."""

from __future__ import annotations

import os
from pathlib import Path

from unstuck.errors import InputError


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 beside ``path`` and rename it there. Raises InputError where that is not possible."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"{path} cannot be written: {error.strerror or error}; give a path that can.") from None
