"""Runs the examples of a Markdown page in order and compares what they print with what the page says.

A page is read top to bottom, in a folder that is empty but for the files in ``tests/docs/files/PAGE``. ``python`` blocks share
one namespace; ``bash`` blocks run line by line. An HTML comment in front of a block, which readers of the page do not see,
says what is special about it:

    <!-- test: output -->                      this text is exactly what the block before printed; a line "…" stands for any lines
    <!-- test: output, numbers differ -->      the same, but numbers depend on the machine and are not compared
    <!-- test: file NAME -->                   write this block to a file instead of running it
    <!-- test: with "A" for "B" -->            run it with A in place of B, to save time
    <!-- test: add --epochs 2 -->              give the command these arguments, too, to save time
    <!-- test: excerpt of PATH -->             these lines stand in a file of the project
    <!-- test: exit 2 -->                      the command ends with this exit code

As a script it rewrites the exact outputs of pages: ``python tests/docs/runner.py docs/how-it-works.md``.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILES = Path(__file__).resolve().parent / "files"
# Commands that set the project up or check it. They are what .ci/run runs, so running them here would be going in circles.
SET_UP = {
    "pip install .",
    "pip install '.[test]'",
    "pip install '.[dev]'",
    "pip install '.[docs]'",
    "pip install -e '.[dev,docs]'",
    "pytest",
    "ruff check .",
    "ruff format .",
    "mypy",
    "mkdocs build --strict",
    "mkdocs serve",
    ".ci/run",
}
FENCE = re.compile(r"^( *)```(\w*)\s*$")
COMMENT = re.compile(r"^ *<!-- test: (.+?) -->\s*$")
NUMBER = re.compile(r"-?\d[\d,]*(\.\d*)?(e[+-]?\d+)?%?|·")


@dataclass
class Block:
    """One fenced block: its language, its text without indentation, where it starts (from 1), how long it is, its comments."""

    language: str
    text: str
    line: int
    length: int
    comments: list[str] = field(default_factory=list)
    indent: str = ""

    def comment(self, start: str) -> str | None:
        """What follows ``start`` in the first comment that begins so."""
        return next((c.removeprefix(start).strip() for c in self.comments if c.startswith(start)), None)


class Mismatch(AssertionError):
    """A page says something else than its example does."""


def blocks(markdown: str) -> Iterator[Block]:
    """The fenced blocks of a page."""
    lines = markdown.splitlines()
    comments: list[str] = []
    i = 0
    while i < len(lines):
        if found := COMMENT.match(lines[i]):
            comments.append(found[1])
        elif found := FENCE.match(lines[i]):
            indent, end = found[1], i + 1
            while lines[end].strip() != "```":
                end += 1
            text = textwrap.dedent("\n".join(lines[i + 1 : end]))
            yield Block(found[2], text, i + 2, end - i - 1, comments, indent)
            comments, i = [], end
        elif lines[i].strip():
            comments = []
        i += 1


class Page:
    """The state that the blocks of one page share."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self.folder = path, folder
        self.names: dict[str, object] = {"__name__": "__main__"}
        self.printed = ""
        self.ran = 0
        for file in FILES.joinpath(path.stem).glob("*"):
            shutil.copy(file, folder)

    def run(self, block: Block) -> None:
        """Run a block, or compare it with what was printed."""
        known = ("output", "file ", "with ", "add ", "exit ", "excerpt of ")
        for comment in block.comments:
            if not comment.startswith(known):
                raise Mismatch(f"{self.where(block)}: the comment 'test: {comment}' means nothing.")
        if name := block.comment("file "):
            (self.folder / name).write_text(block.text + "\n", encoding="utf-8")
        elif name := block.comment("excerpt of "):
            if block.text not in (ROOT / name).read_text(encoding="utf-8"):
                raise Mismatch(f"{self.where(block)}: these lines do not stand in {name}.")
        elif (how := block.comment("output")) is not None:
            self.compare(block, numbers=how != ", numbers differ")
        elif block.language == "python":
            self.printed = self.python(block)
            self.ran += 1
        elif block.language == "bash":
            self.printed = "".join(self.command(block, line) for line in commands(block.text))
            self.ran += 1

    def where(self, block: Block) -> str:
        return f"{self.path.name}:{block.line}"

    def shortened(self, block: Block) -> str:
        text = block.text
        for comment in block.comments:
            if found := re.fullmatch(r'with "(.+?)" for "(.+?)"', comment):
                if found[2] not in text:
                    raise Mismatch(f"{self.where(block)}: {found[2]!r} does not occur.")
                text = text.replace(found[2], found[1])
        return text

    def python(self, block: Block) -> str:
        """Execute Python in this process; gives what it printed."""
        code = compile("\n" * (block.line - 1) + self.shortened(block), str(self.path), "exec", dont_inherit=True)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, self.names)
        return printed.getvalue()

    def command(self, block: Block, line: str) -> str:
        """Run one shell line; gives what it wrote to both streams."""
        written = ""
        for part in line.split(" && "):
            if part in SET_UP:
                continue
            words = shlex.split(part)
            if words[0] == "unstuck":
                # A program of the project is copied: some commands write beside what they are given.
                for word in words[1:]:
                    if word.startswith("examples/") and (ROOT / word).is_file() and not (self.folder / word).exists():
                        (self.folder / word).parent.mkdir(parents=True, exist_ok=True)
                        shutil.copy(ROOT / word, self.folder / word)
                words = [sys.executable, "-c", "from unstuck.cli import main; main()", *words[1:]]
            elif words[0] == "python":
                words[0] = sys.executable
                if (ROOT / words[1]).is_file():
                    words[1] = str(ROOT / words[1])
            else:
                raise Mismatch(f"{self.where(block)}: {part!r} is not a command that the tests know.")
            for comment in block.comments:
                if found := re.fullmatch(r'with "(.+?)" for "(.+?)"', comment):
                    words = [found[1] if word == found[2] else word for word in words]
            words += shlex.split(block.comment("add ") or "")
            done = subprocess.run(
                words, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=300,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1"},
            )  # fmt: skip
            written += done.stdout.decode()
            expected = int(block.comment("exit ") or 0)
            if done.returncode != expected:
                raise Mismatch(f"{self.where(block)}: {part!r} ended with {done.returncode}:\n{written}")
        return written

    def compare(self, block: Block, *, numbers: bool) -> None:
        """Mismatch unless the block is what was printed."""
        said, printed = normal(block.text, numbers), normal(self.printed, numbers)
        pattern = "\n".join(r"(.*\n)*.*" if line.strip() == "…" else re.escape(line) for line in said.split("\n"))
        if not re.fullmatch(pattern, printed):
            raise Mismatch(
                f"{self.where(block)}: the page says\n\n{block.text}\n\nand its example prints\n\n{self.printed}"
            )


def commands(text: str) -> list[str]:
    """The lines of a shell block, without comments, continued lines joined."""
    joined = text.replace("\\\n", " ")
    lines = (line.split("  #")[0].strip() for line in joined.splitlines())
    return [" ".join(line.split()) if "'" not in line else line for line in lines if line and not line.startswith("#")]


def normal(text: str, numbers: bool) -> str:
    """The text without trailing blanks and blank lines at either end; numbers as # and blanks as one, if they do not count."""
    lines = [line.rstrip() for line in text.strip("\n").splitlines()]
    if not numbers:
        lines = [re.sub(r"[ ─]+", " ", NUMBER.sub("#", line)).strip() for line in lines]
    return "\n".join(lines)


def run_page(path: Path, folder: Path) -> int:
    """Run all blocks of a page in ``folder``; gives the number of those that were executed."""
    page = Page(path, folder)
    for block in blocks(path.read_text(encoding="utf-8")):
        page.run(block)
    return page.ran


def rewrite(path: Path) -> None:
    """Put what the examples print now into the page, wherever it claims an exact output."""
    lines = path.read_text(encoding="utf-8").splitlines()
    shift = 0
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        page = Page(path, Path(name))
        for block in blocks(path.read_text(encoding="utf-8")):
            if block.comment("output") == "" and "…" not in block.text.split("\n"):
                new = [(block.indent + line).rstrip() for line in page.printed.strip("\n").splitlines()]
                start, old = block.line - 1 + shift, block.length
                lines[start : start + old] = new
                shift += len(new) - old
            else:
                page.run(block)
        os.chdir(ROOT)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        rewrite(Path(argument).resolve())
