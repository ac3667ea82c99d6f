"""Follow a whole run from outside its steps: a few sites in the first and last passes of the training loop, and what is
printed where.

A run falls into *stretches*: number 2p is the p-th pass of the training loop, number 2p + 1 what happens between that
pass and the next (or the end of the program). Chosen stretches are recorded completely.
"""

from __future__ import annotations

import sys
import types
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from .recorder import Recorder, Series

MOST_PRINTS = 2000  # stretches whose printed text is kept


class Follow:
    """Records chosen sites pass by pass and keeps the first ``head`` and last ``tail`` passes, and what came after the last.

    ``whole``: stretches that are recorded with all their sites. ``enough``: called as soon as the head is full.
    """

    def __init__(
        self,
        recorder: Recorder,
        loop: int,
        sites: set[int] | None,
        head: int,
        tail: int,
        whole: Iterable[int] = (),
        enough: Callable[[], None] | None = None,
    ) -> None:
        self.recorder, self.loop, self.sites = recorder, loop, sites
        self.most_head, self.whole, self.enough = head, set(whole), enough
        self.head: list[dict[tuple[int, str], Series]] = []
        self.tail: deque[dict[tuple[int, str], Series]] = deque(maxlen=tail)
        self.outside: dict[tuple[int, str], Series] = {}
        self.chosen: list[tuple[int, dict[tuple[int, str], Series], bool]] = []
        self.prints: list[tuple[int, str]] = []
        self.read = 0  # parts of the output that were looked at
        self.inside = False
        self.passes = 0
        self._open()

    def __call__(self, loop: int, activation: int, frame: types.FrameType, ended: bool) -> None:
        """A pass of some loop begins, or the loop ends."""
        if loop != self.loop:
            return
        self._close()
        self.inside = not ended
        self.passes += not ended
        self._open()
        if self.enough is not None and self.passes > self.most_head:
            self.enough()

    @property
    def stretch(self) -> int:
        return 2 * self.passes + (not self.inside)

    def _open(self) -> None:
        whole = self.stretch in self.whole
        self.recorder.clear()
        self.recorder.only = None if whole else self.sites
        self.recorder.active = whole or self.sites is None or bool(self.sites)

    def _close(self) -> None:
        taken = self.recorder.series
        if self.stretch in self.whole:
            self.chosen.append((self.stretch, taken, self.recorder.cut))
        if self.inside:
            if len(self.head) < self.most_head:
                self.head.append(taken)
            self.tail.append(taken)
        else:
            self.outside = taken
        parts = getattr(sys.stdout, "parts", [])
        if len(parts) > self.read and len(self.prints) < MOST_PRINTS:
            self.prints.append((self.stretch, "".join(parts[self.read :])))
        self.read = len(parts)
        self.recorder.series = {}

    def report(self) -> dict[str, Any]:
        """What was kept, as plain data for the wire."""
        self._close()
        self.recorder.active = False
        return {
            "passes": self.passes,
            "head": [self._plain(w) for w in self.head],
            "tail": [self._plain(w) for w in self.tail],
            "outside": self._plain({} if self.inside else self.outside),
            "chosen": [[number, self._plain(w, cut)] for number, w, cut in self.chosen],
            "prints": [list(p) for p in self.prints],
        }

    def _plain(self, series: dict[tuple[int, str], Series], cut: bool = False) -> dict[str, Any]:
        self.recorder.series = dict(series)  # (a pass may be one of the first and one of the last)
        return {"series": self.recorder.taken(), "leaves": {}, "cut": cut}
