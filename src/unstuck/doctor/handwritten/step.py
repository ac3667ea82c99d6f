"""A run of a watched program that stands still at a training step, and what can be taken from there."""

from __future__ import annotations

import os
import queue
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from unstuck.errors import UnstuckError

from . import wire
from .instrument import Site
from .program import Program
from .records import Array, LargeData, Window, failure_of, window_of

if TYPE_CHECKING:
    from .session import Session

T = TypeVar("T")
SMALL = 500.0  # megabytes that a program may hold for a second run of it to stand beside
LONG = 1.0  # seconds of runs one after the other from which on a second one helps


class WatchError(UnstuckError):
    """The watched process broke down for a reason that is not the program's (our fault, or the machine's)."""


class OutOfTime(UnstuckError):
    """The session's time is over. No WatchError: whoever goes on after a broken run must not go on after this."""


class Step:
    """A run that stands still at the start of a pass of a loop. Every ``take`` forks it: the step itself never moves."""

    def __init__(
        self, session: Session, program: Program, connection: socket.socket, first: dict[str, Any], loop: int, seconds: float
    ) -> None:  # fmt: skip
        self._session, self._connection, self._seconds = session, connection, seconds
        self._other_run: Step | None = None
        self.program, self.loop = program, loop
        self.leaves: dict[str, Array] = first["leaves"]
        self.hit: int = first["hit"]
        self.reached_after: float = first["seconds"]
        self.megabytes: float = first["megabytes"]
        session.standing.add(self)

    @property
    def sites(self) -> list[Site]:
        """The numbered places of the program that stands still here."""
        return self._session.table(self.program).sites

    def take(
        self,
        nudge: Mapping[str, Array] | None = None,
        *,
        windows: int = 1,
        sites: Iterable[int] | None = None,
        leaves: Iterable[str] | None = None,
        seconds: float | None = None,
    ) -> list[Window]:
        """Run ``windows`` passes from here in a fork, after adding ``nudge`` (path -> delta) to variables.

        ``sites`` limits what is recorded, ``leaves`` which variables are read after each pass (None: all). Fewer windows
        come back when the program ends before. Raises WatchError when the fork died.
        """
        order = {
            "do": "step", "nudge": {k: np.asarray(v) for k, v in (nudge or {}).items()}, "windows": windows,
            "seconds": seconds or self._seconds,
            "sites": None if sites is None else sorted(set(sites)), "leaves": None if leaves is None else list(leaves),
        }  # fmt: skip
        wire.send(self._connection, order)
        answer = self._session.receive(self._connection, (seconds or self._seconds) + 10)
        self.error = failure_of(answer.get("error"))
        return [window_of(w) for w in answer.get("windows", [])]

    def take_each(
        self, groups: Sequence[Sequence[Mapping[str, Array]]], read: Callable[[list[list[Window]]], T], *,
        sites: Iterable[int] | None = None, leaves: Iterable[str] | None = None,
    ) -> list[T]:  # fmt: skip
        """One pass for each nudge of each group, and what ``read`` makes of a group's windows.

        Where that takes long, a second run of the program that stands still at the same step takes groups, too; those of one
        group run in one of both.
        """
        sites, leaves = None if sites is None else list(sites), None if leaves is None else list(leaves)

        def taken(step: Step, group: Sequence[Mapping[str, Array]]) -> T:
            return read([step.take(nudge, sites=sites, leaves=leaves) for nudge in group])

        if not groups:
            return []
        start = time.monotonic()
        found = [taken(self, groups[0])]
        ahead = (time.monotonic() - start) * (len(groups) - 1)
        second = self._second(sites) if ahead > LONG + 2 * self.reached_after else None
        if second is None:
            return found + [taken(self, group) for group in groups[1:]]
        free: queue.SimpleQueue[Step] = queue.SimpleQueue()
        free.put(self)
        free.put(second)

        def next_free(group: Sequence[Mapping[str, Array]]) -> T:
            step = free.get()
            try:
                return taken(step, group)
            finally:
                free.put(step)

        with ThreadPoolExecutor(2) as beside:
            return found + list(beside.map(next_free, groups[1:]))

    def _second(self, sites: list[int] | None) -> Step | None:
        """Another run at the same step that records the same numbers, bit by bit; None where there is none, or where the
        processors or the memory are taken already."""
        alone = len(self._session.standing) == 1 and (os.cpu_count() or 1) > 1
        if self._other_run is None and alone and self.megabytes < SMALL:
            second = self._session.stop(self.loop, self.hit, self.program, seconds=self._seconds)
            if second is None:
                return None
            one, other = self.take(sites=sites, leaves=[]), second.take(sites=sites, leaves=[])
            if not one or not other or not _equal(one[0], other[0]):
                second.close()
                return None
            self._other_run = second
        return self._other_run

    def go(self, hit: int, seconds: float = 20.0) -> bool:
        """Move on to a later pass of the same loop (counted from the start); False when the program ended before."""
        self._end_second()
        wire.send(self._connection, {"do": "go", "hit": hit, "seconds": seconds})
        answer = self._session.receive(self._connection, seconds + 10)
        if not answer.get("ready"):
            return False
        self.leaves, self.hit, self.reached_after = answer["leaves"], answer["hit"], answer["seconds"]
        return True

    def large(self) -> list[LargeData]:
        """The variables that are too large to be read as a whole, by some of their columns."""
        wire.send(self._connection, {"do": "large"})
        answer = self._session.receive(self._connection, 30.0)
        return [
            LargeData(d["path"], int(d["width"]), [int(c) for c in d["columns"]], d["values"]) for d in answer["large"]
        ]

    def close(self) -> None:
        self._end_second()
        self._session.standing.discard(self)
        self._connection.close()

    def _end_second(self) -> None:
        if self._other_run is not None:
            self._other_run.close()
            self._other_run = None

    def __enter__(self) -> Step:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _equal(one: Window, other: Window) -> bool:
    """The same places recorded the same numbers."""
    return one.series.keys() == other.series.keys() and all(
        np.array_equal(series.flat, other.series[key].flat, equal_nan=True) for key, series in one.series.items()
    )
