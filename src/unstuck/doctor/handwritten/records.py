"""What comes back from a watched run: how it ended, and every value that was recorded in a window of it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
_NUMBER = re.compile(
    r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+|nan|inf)(?![\w.])|(?<![\w])[-+]?\d+\.\d+(?=%)"
)


@dataclass(frozen=True)
class Failure:
    """An exception that ended the program: its type and text, and where in the user's files with which local values."""

    type: str
    text: str
    file: str | None
    line: int | None
    values: dict[str, str]


@dataclass(frozen=True)
class Outcome:
    """How a whole run ended.

    ``stdout`` as printed (a progress bar would see no terminal); ``error`` None for a clean end; ``cut`` True when the time
    limit ended it; ``state`` path -> final numbers of every variable that was still reachable (only if asked for).
    """

    stdout: str
    stderr: str
    error: Failure | None
    cut: bool
    seconds: float
    state: dict[str, Array] = field(default_factory=dict)

    @property
    def numbers(self) -> list[tuple[str, float]]:
        """The printed numbers in order, each with the words before it on its line (``("test accuracy", 0.93)``)."""
        found = []
        for line in self.stdout.splitlines():
            start = 0
            for match in _NUMBER.finditer(line):
                label = " ".join(re.sub(r"[^\w%²^|]+", " ", line[start : match.start()]).split())
                found.append((label, float(match.group())))
                start = match.end()
        return found


@dataclass(frozen=True)
class Series:
    """All values of one site in one window: the occurrences one after the other.

    ``key`` is (site number, part): the part names a member of a list or dict (``"[0]"``) or an attribute (``".v"``).
    ``flat`` holds all numbers as float64; ``shapes[i]`` and ``order[i]`` belong to occurrence i; ``order`` counts the
    recorded events of the window, so it compares moments of different sites. ``is_float`` False: integers or booleans.
    """

    key: tuple[int, str]
    flat: Array
    shapes: list[tuple[int, ...]]
    order: Array
    is_float: bool

    @property
    def count(self) -> int:
        return len(self.order)

    def occurrence(self, index: int) -> Array:
        """The value of one occurrence in its own shape."""
        index %= len(self.shapes)
        end = int(self._ends[index])
        start = int(self._ends[index - 1]) if index else 0
        return self.flat[start:end].reshape(self.shapes[index])

    @cached_property
    def _ends(self) -> Array:
        """Where each occurrence ends in ``flat``."""
        return np.cumsum([math.prod(s) for s in self.shapes])

    @cached_property
    def constant(self) -> bool:
        """All numbers are the same one."""
        return bool(np.all(self.flat == self.flat[0]))

    def before(self, moment: float) -> Series | None:
        """The occurrences that came before a moment, None if there are none."""
        kept = int(np.searchsorted(self.order, moment))
        if kept == len(self.shapes):
            return self
        if kept == 0:
            return None
        size = sum(math.prod(s) for s in self.shapes[:kept])
        return Series(self.key, self.flat[:size], self.shapes[:kept], self.order[:kept], self.is_float)


@dataclass(frozen=True)
class Window:
    """What was recorded in one pass of the training loop; ``leaves`` are the variables at its end."""

    series: dict[tuple[int, str], Series]
    leaves: dict[str, Array]
    cut: bool


@dataclass(frozen=True)
class LargeData:
    """A variable of many rows, each of ``width`` numbers; ``values`` (rows, columns) are those of its ``columns``."""

    path: str
    width: int
    columns: list[int]
    values: Array


@dataclass(frozen=True)
class Followed:
    """A whole run with a few sites recorded: the first and last passes of a loop, and what came after its last pass.

    ``chosen``: stretches (see `follow`) that were recorded completely; ``prints``: stretch and printed text, in order.
    """

    outcome: Outcome
    passes: int
    head: list[Window]
    tail: list[Window]
    outside: Window
    chosen: dict[int, Window]
    prints: list[tuple[int, str]]


def failure_of(error: dict[str, Any] | None) -> Failure | None:
    """A failure from what the child sent."""
    return (
        None if error is None else Failure(error["type"], error["text"], error["file"], error["line"], error["values"])
    )


def outcome_of(answer: dict[str, Any]) -> Outcome:
    """An outcome from what the child sent."""
    return Outcome(
        answer["stdout"],
        answer["stderr"],
        failure_of(answer["error"]),
        answer["cut"],
        answer["seconds"],
        answer.get("state") or {},
    )


def window_of(plain: dict[str, Any]) -> Window:
    """A window from what the child sent."""
    series = {}
    for row in plain["series"]:
        key = (int(row["site"]), str(row["part"]))
        shapes = (
            [tuple(s) for s in row["shapes"]] if row["shapes"] is not None else [tuple(row["shape"])] * row["count"]
        )
        series[key] = Series(key, row["values"], shapes, row["order"], row["kind"] == "f")
    return Window(series, plain["leaves"], plain["cut"])
