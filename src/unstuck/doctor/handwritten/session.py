"""The doctor's side of a watched program: run variants of it, stop at a training step, nudge, read back values.

::

    with Session(load("my_network.py")) as session:
        outcome = session.finish()                    # the whole program, unwatched
        table = session.scout()                       # which loop passes change which variables
        with session.stop(loop=3, hit=1) as step:     # stand still at the start of a training step
            trace = step.take()                       # every value recorded in that step
            nudged = step.take(nudge={"w1": delta})   # the same step from slightly other parameters
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from . import wire
from .instrument import LoopSite, Site, instrument
from .program import Program
from .records import Array, Followed, Outcome, Window, outcome_of, window_of
from .step import OutOfTime, Step, WatchError


@dataclass(frozen=True)
class Sites:
    """The numbered places of one variant: what a series' key and a loop's number mean."""

    sites: list[Site]
    loops: list[LoopSite]


class Session:
    """A process that has the program's libraries loaded and runs variants of it on demand.

    Use as a context manager. ``memory`` in bytes of address space and ``seconds`` of wall time limit each run; after
    ``deadline`` (on the clock of ``time.monotonic``) nothing is started any more and whoever waits gets OutOfTime.
    """

    def __init__(
        self, program: Program, *, memory: int = 6_000_000_000, answers: Iterable[str] = (), deadline: float = math.inf
    ) -> None:
        self.program = program
        self.deadline = deadline
        self.memory = memory
        self.answers = list(answers)
        self.double = any(word in text for text in program.sources.values() for word in ("float32", "float16"))
        self.spans: dict[int, int] = {}  # loop -> how many of its passes are one step, where that is not each of them
        self.standing: set[Step] = set()  # runs that stand still at a step now
        self._tables: dict[tuple[tuple[str, str], ...], Sites] = {}
        self._scratch = tempfile.mkdtemp(prefix="unstuck-")
        address = os.path.join(self._scratch, "s")
        environment = os.environ | {
            "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1",
            "VECLIB_MAXIMUM_THREADS": "1", "MPLBACKEND": "Agg", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        command = [sys.executable, "-m", "unstuck.doctor.handwritten.child", address, self._scratch]
        source = str(Path(__file__).resolve().parents[3])
        environment["PYTHONPATH"] = os.pathsep.join(p for p in (source, os.environ.get("PYTHONPATH", "")) if p)
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            start_new_session=True,  # a group of their own: `close` ends every run that is still under way
        )  # fmt: skip
        self._address = address
        try:
            self._keeper = self._connect(30.0)
            wire.send(self._keeper, {"imports": program.outside_imports()})
            self.receive(self._keeper, 90.0)
        except BaseException:
            self.close()
            raise

    def _connect(self, seconds: float = 10.0) -> socket.socket:
        end = time.monotonic() + seconds
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(self._address)
                return connection
            except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
                connection.close()
                if self._process.poll() is not None:
                    text = (
                        self._process.stderr.read().decode(errors="replace") if self._process.stderr else ""
                    ).strip()
                    raise WatchError(f"the watched process did not start: {text.splitlines()[-1:]}") from None
                if time.monotonic() > end:
                    raise WatchError("the watched process did not start in time.") from None
                time.sleep(0.01)

    def _start(self, mode: str, program: Program | None, seconds: float, **more: Any) -> socket.socket:
        program = program or self.program
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise OutOfTime("the time for the diagnosis is over.")
        connection = self._connect(min(10.0, left))
        job = {
            "mode": mode, "folder": str(program.folder), "main": program.main, "sources": program.sources,
            "seconds": min(seconds, left), "memory": self.memory, "answers": self.answers, "double": self.double,
        } | more  # fmt: skip
        wire.send(connection, job)
        return connection

    def receive(self, connection: socket.socket, seconds: float) -> dict[str, Any]:
        """The answer of a run; WatchError if none comes within ``seconds``, OutOfTime if the deadline comes first."""
        left = self.deadline - time.monotonic()
        connection.settimeout(max(0.01, min(seconds, left)))
        try:
            answer: dict[str, Any] = wire.receive(connection)
        except wire.Closed:
            raise WatchError(
                "the program's process ended without an answer (out of memory, or it ended itself)."
            ) from None
        except TimeoutError:
            if left < seconds:
                raise OutOfTime("the time for the diagnosis is over.") from None
            raise WatchError(f"the program's process gave no answer in {seconds:.0f} s.") from None
        if "broken" in answer:
            raise WatchError(f"the watched process broke down: {str(answer['broken']).strip().splitlines()[-1]}")
        return answer

    def table(self, program: Program | None = None) -> Sites:
        """The sites and loops of a variant (the numbers in its traces)."""
        program = program or self.program
        key = tuple(sorted(program.sources.items()))
        if key not in self._tables:
            done = instrument(program.sources, double=self.double)
            self._tables[key] = Sites(done.sites, done.loops)
        return self._tables[key]

    def finish(
        self, program: Program | None = None, *, seconds: float = 60.0, state: bool = False, seed: int = 0
    ) -> Outcome:
        """Run a variant to its end, unwatched."""
        with self._start("plain", program, seconds, state=state, seed=seed) as connection:
            return outcome_of(self.receive(connection, seconds + 20))

    def watch_to_end(self, program: Program | None = None, *, seconds: float = 60.0, state: bool = False) -> Outcome:
        """Run a variant to its end, instrumented but never stopped (to prove that watching changes nothing)."""
        more = {"state": state, "loop": -1, "hit": 1, "to_end": True, "double": False}
        with self._start("step", program, seconds, **more) as connection:
            return outcome_of(self.receive(connection, seconds + 20))

    def follow(
        self, loop: int, program: Program | None = None, *, sites: Iterable[int] | None = None, head: int = 0, tail: int = 0,
        seconds: float = 60.0, whole: Iterable[int] = (), head_only: bool = False,
        columns: Mapping[int, tuple[int, list[int]]] | None = None,
    ) -> Followed:  # fmt: skip
        """Run a variant to its end and record ``sites`` in the first ``head`` and last ``tail`` passes of a loop, and after it.

        ``columns``: sites of whose rows (of that width) only some columns are kept. ``whole``: stretches of the run that are
        recorded completely. ``head_only``: end the run once the head is full.
        """
        more = {"loop": loop, "sites": None if sites is None else sorted(set(sites)), "head": head, "tail": tail,
                "whole": sorted(set(whole)), "head_only": head_only,
                "columns": [[n, w, c] for n, (w, c) in (columns or {}).items()]}  # fmt: skip
        with self._start("follow", program, seconds, **more) as connection:
            answer = self.receive(connection, seconds + 20)
        found = answer["followed"]
        return Followed(
            outcome_of(answer), found["passes"], [window_of(w) for w in found["head"]], [window_of(w) for w in found["tail"]],
            window_of(found["outside"]), {int(n): window_of(w) for n, w in found["chosen"]},
            [(int(n), t) for n, t in found["prints"]],
        )  # fmt: skip

    def scout(self, program: Program | None = None, *, seconds: float = 20.0, patience: float = 1.0) -> dict[str, Any]:
        """Which variables change from pass to pass of each loop; see `recorder.Scout.table`."""
        with self._start("scout", program, seconds, patience=patience) as connection:
            answer = self.receive(connection, seconds + 20)
            table: dict[str, Any] = answer["table"] | {"outcome": outcome_of(answer)}
            return table

    def stop(self, loop: int, hit: int, program: Program | None = None, *, seconds: float = 20.0) -> Step | None:
        """A step at the ``hit``-th pass of a loop (from 1; of as many passes as ``spans`` says); None when the program ends
        before it."""
        connection = self._start("step", program, seconds, loop=loop, hit=hit, span=self.spans.get(loop, 1))
        try:
            answer = self.receive(connection, seconds + 20)
        except BaseException:
            connection.close()
            raise
        if not answer.get("ready"):
            connection.close()
            return None
        return Step(self, program or self.program, connection, answer, loop, seconds)

    def once(
        self, loop: int, hit: int, program: Program | None = None, *, leaves: Iterable[str], seconds: float = 10.0
    ) -> tuple[dict[str, Array], Window] | None:
        """One pass of a loop with these variables before it and the window of it; None when the program ends before.

        Cheaper than `stop` and `take`: nothing is forked, and nothing else is read.
        """
        order = {"do": "step", "windows": 1, "seconds": seconds, "sites": None, "leaves": list(leaves)}
        more = {"loop": loop, "hit": hit, "at_once": order, "span": self.spans.get(loop, 1)}
        with self._start("step", program, seconds, **more) as connection:
            first = self.receive(connection, seconds + 10)
            if not first.get("ready"):
                return None
            windows = self.receive(connection, seconds + 10).get("windows", [])
        return (first["leaves"], window_of(windows[0])) if windows else None

    def close(self) -> None:
        if hasattr(self, "_keeper"):
            self._keeper.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
