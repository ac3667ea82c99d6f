"""Threads that run a program together: as many as pay, waiting between the runs, and made anew after a fork.

Which thread does which rows is settled by the plan, and no sum is split among threads. So the results are the same bits for any
number of threads, and the number may follow what the machine has to spare at the moment.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import threading
from collections.abc import Callable

from unstuck.errors import InputError

# Arithmetic operations of a step below which a second thread cannot pay: the threads wait for each other some times a step,
# about a microsecond each.
WORTH_A_THREAD = 4e5
PROBE = 16  # every so many runs the other number of threads is tried again
_chosen: int | None = None


def set_threads(count: int | None) -> None:
    """Use this many threads (None: as many as there are processors for this process, where the work is worth it)."""
    global _chosen
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
        raise InputError(f"threads is {count!r}; expected a whole number of at least 1.")
    _chosen = count


def most_threads() -> int:
    """The largest number of threads that may be used: what was set, UNSTUCK_THREADS, OMP_NUM_THREADS, or the processors.

    A process that another Python process started takes one: its siblings take the others.
    """
    if _chosen is not None:
        return _chosen
    for name in ("UNSTUCK_THREADS", "OMP_NUM_THREADS"):
        given = os.environ.get(name, "")
        if given.isdigit() and int(given):
            return int(given)
    if multiprocessing.parent_process() is not None:
        return 1
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, processors)


class Team:
    """Threads that wait for work; only one run at a time has them, others go on alone."""

    def __init__(self) -> None:
        self._free = threading.Lock()
        self._work: list[queue.SimpleQueue[Callable[[], None]]] = []
        self._done: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def run(self, threads: int, part: Callable[[int, int], None]) -> int:
        """``part(number, threads)`` in each thread, in this one with number 0; gives the number of threads there were."""
        if threads == 1 or not self._free.acquire(blocking=False):
            part(0, 1)
            return 1
        try:
            while len(self._work) < threads - 1:
                self._hire()
            for number in range(1, threads):
                self._work[number - 1].put(lambda n=number: part(n, threads))  # type: ignore[misc]
            part(0, threads)
            self._wait(threads - 1)
        finally:
            self._free.release()
        return threads

    def _hire(self) -> None:
        mine: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

        def work() -> None:
            while True:
                task = mine.get()
                task()
                self._done.put(None)

        threading.Thread(target=work, name="unstuck", daemon=True).start()
        self._work.append(mine)

    def _wait(self, count: int) -> None:
        """Until all others have ended; Ctrl-C is kept until then."""
        interrupt: KeyboardInterrupt | None = None
        while count:
            try:
                self._done.get()
                count -= 1
            except KeyboardInterrupt as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt


class Choice:
    """How many threads to take for a program: one or all, whichever has been faster of late.

    The other number is tried now and then, for a few steps, and the less often the worse it was the last times.
    """

    def __init__(self, operations: float) -> None:
        self.operations = operations
        self._seconds: dict[int, float] = {}
        self._runs, self._next_probe, self._pause = 0, PROBE, PROBE

    def next(self, left: int) -> tuple[int, int]:
        """(number of threads, number of steps to take with them), of the steps that are left."""
        most = most_threads()
        if most == 1 or self.operations < WORTH_A_THREAD:
            return 1, left
        if _chosen is not None:
            return most, left
        few = max(1, min(left, left // 16, 64))
        untried = [n for n in (1, most) if n not in self._seconds]
        if untried:
            return untried[0], few
        self._runs += 1
        faster, slower = sorted((1, most), key=lambda n: self._seconds[n])
        if self._runs < self._next_probe:
            return faster, left
        self._next_probe = self._runs + self._pause
        return slower, few

    def tell(self, threads: int, seconds: float) -> None:
        """What a step took with so many threads."""
        before = self._seconds.get(threads, seconds)
        self._seconds[threads] = 0.5 * (before + seconds)
        if len(self._seconds) > 1 and seconds > 1.5 * min(self._seconds.values()):
            self._pause = min(2 * self._pause, 64 * PROBE)
        elif seconds <= min(self._seconds.values()):
            self._pause = PROBE


def _after_fork() -> None:
    global team
    team = Team()


team = Team()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
