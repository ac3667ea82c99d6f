"""The watched process: loads the libraries once, then runs each variant of the program in a fork of itself.

Started by `session.Session` as ``python -m unstuck.doctor.handwritten.child SOCKET``. One connection is one run of one
variant. Limits: seconds of wall time, bytes of address space, characters of output. The program may read files, ask for
input and draw plots (nothing is shown); what it writes goes to a folder of its own that is deleted at the end.
"""

from __future__ import annotations

import builtins
import contextlib
import gc
import importlib
import importlib.util
import os
import random
import resource
import signal
import socket
import sys
import time
import traceback
import types
import warnings
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from . import wire
from .follow import Follow
from .instrument import instrument
from .leaves import Walker
from .recorder import Recorder, Scout
from .world import Beside, Output, guard_writes, repeatable

LAZY = ("numpy.random", "numpy.linalg")  # loaded at their first use, which would be in every fork anew


class Run:
    """One run of one variant, in its own forked process."""

    def __init__(self, connection: socket.socket, job: dict[str, Any], scratch: str) -> None:
        self.connection, self.job, self.scratch = connection, job, scratch
        self.folder = Path(job["folder"])
        self.files = {name: str(self.folder / name) for name in job["sources"]}
        modules = ["__main__"] + [
            Path(name).with_suffix("").as_posix().replace("/", ".") for name in job["sources"] if name != job["main"]
        ]
        self.walker = Walker(self.files.values(), modules)
        self.recorder = Recorder(self.walker)
        self.out, self.err = Output(), Output()
        self.error: dict[str, Any] | None = None
        self.cut = False
        self.windows: list[dict[str, Any]] = []
        self.waiting: tuple[int, int] | None = None  # loop and number of the pass at which to stop for orders
        self.hits = 0
        self.passes = 0
        self.span = int(job.get("span", 1))  # passes of the loop that are one step
        self.left_passes = 0  # of the open window
        self.open: tuple[int, int] | None = None  # loop and activation of the open window
        self.left_windows = 0
        self.started = time.monotonic()

    # ------------------------------------------------------------------ the world the program sees

    def prepare(self) -> None:
        os.chdir(self.folder)
        sys.stdout, sys.stderr = self.out, self.err
        sys.argv = [self.job["main"], *self.job.get("arguments", [])]
        sys.path.insert(0, str(self.folder))
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        answers = iter(self.job.get("answers", []))
        builtins.input = lambda prompt="": (self.out.write(str(prompt)), next(answers, "1"))[1]
        guard_writes(Path(self.scratch))
        random.seed(self.job.get("seed", 0))
        np.random.seed(self.job.get("seed", 0))  # noqa: NPY002 - programs that never seed become repeatable
        np.random.default_rng = repeatable(np.random.default_rng, self.job.get("seed", 0))
        warnings.simplefilter("default")
        memory = int(self.job.get("memory", 4_000_000_000))
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGALRM, self._time_is_up)
        signal.setitimer(signal.ITIMER_REAL, float(self.job.get("seconds", 60.0)))

    # ------------------------------------------------------------------ running

    def run(self) -> None:
        job = self.job
        watched = job["mode"] != "plain"
        if watched:
            told: set[int] | None = None
            counted = {int(job["loop"])} if job["mode"] != "scout" else None
            if job["mode"] == "scout":  # counts loops and reads no values
                told = set()
            elif job["mode"] == "follow" and job["sites"] is not None and not job.get("whole"):
                told = set(job["sites"])
            trees = instrument(job["sources"], double=bool(job.get("double")), told=told, counted=counted).trees
            self.recorder.install()
            if job["mode"] == "scout":
                self.scout = Scout(self.recorder, float(job.get("patience", 1.0)))
                self.recorder.at_pass = self._scouting
            elif job["mode"] == "follow":
                sites = None if job["sites"] is None else set(job["sites"])
                enough = self.finish if job.get("head_only") else None
                self.follow = Follow(
                    self.recorder, int(job["loop"]), sites, int(job["head"]), int(job["tail"]), job.get("whole", ()), enough
                )  # fmt: skip
                self.recorder.columns = {int(n): (int(w), [int(c) for c in cs]) for n, w, cs in job.get("columns", [])}
                self.recorder.at_pass = self.follow
            else:
                self.waiting = (int(job["loop"]), int(job["hit"]))
                self.recorder.at_pass = self._stepping
        codes = {}
        for name, text in job["sources"].items():
            tree = trees[name] if watched else text
            codes[name] = compile(tree, self.files[name], "exec", dont_inherit=True)
        finder = Beside(
            {Path(n).with_suffix("").as_posix().replace("/", "."): (self.files[n], codes[n]) for n in codes}
        )
        sys.meta_path.insert(0, finder)
        main = types.ModuleType("__main__")
        main.__dict__.update(__file__=self.files[job["main"]], __builtins__=builtins)
        sys.modules["__main__"] = main
        self.main = main
        self.prepare()
        try:
            exec(codes[job["main"]], main.__dict__)
        except SystemExit as stop:
            if stop.code not in (None, 0):
                self.error = {"type": "SystemExit", "text": str(stop.code), "line": None, "file": None, "values": {}}
        except BaseException as error:
            self.error = self._described(error)
        self.finish()

    def finish(self) -> NoReturn:
        """Say how it ended, and end."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        if self.job["mode"] == "scout":
            self._answer({"table": self.scout.table()})
        if self.job["mode"] == "follow":
            self._answer({"followed": self.follow.report()})
        if self.recorder.active or self.open is not None:
            self._close_window(None, True)
            self._answer({"windows": self.windows})
        if self.job["mode"] != "plain" and self.job["mode"] != "step":
            self._answer({"ended": True})
        if self.job["mode"] == "step" and not self.job.get("to_end"):
            self._answer({"ended": True})
        self._answer({"state": self._state() if self.job.get("state") else None})

    def _answer(self, message: dict[str, Any]) -> NoReturn:
        message |= {
            "stdout": self.out.text(), "stderr": self.err.text()[-8000:], "error": self.error, "cut": self.cut,
            "seconds": time.monotonic() - self.started,
        }  # fmt: skip
        with contextlib.suppress(OSError):
            wire.send(self.connection, message)
        os._exit(0)

    def _time_is_up(self, _number: int, _frame: Any) -> None:
        self.cut = True
        self.finish()

    def _state(self) -> dict[str, Any]:
        """Every number that the program still holds, by path."""
        return {path: leaf.read() for path, leaf in self.walker.walk(None).items()}

    def _described(self, error: BaseException) -> dict[str, Any]:
        names = {path: name for name, path in self.files.items()}
        place: tuple[str | None, int | None] = (None, None)
        values: dict[str, str] = {}
        trace = error.__traceback__
        while trace is not None:
            file = names.get(trace.tb_frame.f_code.co_filename)
            if file is not None:
                place = (file, trace.tb_lineno)
                values = _shown(trace.tb_frame.f_locals)
            trace = trace.tb_next
        text = traceback.format_exception_only(type(error), error)[-1].strip()
        return {"type": type(error).__name__, "text": text, "file": place[0], "line": place[1], "values": values}

    # ------------------------------------------------------------------ windows

    def _scouting(self, loop: int, activation: int, frame: types.FrameType, ended: bool) -> None:
        if self.scout(loop, activation, frame, ended):
            self.finish()

    def _stepping(self, loop: int, activation: int, frame: types.FrameType, ended: bool) -> None:
        if self.open is not None:
            if (loop, activation) == self.open or (loop == self.open[0] and not ended and self.span == 1):
                self.left_passes -= 1
                if not self.left_passes:
                    self._close_window(frame, ended)
            elif loop == self.open[0] and not ended:
                self.open = (loop, activation)  # the step goes on in the loop's next run
            return
        if self.waiting is None or loop != self.waiting[0] or ended:
            return
        self.passes += 1
        if (self.passes - 1) % self.span:
            return
        self.hits += 1
        if self.hits == self.waiting[1]:
            self._orders(loop, activation, frame)

    def _orders(self, loop: int, activation: int, frame: types.FrameType) -> None:
        """Stand still at the start of a step and take orders; a fork carries out each of them.

        A job that brings its only order along has it carried out at once, without a fork.
        """
        found = self.walker.walk(frame)
        only = self.job.get("at_once")
        wanted = found if only is None else [path for path in only["leaves"] if path in found]
        leaves = {path: found[path].read() for path in wanted}
        ready = {
            "ready": True, "leaves": leaves, "hit": self.hits, "seconds": time.monotonic() - self.started,
            "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        }  # fmt: skip
        wire.send(self.connection, ready)
        if only is not None:
            self._begin(only, loop, activation, frame)
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        while True:
            try:
                order = wire.receive(self.connection)
            except wire.Closed:
                os._exit(0)
            if order["do"] == "end":
                os._exit(0)
            if order["do"] == "large":
                self.walker.walk(frame)
                wire.send(
                    self.connection, {"large": [_excerpt(path, a) for path, a in list(self.walker.large.items())[:8]]}
                )
                continue
            if order["do"] == "go":
                self.waiting = (loop, int(order["hit"]))
                signal.setitimer(signal.ITIMER_REAL, float(order.get("seconds", 20.0)))
                return
            drawn = random.getstate()  # Python seeds its generator anew in every fork
            child = os.fork()
            if child:
                _, status = os.waitpid(child, 0)
                if status:  # it was killed before it could answer
                    wire.send(self.connection, {"broken": f"the step ended with signal {status & 127}"})
                continue
            random.setstate(drawn)
            self._begin(order, loop, activation, frame)
            return

    def _begin(self, order: dict[str, Any], loop: int, activation: int, frame: types.FrameType) -> None:
        signal.setitimer(signal.ITIMER_REAL, float(order.get("seconds", 20.0)))
        leaves = self.walker.walk(frame)
        for path, delta in (order.get("nudge") or {}).items():
            leaves[path].add(delta)
        self.recorder.only = None if order.get("sites") is None else set(order["sites"])
        self.left_windows = int(order.get("windows", 1))
        self.want_leaves = order.get("leaves")
        self.open, self.left_passes = (loop, activation), self.span
        self.recorder.clear()
        self.recorder.active = True

    def _close_window(self, frame: types.FrameType | None, ended: bool) -> None:
        self.recorder.active = False
        leaves = self.walker.walk(frame)
        wanted = self.want_leaves if self.want_leaves is not None else list(leaves)
        self.windows.append({
            "series": self.recorder.taken(), "cut": self.recorder.cut,
            "leaves": {path: leaves[path].read() for path in wanted if path in leaves},
        })  # fmt: skip
        self.left_windows -= 1
        if self.left_windows <= 0 or frame is None:
            self._answer({"windows": self.windows})
        self.recorder.clear()
        self.left_passes = self.span
        if not ended:
            self.recorder.active = True


EXCERPT = 48  # columns of large data that stand for its rows


def _excerpt(path: str, data: Any) -> dict[str, Any]:
    """A few columns of large data (rows along the first axis), those that vary most among some of its rows."""
    table = np.asarray(data).reshape(len(data), -1)
    sample = np.asarray(table[:: max(1, len(table) // 400)], dtype=np.float64)
    best = np.argsort(sample.std(axis=0))[::-1][: 3 * EXCERPT : 3]
    columns = sorted(int(c) for c in best)
    return {
        "path": path,
        "width": int(table.shape[1]),
        "columns": columns,
        "values": np.asarray(table[:, columns], np.float64),
    }


def _shown(values: dict[str, Any]) -> dict[str, str]:
    """Short descriptions of local variables, for the report of an exception."""
    shown = {}
    for name, value in values.items():
        if isinstance(value, np.ndarray):
            shown[name] = f"array of shape {value.shape}, {value.dtype}"
        elif isinstance(value, (int, float, str)):
            shown[name] = repr(value)[:60]
        elif isinstance(value, (list, tuple)) and not name.startswith("__"):
            shown[name] = f"{type(value).__name__} of {len(value)}"
    return dict(list(shown.items())[:12])


def serve(address: str, scratch: str) -> None:
    """Accept jobs until the parent's first connection closes."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen(8)
    keeper, _ = server.accept()
    hello = wire.receive(keeper)
    for name in [*hello["imports"], *LAZY]:
        with contextlib.suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(name)
    gc.freeze()  # what is loaded now stays shared with every fork
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    wire.send(keeper, {"ready": True})
    keeper.setblocking(False)
    server.settimeout(0.2)
    while True:
        try:
            connection, _ = server.accept()
        except TimeoutError:
            try:
                if not keeper.recv(1):
                    return
            except BlockingIOError:
                continue
            except OSError:
                return
            continue
        connection.setblocking(True)
        if os.fork():
            connection.close()
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        server.close()
        keeper.close()
        _job(connection, scratch)


def _job(connection: socket.socket, scratch: str) -> NoReturn:
    try:
        job = wire.receive(connection)
        own = os.path.join(scratch, str(os.getpid()))
        os.mkdir(own)
        Run(connection, job, own).run()
    except BaseException as error:
        with contextlib.suppress(OSError):
            text = "".join(traceback.format_exception(error))[-3000:]
            wire.send(connection, {"broken": text})
    os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
