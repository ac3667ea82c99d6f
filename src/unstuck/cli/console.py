"""Where the command writes: results to standard output, messages to standard error, colour only on a terminal."""

from __future__ import annotations

import sys
import time
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


BEGAN = time.perf_counter()  # of the command: this is the first of its modules to be loaded


@cache
def results() -> Console:
    """Standard output: what was asked for."""
    return _console(stderr=False)


@cache
def messages() -> Console:
    """Standard error: progress and messages."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    # Rich itself honours NO_COLOR and TERM=dumb. In a pipe nothing is cut to 80 columns.
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else 120, highlight=False, emoji=False)


def can_show(text: str) -> bool:
    """Whether standard output's encoding has these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
