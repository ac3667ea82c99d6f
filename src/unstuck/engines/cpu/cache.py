"""Compiled programs kept from one run to the next, in the user's cache folder.

Object code is run as it is loaded. So a folder or file that somebody else owns or may write to is not read: the program is
compiled afresh instead. Files are written beside and renamed, so several processes may share the folder; each begins with a
checksum, and one that is damaged is compiled again and replaced. Without a folder that can be written everything still works,
only without memory.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

MAGIC = b"unstuck kernels 1\n"
MOST_FILES = 1000  # beyond, the half that was used longest ago is removed


def folder() -> Path | None:
    """The folder of compiled programs, by the platform's rules; UNSTUCK_CACHE names another one, and "off" none."""
    chosen = os.environ.get("UNSTUCK_CACHE", "")
    if chosen == "off":
        return None
    if chosen:
        return Path(chosen)
    try:
        if sys.platform == "win32":
            base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # no home
        return None
    return base / "unstuck" / "kernels"


@functools.cache
def generator() -> str:
    """A hash of the code that generates programs, and of the compiler behind it: another version, other programs."""
    import llvmlite

    digest = hashlib.sha256(llvmlite.__version__.encode())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def kept(key: str, make: Callable[[], bytes]) -> bytes:
    """What ``make`` gives, from the cache where it is there; ``key`` says all that it depends on."""
    place = folder()
    if place is None:
        return make()
    name = hashlib.sha256(f"{generator()} {key}".encode()).hexdigest()[:40] + ".o"
    code = _read(place, name)
    if code is None:
        code = make()
        with contextlib.suppress(OSError):
            _write(place, name, code)
    return code


def _read(place: Path, name: str) -> bytes | None:
    try:
        if not _is_ours(place) or not _is_ours(place / name):
            return None
        content = (place / name).read_bytes()
        with contextlib.suppress(OSError):
            os.utime(place / name)
    except OSError:
        return None
    head = len(MAGIC) + hashlib.sha256().digest_size
    checksum, code = content[len(MAGIC) : head], content[head:]
    return code if content.startswith(MAGIC) and hashlib.sha256(code).digest() == checksum else None


def _is_ours(path: Path) -> bool:
    """Whether only this user may write here."""
    if sys.platform == "win32":
        return path.exists()
    found = path.lstat()
    usual = stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)
    return usual and found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _write(place: Path, name: str, code: bytes) -> None:
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_ours(place):
        return
    handle, beside = tempfile.mkstemp(dir=place, suffix=".part")  # readable and writable by this user alone
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(MAGIC + hashlib.sha256(code).digest() + code)
        os.replace(beside, place / name)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    _forget_oldest(place)


def _forget_oldest(place: Path) -> None:
    files = list(place.iterdir())
    if len(files) > MOST_FILES:
        for path in sorted(files, key=lambda p: p.stat().st_mtime)[: MOST_FILES // 2]:
            path.unlink(missing_ok=True)
