"""Follow a whole run from outside its steps: a few sites in the first and last passes of the training loop, and after it."""

from __future__ import annotations

import types
from collections import deque
from typing import Any

from .recorder import Recorder, Series


class Follow:
    """Records chosen sites pass by pass and keeps the first ``head`` and last ``tail`` passes, and what came after the last."""

    def __init__(self, recorder: Recorder, loop: int, sites: set[int] | None, head: int, tail: int) -> None:
        self.recorder, self.loop = recorder, loop
        self.recorder.only = sites
        self.most_head = head
        self.head: list[dict[tuple[int, str], Series]] = []
        self.tail: deque[dict[tuple[int, str], Series]] = deque(maxlen=tail)
        self.outside: dict[tuple[int, str], Series] = {}
        self.inside = False
        self.passes = 0
        self.recorder.active = True

    def __call__(self, loop: int, activation: int, frame: types.FrameType, ended: bool) -> None:
        """A pass of some loop begins, or the loop ends."""
        if loop != self.loop:
            return
        self._close()
        self.inside = not ended
        self.passes += not ended

    def _close(self) -> None:
        taken = self.recorder.series
        if self.inside:
            if len(self.head) < self.most_head:
                self.head.append(taken)
            self.tail.append(taken)
        else:
            self.outside = taken
        self.recorder.clear()

    def report(self) -> dict[str, Any]:
        """What was kept, as plain data for the wire."""
        self._close()
        self.recorder.active = False
        return {
            "passes": self.passes,
            "head": [self._plain(w) for w in self.head],
            "tail": [self._plain(w) for w in self.tail],
            "outside": self._plain({} if self.inside else self.outside),
        }

    def _plain(self, series: dict[tuple[int, str], Series]) -> dict[str, Any]:
        self.recorder.series = series
        return {"series": self.recorder.taken(), "leaves": {}, "cut": False}
