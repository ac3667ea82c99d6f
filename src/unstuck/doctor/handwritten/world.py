"""The world that a watched program sees: a terminal that keeps what is printed, files that are not written over, its modules."""

from __future__ import annotations

import builtins
import hashlib
import importlib.util
import io
import os
import types
from pathlib import Path
from typing import Any

OUTPUT_LIMIT = 400_000  # characters of printed output that are kept


class Output(io.TextIOBase):
    """Stands for the terminal: keeps what is printed, up to a limit."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.size = 0

    def write(self, text: str) -> int:
        if self.size < OUTPUT_LIMIT:
            self.parts.append(str(text))
            self.size += len(text)
        return len(text)

    def isatty(self) -> bool:
        return False

    def text(self) -> str:
        return "".join(self.parts)


def guard_writes(scratch: Path) -> None:
    """Files that the program writes go to the scratch folder; reading them again finds them there."""
    real_open = io.open

    def own(path: Any) -> Path:
        return scratch / hashlib.sha1(os.path.abspath(os.fspath(path)).encode()).hexdigest()

    def guarded(file: Any, mode: str = "r", *args: Any, **named: Any) -> Any:
        if isinstance(file, (str, os.PathLike)):
            if any(letter in mode for letter in "wax+"):
                target = own(file)
                if "w" not in mode and "x" not in mode and not target.exists() and os.path.exists(file):
                    target.write_bytes(Path(file).read_bytes())
                return real_open(target, mode, *args, **named)
            if own(file).exists():
                return real_open(own(file), mode, *args, **named)
        return real_open(file, mode, *args, **named)

    builtins.open = io.open = guarded  # pathlib uses the second name
    os.mkdir = lambda *a, **k: None
    os.makedirs = lambda *a, **k: None
    for name in ("remove", "unlink", "rename", "replace", "rmdir"):
        setattr(os, name, lambda *a, **k: None)


def repeatable(real: Any, seed: int) -> Any:
    """``default_rng`` that draws the same numbers in each run where the program gives no seed."""
    drawn = 0

    def default_rng(seed_given: Any = None) -> Any:
        nonlocal drawn
        if seed_given is None:
            drawn += 1
            seed_given = [seed, drawn]
        return real(seed_given)

    return default_rng


class Beside:
    """Finds the modules beside the program, with the texts of this variant."""

    def __init__(self, codes: dict[str, tuple[str, types.CodeType]]) -> None:
        self.codes = codes

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in self.codes:
            return None
        return importlib.util.spec_from_loader(
            name,
            self,  # type: ignore[arg-type]
            origin=self.codes[name][0],
        )

    def create_module(self, spec: Any) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        file, code = self.codes[module.__name__]
        module.__file__ = file
        exec(code, module.__dict__)
