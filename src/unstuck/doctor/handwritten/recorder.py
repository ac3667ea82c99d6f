"""What instrumented code calls inside the watched process: loops are counted, values are copied while a window is open."""

from __future__ import annotations

import builtins
import sys
import time
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from . import instrument
from .leaves import Array, Walker, nested_shape, rearranged

MOST_NUMBERS = 3_000_000  # of one site in one window
MOST_BYTES = 400_000_000  # of one window
MOST_EVENTS = 400_000
SNAPSHOTS = 12  # of the variables, for each loop of the source
MOST_SNAPSHOTS = 40  # the same where the passes differ in what they change
MOST_LOOKING = 4.0  # seconds of comparing snapshots that do not count as waiting
PARTS = 64  # members of a list or dict of arrays that are told one by one


class Series:
    """All values of one site in one window: flat numbers, one shape and one order number for each occurrence."""

    __slots__ = ("kind", "order", "shapes", "size", "values")

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.shapes: list[tuple[int, ...]] = []
        self.order: list[int] = []
        self.kind = "i"
        self.size = 0


_NOTHING: dict[int, Any] = {}


def some_columns(value: Array, width: int, columns: list[int]) -> Array:
    """Some columns of a batch (rows, width) or (width, rows), as (rows, columns); other arrays as they are."""
    if value.size % width:
        return value
    if value.ndim == 2 and value.shape[0] == width and value.shape[1] != width:
        return np.ascontiguousarray(value[columns].T)
    return np.ascontiguousarray(value.reshape(-1, width)[:, columns])


class Recorder:
    """Counts loop passes; between ``open`` and ``close`` it copies the values of the sites.

    ``at_pass(loop, activation, frame, ended)`` is called at the start of every pass of every loop (and at its end).
    """

    def __init__(self, walker: Walker) -> None:
        self.walker = walker
        self.installed = False
        self._active = False
        self.only: set[int] | None = None
        self.columns: dict[int, tuple[int, list[int]]] = {}  # site -> width of its rows, columns of them that are kept
        self.at_pass: Callable[[int, int, types.FrameType, bool], None] | None = None
        self.activations = 0
        self.while_running: dict[tuple[int, int], int] = {}
        self.clear()

    def install(self) -> None:
        """Make the functions known to instrumented code."""
        for name, function in (
            (instrument.ELEMENT, self.element),
            (instrument.LOOP, self.loop),
            (instrument.PASS, self.passed),
            (instrument.LEAVE, self.left),
        ):
            setattr(builtins, name, function)
        self.installed = True
        self.active = self._active

    @property
    def active(self) -> bool:
        """Whether values are recorded now."""
        return self._active

    @active.setter
    def active(self, on: bool) -> None:
        self._active = on
        if self.installed:
            # While nothing is recorded a value only has to come back: an empty dict gives its default faster than a function.
            setattr(builtins, instrument.VALUE, self.value if on else _NOTHING.get)
            setattr(builtins, instrument.TARGET, self.target if on else _NOTHING.get)

    def clear(self) -> None:
        self.series: dict[tuple[int, str], Series] = {}
        self.events = 0
        self.bytes = 0
        self.cut = False

    # ------------------------------------------------------------------ loops

    def loop(self, number: int, iterable: Iterable[Any]) -> Iterator[Any]:
        self.activations += 1
        activation = self.activations
        iterator = iter(iterable)
        while True:
            if self.at_pass is not None:
                self.at_pass(number, activation, sys._getframe(1), False)
            try:
                item = next(iterator)
            except StopIteration:
                break
            yield item
        if self.at_pass is not None:
            self.at_pass(number, activation, sys._getframe(1), True)

    def passed(self, number: int) -> None:
        frame = sys._getframe(1)
        key = (number, id(frame))
        activation = self.while_running.get(key)
        if activation is None:
            self.activations += 1
            activation = self.while_running[key] = self.activations
        if self.at_pass is not None:
            self.at_pass(number, activation, frame, False)

    def left(self, number: int) -> None:
        frame = sys._getframe(1)
        activation = self.while_running.pop((number, id(frame)), None)
        if activation is not None and self.at_pass is not None:
            self.at_pass(number, activation, frame, True)

    # ------------------------------------------------------------------ values

    def value(self, site: int, value: Any) -> Any:
        if self._active and (self.only is None or site in self.only):
            self._tell(site, "", value)
        return value

    def target(self, site: int, value: Any) -> None:
        if self._active and (self.only is None or site in self.only):
            self._tell(site, "", value)

    def element(self, site: int, container: Any, value: Any) -> None:
        if self._active and (self.only is None or site in self.only):
            if isinstance(container, np.ndarray) and np.ndim(value) and container.size <= 1_000_000:
                value = container
            self._tell(site, "", value)

    def _tell(self, site: int, part: str, value: Any, depth: int = 0) -> None:
        kind = type(value)
        if kind is float or kind is int or kind is bool:
            self._add(site, part, value, (), 1, kind is float)
        elif kind is np.ndarray:
            self._array(site, part, value)
        elif isinstance(value, np.generic):
            if value.dtype.kind in "fiub":
                self._add(site, part, value.item(), (), 1, value.dtype.kind == "f")
        elif depth < 2 and kind in (list, tuple, dict):
            self._container(site, part, value, depth)
        elif depth < 2 and kind.__module__ in self.walker.modules and not isinstance(value, (type, types.FunctionType)):
            self._object(site, part, value)

    def _container(self, site: int, part: str, value: Any, depth: int) -> None:
        if not value:
            return
        if not isinstance(value, dict):
            shape = nested_shape(value)
            if shape is not None:
                flat = np.array(value, dtype=np.float64)
                self._add(site, part, flat.ravel(), shape, flat.size, True)
                return
        if len(value) <= PARTS:
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for name, item in list(items):
                if not isinstance(item, (str, float, int)):
                    self._tell(site, f"{part}[{name!r}]", item, depth + 1)
                elif isinstance(item, float):
                    self._add(site, f"{part}[{name!r}]", item, (), 1, True)

    def _object(self, site: int, part: str, value: Any) -> None:
        """A number of the program's own (a node of its automatic gradient): its float attributes."""
        kind = type(value)
        names = list(getattr(value, "__dict__", ())) or list(getattr(kind, "__slots__", ()))
        if len(names) > 8:
            return
        found = [(name, getattr(value, name, None)) for name in names]
        if any(isinstance(item, (np.ndarray, list)) and np.size(item) > 8 for _, item in found):
            return
        for name, item in found:
            if isinstance(item, (float, np.floating)):
                self._add(site, f"{part}.{name}", float(item), (), 1, True)
            elif isinstance(item, np.ndarray):
                self._array(site, f"{part}.{name}", item)

    def _array(self, site: int, part: str, value: Array) -> None:
        if site in self.columns:
            value = some_columns(value, *self.columns[site])
        if value.dtype.kind in "fiub" and 0 < value.size <= 1_000_000:
            self._add(site, part, np.array(value).ravel(), value.shape, value.size, value.dtype.kind == "f")

    def _add(self, site: int, part: str, flat: Any, shape: tuple[int, ...], size: int, is_float: bool) -> None:
        self.events += 1
        if self.events > MOST_EVENTS or self.bytes > MOST_BYTES:
            self.cut = True
            return
        series = self.series.get((site, part))
        if series is None:
            series = self.series[site, part] = Series()
        if series.size + size > MOST_NUMBERS:
            self.cut = True
            return
        series.values.append(flat)
        series.shapes.append(shape)
        series.order.append(self.events)
        series.size += size
        self.bytes += 8 * size
        if is_float:
            series.kind = "f"

    def taken(self) -> list[dict[str, Any]]:
        """The window as plain data for the wire; what was recorded is given up on the way, so that it is there once."""
        out = []
        for site, part in list(self.series):
            series = self.series.pop((site, part))
            same = len(set(series.shapes)) == 1
            first = series.shapes[0]
            flat = (
                np.array(series.values, dtype=np.float64).ravel()  # (an array without axes is told as one number)
                if same and not first
                else np.concatenate([np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in series.values])
            )
            out.append({
                "site": site, "part": part, "kind": series.kind, "values": flat, "count": len(series.order),
                "shape": list(first) if same else None, "shapes": None if same else [list(s) for s in series.shapes],
                "order": np.array(series.order),
            })  # fmt: skip
        return out


class Scout:
    """Watches which variables change from one pass of a loop to the next, to find the loop whose pass is one step.

    For each loop it keeps up to SNAPSHOTS comparisons: the leaves of unchanged shape whose values changed.
    """

    def __init__(self, recorder: Recorder, patience: float) -> None:
        self.recorder, self.patience = recorder, patience
        self.last: dict[int, tuple[int, dict[str, Array]]] = {}
        self.visits: dict[int, int] = {}
        self.hits: dict[int, int] = {}
        self.changes: dict[int, list[list[str]]] = {}
        self.made: dict[int, list[str]] = {}
        self.first_hit: dict[int, list[int]] = {}
        self.depth: dict[int, int] = {}
        self.sizes: dict[str, int] = {}
        self.first_change: float | None = None
        self.newest = 0.0  # when a loop began that had not been met before
        self.looking = 0.0  # seconds that the comparisons themselves took

    def __call__(self, loop: int, activation: int, frame: types.FrameType, ended: bool) -> bool:
        """Take note of one pass; True when enough was seen."""
        if loop not in self.hits:
            self.newest = self._clock()
        self.hits[loop] = self.hits.get(loop, 0) + (not ended)
        self.visits[loop] = self.visits.get(loop, 0) + 1
        known = self.last.get(loop)
        if self.visits[loop] > SNAPSHOTS and not (self.visits[loop] < 10 * SNAPSHOTS and self._goes_on(loop)):
            return self._enough()
        if known is None and ended:
            return False
        start = time.process_time()
        leaves = self.recorder.walker.walk(frame)
        now = {path: leaf.read() for path, leaf in leaves.items()}
        self.depth[loop] = len(self.recorder.walker.frames(frame))
        if known is not None and known[0] == activation:
            before = known[1]
            changed = [
                path
                for path, value in now.items()
                if path in before
                and before[path].shape == value.shape
                and not np.array_equal(before[path], value, equal_nan=True)
                and not rearranged(before[path], value)
            ]
            if loop not in self.changes:
                self.made[loop] = sorted(now.keys() - before.keys())
            self.changes.setdefault(loop, []).append(changed)
            self.sizes.update((path, now[path].size) for path in changed)
            self.first_hit.setdefault(loop, []).append(self.hits[loop] - (not ended))
            if self.first_change is None and any(now[path].size > 1 for path in changed):
                self.first_change = self._clock()
        if ended:
            self.last.pop(loop, None)
        else:
            self.last[loop] = (activation, now)
        self.looking += time.process_time() - start
        return self._enough()

    def _goes_on(self, loop: int) -> bool:
        """Nothing was compared yet, or some arrays change in every pass and others in a few (steps of several passes)."""
        changes = self.changes.get(loop, [])
        if not changes or len(changes) >= MOST_SNAPSHOTS:
            return not changes
        arrays = [{path for path in one if self.sizes[path] > 1} for one in changes[1:]]
        always = set.intersection(*arrays) if arrays else set()
        return bool(always) and always != set.union(*arrays)

    def _clock(self) -> float:
        """Seconds of the program's own, as long as looking at it takes no longer than a few."""
        return time.process_time() - min(self.looking, MOST_LOOKING)

    def _enough(self) -> bool:
        """Patience is over, and a loop of the outermost kind was compared (or thrice the patience is over)."""
        if self.first_change is None:
            return False
        waited = self._clock() - max(self.first_change, self.newest)  # (data may be prepared in loops, too)
        if waited <= self.patience:
            return False
        compared = [self.depth[loop] for loop, rows in self.changes.items() if any(rows)]
        outermost = min(self.depth.values()) in compared
        return waited > 3 * self.patience or outermost

    def table(self) -> dict[str, Any]:
        """Per loop: how often it passed, how deep in calls it is, the comparisons that were made, and which variables were not
        there before the first of them."""
        return {
            "loops": [
                {"loop": loop, "hits": self.hits[loop], "depth": self.depth.get(loop, 0), "changes": changes,
                 "hit": self.first_hit[loop], "made": self.made[loop]}
                for loop, changes in self.changes.items()
            ],
            "sizes": self.sizes,
        }  # fmt: skip
