"""Threads that run a program together: as many as pay, waiting between the runs, and made anew after a fork.

Which thread does which rows is settled by the plan, and no sum is split among threads (the one that is made in parts has a
number of them that follows the machine's processors, not the threads). So the results are the same bits for any number of
threads, and the number may follow what the machine has to spare at the moment.
"""

from __future__ import annotations

import functools
import math
import multiprocessing
import os
import queue
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from unstuck.errors import InputError

# Arithmetic operations of a step below which a second thread hardly pays: the threads wait for each other some times a step,
# about a microsecond each.
WORTH_A_THREAD = 1.5e6
GUESSED_RATE = 5e10  # operations a second, before anything is measured
TRIAL, PIECE = 1e-3, 25e-3  # seconds: a trial of a number of threads; steps that are run without asking again
TOO_SHORT = 1.5e-4  # seconds: what takes less in one thread is over before another one is awake
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 1.6  # seconds between trials
LOOKS = 4  # at what is running, before others are believed to be there
CLEARLY = 0.97  # of the time of the other: what counts as faster
TRIALS_AT_FIRST = 5
# Measurements of each number of threads that are remembered; the least counts, as what disturbs only ever makes slower.
REMEMBERED = 4
GREATLY = 2.0  # times the time of the other: what counts as slower at once
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


def others_running() -> int:
    """How many others wait for a processor or have one, as far as the system tells; asked for anew some times a second."""
    return _counted(int(time.perf_counter() / PIECE))


@functools.lru_cache(maxsize=1)
def _counted(_moment: int) -> int:
    count = 0
    try:
        # One of ours that has just ended its part may still be counted: some looks, a few microseconds apart.
        for _ in range(LOOKS):
            count = _running() - 1
            if count <= 0:
                break
    except (OSError, ValueError, IndexError):
        return 0
    return max(count, 0)


def _running() -> int:
    with open("/proc/loadavg") as file:
        return int(file.read().split()[3].split("/")[0])


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


@dataclass(frozen=True)
class Turn:
    """So many steps with so many threads; ``tries`` tells that it is done to learn what that takes."""

    threads: int
    steps: int
    tries: bool = False


class Choice:
    """How many threads to take for a program: one or all, whichever has been faster of late.

    At first both are tried by turns for about a millisecond (all threads once more before that, not counted, as they may have
    to be hired); the least time counts. Later the other number is taken when the present one has been slower than it for some
    time, and tried the more rarely the longer nothing has changed. While others want the processors, one thread is taken.
    """

    def __init__(self, operations: float) -> None:
        self.operations = operations
        self._measured: dict[int, deque[float]] = {}  # seconds of a step, with so many threads, the latest last
        self._trials: list[int] = []  # numbers of threads to be tried next
        self._found: dict[int, deque[float]] = {}  # what came of these trials
        self._faster, self._sure = 0, False  # the number to take, and whether it has proved to be
        self._pause, self._decided, self._next_trial = SHORTEST_PAUSE, 0.0, 0.0

    def next(self, left: int) -> Turn:
        """What to do next of the steps that are left."""
        most = most_threads()
        if most == 1 or self.operations < WORTH_A_THREAD:
            return Turn(1, left)
        if _chosen is not None:
            return Turn(most, left)
        step = min(map(self._seconds, self._measured), default=self.operations / GUESSED_RATE)
        if others_running() > (os.cpu_count() or 1) - most:
            # Threads that wait for each other wait for all that runs in between: a busy machine is no place to try them.
            return Turn(1, max(1, min(left, round(PIECE / step))))
        if self._faster not in (1, most):  # nothing is known yet, or the number of processors has changed
            if not self._trials:
                self._trials, self._found, self._measured = [most, 1, most, 1, most], {}, {}
        elif not self._trials and time.perf_counter() >= self._next_trial:
            self._trials, self._found = [1 + most - self._faster] * 2, {}
        tried = max(1, min(left, round(TRIAL / step)))
        if self._trials and tried * step > TRIAL / 2:
            return Turn(self._trials[0], tried, tries=True)
        if left * step < TOO_SHORT:
            return Turn(1, left)
        piece = PIECE if self._sure else 5 * TRIAL
        return Turn(self._faster or 1, max(1, min(left, round(piece / step))))

    def tell(self, turn: Turn, threads: int, seconds: float) -> None:
        """What a step of a turn took, with so many threads as there were."""
        now = time.perf_counter()
        if turn.tries:
            warm_up = len(self._trials) == TRIALS_AT_FIRST
            del self._trials[:1]
            if threads == turn.threads and not warm_up:
                self._found.setdefault(threads, deque(maxlen=REMEMBERED)).append(seconds)
            if not self._trials:
                self._decide(now)
        elif threads == turn.threads == self._faster:
            self._measured.setdefault(threads, deque(maxlen=REMEMBERED)).append(seconds)
            others = [n for n in self._measured if n != threads]
            if others and seconds > GREATLY * self._seconds(others[0]):
                self._measured[threads] = deque(
                    [seconds], maxlen=REMEMBERED
                )  # no disturbance, but another state of affairs
            if others and self._seconds(threads) > self._seconds(others[0]):
                # The other one was faster when it was last tried: a moment ago, or long ago.
                self._next_trial = min(self._next_trial, self._decided + SHORTEST_PAUSE)
                if not self._sure:
                    self._take(others[0], now)
            elif not self._sure:
                self._pause = SHORTEST_PAUSE
            self._sure = True

    def _seconds(self, threads: int) -> float:
        """What a step took lately with so many threads, when nothing disturbed it."""
        return min(self._measured[threads], default=math.inf) if threads in self._measured else math.inf

    def _decide(self, now: float) -> None:
        """The number of threads to take from now on, after trials."""
        self._measured |= self._found
        best = min(self._measured, key=self._seconds, default=1)
        self._sure = True
        clearly = self._seconds(best) < CLEARLY * self._seconds(self._faster)
        self._take(best if clearly else self._faster or best, now)

    def _take(self, threads: int, now: float) -> None:
        self._sure, self._faster = threads == self._faster, threads
        self._pause = min(2 * self._pause, LONGEST_PAUSE) if self._sure or self._decided else SHORTEST_PAUSE
        self._decided, self._next_trial = now, now + self._pause


_choices: OrderedDict[str, Choice] = OrderedDict()
MOST_CHOICES = 256


def choice(key: str, operations: float) -> Choice:
    """The choice for a plan, with what was learnt in this process when the same plan ran before."""
    if key not in _choices:
        _choices[key] = Choice(operations)
        while len(_choices) > MOST_CHOICES:
            _choices.popitem(last=False)
    _choices.move_to_end(key)
    return _choices[key]


def _after_fork() -> None:
    global team
    team = Team()


team = Team()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
