"""The program under diagnosis as text: its main file, the modules beside it, or the cells of a notebook."""

from __future__ import annotations

import ast
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from unstuck.errors import InputError

LARGEST_FILE = 4_000_000  # characters; a program by hand is a thousand times shorter


@dataclass(frozen=True)
class Program:
    """Source texts of one program. ``sources`` maps a file's name relative to ``folder`` to its text.

    ``main`` is the key of the file that is run as ``__main__``; the others are modules that it imports from beside it.
    A notebook is one text: its code cells one after the other, line magics turned into comments.
    """

    folder: Path
    main: str
    sources: dict[str, str]

    @property
    def text(self) -> str:
        """The text of the main file."""
        return self.sources[self.main]

    def with_source(self, file: str, text: str) -> Program:
        """The same program with another text for one of its files (never written to disk)."""
        return dataclasses.replace(self, sources={**self.sources, file: text})

    def line(self, file: str, number: int) -> str:
        """Line ``number`` (from 1) as the user wrote it, without its indentation."""
        lines = self.sources[file].splitlines()
        return lines[number - 1].strip() if 1 <= number <= len(lines) else ""

    def outside_imports(self) -> list[str]:
        """Modules that the program imports from elsewhere, dotted names, in order of appearance."""
        found: dict[str, None] = {}
        beside = {Path(name).stem for name in self.sources}
        for text in self.sources.values():
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names = [node.module]
                else:
                    continue
                found.update((name, None) for name in names if name.split(".")[0] not in beside)
        return list(found)


def load(path: str | Path) -> Program:
    """Read a ``.py`` file or an ``.ipynb`` notebook and the modules beside it that it imports.

    Raises
    ------
    InputError
        The file is missing, is no Python, or has a syntax error; the sentence names the line.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the Python file (or notebook) that trains the network.")
    if not path.exists():
        raise InputError(f"there is no file {path}; give the Python file (or notebook) that trains the network.")
    text = _notebook(path) if path.suffix == ".ipynb" else _text(path)
    return from_text(text, path.parent.resolve(), path.name)


def from_text(text: str, folder: Path, name: str) -> Program:
    """The program with this main text, run as if it lay in ``folder`` under ``name``."""
    sources = {name: text}
    waiting = [name]
    while waiting:
        file = waiting.pop()
        for wanted in _imports(_parse(sources[file], file)):
            beside = folder / (wanted.replace(".", "/") + ".py")
            key = beside.relative_to(folder).as_posix()
            if key not in sources and beside.is_file():
                sources[key] = _text(beside)
                waiting.append(key)
    return Program(folder, name, sources)


def _imports(tree: ast.Module) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not a Python text file (byte {error.start} is not UTF-8).") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    if len(text) > LARGEST_FILE or "\0" in text:
        raise InputError(f"{path.name} is not a Python text file ({len(text)} characters, or zero bytes in it).")
    return text


def _parse(text: str, file: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        place = f"line {error.lineno}" if error.lineno else "an unknown line"
        shown = (error.text or "").strip()
        raise InputError(
            f"{file} is not valid Python: {error.msg} in {place}" + (f": {shown}" if shown else ".")
        ) from None


def _notebook(path: Path) -> str:
    try:
        cells = json.loads(_text(path))["cells"]
        code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path.name} is not a notebook of format 4 (no list of cells in it).") from None
    lines = []
    for cell in code:
        if cell.startswith("%%"):  # a cell in another language, or timed: keep the lines, run none of them
            lines += [f"# {line}" for line in cell.splitlines()]
        else:
            lines += [_without_magic(line) for line in cell.splitlines()]
        lines.append("")
    return "\n".join(lines) + "\n"


def _without_magic(line: str) -> str:
    bare = line.lstrip()
    if bare.startswith(("%", "!", "?")) or bare.rstrip().endswith("?"):
        return line[: len(line) - len(bare)] + "pass  # " + bare
    return line
