"""Make the pictures of the documentation from real runs of the command.

    python docs/make_pictures.py            writes docs/images/train-mnist.svg

The command runs in a pseudo-terminal, so that it shows what a person sees; what it wrote is drawn by Rich as SVG. The picture
refers to nothing outside itself: the fonts that Rich would fetch are left out.
"""

from __future__ import annotations

import argparse
import io
import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

IMAGES = Path(__file__).resolve().parent / "images"
COLUMNS = 92
# Background, foreground, then black, red, green, yellow, blue, magenta, cyan, white: normal and bright.
COLOURS = (
    "0d1117 e6edf3 "
    "484f58 ff7b72 3fb950 d29922 58a6ff bc8cff 39c5cf b1bac4 "
    "6e7681 ffa198 56d364 e3b341 79c0ff d2a8ff 56d4dd ffffff"
)


def theme() -> TerminalTheme:
    """The colours of the picture, whatever the reader's terminal has."""
    background, foreground, *ansi = [tuple(bytes.fromhex(colour)) for colour in COLOURS.split()]
    return TerminalTheme(background, foreground, ansi[:8], ansi[8:])  # type: ignore[arg-type]


def on_a_terminal(arguments: list[str], folder: str) -> str:
    """What a command writes to a terminal of ``COLUMNS`` columns, escape sequences included."""
    ours, theirs = pty.openpty()
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "COLUMNS": str(COLUMNS),
        "LINES": "60",
    }
    environment.pop("NO_COLOR", None)
    code = "from unstuck.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    written = bytearray()
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # Linux reports the end of a pseudo-terminal as an error
            break
        if not part:
            break
        written += part
    os.close(ours)
    if process.wait() != 0:
        sys.exit(f"unstuck {' '.join(arguments)} ended with {process.returncode}:\n{written.decode()}")
    return written.decode()


def last_seen(written: str) -> str:
    """The text as it stands on the terminal at the end: a line that was erased and written anew counts as it was last."""
    lines = []
    for line in written.replace("\r\n", "\n").split("\n"):
        line = re.split(r"\x1b\[2K", line)[-1]
        line = re.sub(r"\x1b\[\?\d+[hl]|\x1b\[\d*[A-GJKST]", "", line)
        lines.append(line.rsplit("\r", 1)[-1])
    return "\n".join(lines).rstrip()


def svg(command: str, output: str) -> str:
    """The command and its output as a picture of a terminal window."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
    console.print(Text.from_ansi(output))
    picture = console.export_svg(title="", theme=theme(), unique_id="unstuck")
    return re.sub(r"\s*@font-face \{.*?\}", "", picture, flags=re.DOTALL)


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        output = last_seen(on_a_terminal(["train", "mnist"], folder))
    (IMAGES / "train-mnist.svg").write_text(svg("unstuck train mnist", output) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
