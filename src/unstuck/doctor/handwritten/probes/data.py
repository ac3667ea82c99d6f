"""The data as the training loop sees it: which variable holds the inputs, which rows each step uses, with which targets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..nudge import Key
from ..recorder import some_columns
from ..records import Array, Series
from ..step import Step
from .base import Examination, Excerpt

MOST_PASSES = 4000  # of the training loop that are looked at to see which rows are used
MOST_NUMBERS = 20_000_000
ROUNDS = 3  # times through the rows that are looked at


@dataclass(frozen=True)
class Inputs:
    """A variable that holds input rows. ``axis``: which axis counts the rows. ``key``: the recorded batch made of them."""

    path: str
    values: Array
    axis: int
    key: Key

    @property
    def text(self) -> str:
        return self.path.split(": ", 1)[-1]

    @property
    def rows(self) -> Array:
        """(rows, features)."""
        table = self.values if self.axis == 0 else self.values.T
        return table.reshape(len(table), -1)

    @cached_property
    def index(self) -> dict[bytes, int]:
        """The rows by their bytes."""
        return row_index(self.rows)


class Data:
    """Looks at one training step's data; everything is worked out when it is first asked for."""

    def __init__(self, examination: Examination) -> None:
        self.e = examination
        self.known = examination.known

    @cached_property
    def pair(self) -> tuple[Array, Array] | None:
        """Outputs and targets (rows, columns) of the step that was understood."""
        return self.e.targets()

    @cached_property
    def candidates(self) -> list[str]:
        """Variables with numbers that training does not change and that are large enough to be data."""
        moved = {p.path for p in self.known.parameters} | set(self.known.states)
        return [
            path
            for path, v in self.known.leaves.items()
            if path not in moved and v.size >= 4 and np.all(np.isfinite(v))
        ]

    @cached_property
    def inputs(self) -> Inputs | None:
        """The inputs: a variable whose nudge changes the outputs and whose rows are found in the step."""
        if self.pair is None:
            return None
        count = len(self.pair[0])
        value = self.e.objective[0]
        step = self.e.session.stop(self.known.loop, self.known.hit, self.e.program)
        if step is None:
            return None
        with step:
            moving = [path for path in sorted(self.candidates, key=lambda p: self.known.leaves[p].size)
                      if self.known.leaves[path].ndim and self._moves(step, path, self.known.leaves[path], value)]  # fmt: skip
            for rows in (count, 1) if self.pair[0].shape[1] == 1 else (count,):
                for path in moving:
                    found = self._batch(path, self.known.leaves[path], rows)
                    if found is not None:
                        self.e.single_row = rows < count
                        self.__dict__.pop("pair", None)  # it is one row, if so
                        return found
            return self._large(step, count)

    def _large(self, step: Step, count: int) -> Inputs | None:
        """Inputs that are too large to be read: some columns of theirs, and a recorded batch with such rows."""
        for data in step.large():
            index = row_index(data.values)
            for key, series in self.known.window.series.items():
                if key in self.known.influenced or key[1] or series.flat.size != count * data.width:
                    continue
                shape = series.shapes[0] if series.count == 1 else (series.count, *series.shapes[0])
                batch = some_columns(series.flat.reshape(shape), data.width, data.columns)
                if all(row.tobytes() in index for row in np.ascontiguousarray(batch + 0.0)):
                    short = Series(key, batch.ravel(), [batch.shape], series.order[:1], series.is_float)
                    self.e.excerpt = Excerpt(key, data.width, data.columns, short)
                    return Inputs(data.path, data.values, 0, key)
        return None

    def _moves(self, step: Step, path: str, leaf: Array, value: Key) -> bool:
        delta = 0.01 * (float(np.std(leaf)) or 1.0) * np.ones(leaf.shape)
        try:
            windows = step.take({path: delta}, sites=[value[0]], leaves=[])
        except Exception:
            return False
        old, new = self.e.recorded(value), self.e.recorded(value, windows[0]) if windows else None
        if old is None or new is None:
            return False
        return old.flat.size != new.flat.size or not np.array_equal(old.flat, new.flat, equal_nan=True)

    def _batch(self, path: str, leaf: Array, count: int) -> Inputs | None:
        if leaf.ndim > 1:  # all rows at once, used as the variable that it is
            for axis in (0, leaf.ndim - 1) if count > 1 else ():
                if leaf.shape[axis] == count and not self._is_sliced(leaf, count):
                    return Inputs(path, leaf, axis, (-1, path))
        for axis in (0, leaf.ndim - 1) if leaf.ndim > 1 else (0,):
            table = (leaf if axis == 0 else np.moveaxis(leaf, axis, 0)).reshape(leaf.shape[axis], -1)
            index = row_index(table)
            for key, series in self.known.window.series.items():
                if key in self.known.influenced or not series.is_float:
                    continue
                if (
                    count == 1 and not key[1] and _repeats(series.flat, table.shape[1])
                ):  # read number by number, unit after unit
                    key = (key[0], f"@:{table.shape[1]}")
                    series = self.e.recorded(key) or series
                if series.flat.size != count * table.shape[1]:
                    continue
                rows = rows_in(series, count, table.shape[1], index)
                if rows is not None:
                    return Inputs(path, leaf, axis, key)
        return None

    def _is_sliced(self, leaf: Array, count: int) -> bool:
        """Whether some recorded value holds a batch of this variable's size (then that one is followed)."""
        return any(
            s.is_float
            and s.flat.size == leaf.size
            and k not in self.known.influenced
            and np.array_equal(s.flat, leaf.ravel())
            for k, s in self.known.window.series.items()
        )

    @cached_property
    def wanted(self) -> tuple[list[Key], int]:
        """What to record in the first passes to see which rows they use: the keys, and how many passes."""
        found, (value, target) = self.inputs, self.e.objective
        keys = [k for k in (value, target, found.key if found is not None else None) if k is not None]
        if found is None or target is None:
            return keys, 0
        size = max(found.rows.shape[1] * (len(self.pair[0]) if self.pair else 1), 1)
        rounds = 50 + ROUNDS * len(found.rows) // self._different_rows(found)
        return keys, int(max(20, min(MOST_PASSES, MOST_NUMBERS // size, rounds)))

    def _different_rows(self, found: Inputs) -> int:
        """How many rows the step uses: the same one may be recorded for each unit that reads it."""
        count = len(self.pair[0]) if self.pair else 1
        series = self.e.recorded(found.key)
        rows = rows_in(series, count, found.rows.shape[1], found.index) if series is not None else None
        return max(len(set(rows)) if rows else count, 1)

    @cached_property
    def batches(self) -> tuple[Array, Array, list[int]] | None:
        """(inputs (n, features), targets (n, columns), rows per pass) of the first passes, in the order of training."""
        found, (value, target) = self.inputs, self.e.objective
        answer = self.e.baseline
        if found is None or target is None or answer is None:
            return None
        xs, ts, counts = [], [], []
        for window in answer[0].head:
            x, t, o = (self.e.recorded(k, window, answer[1]) for k in (found.key, target, value))
            pair = self.e.paired(o, t) if o is not None and t is not None else None
            if x is None or pair is None or x.flat.size != len(pair[1]) * found.rows.shape[1]:
                continue
            xs.append(as_rows(x, len(pair[1]), found.rows.shape[1], found.index))
            ts.append(pair[1])
            counts.append(len(pair[1]))
        if not xs or len({t.shape[1] for t in ts}) != 1:
            return None
        x_all = np.concatenate(xs)
        if len(row_index(x_all)) > len(found.index):
            return None  # more rows than the variable has: what was taken for the data is something else
        return x_all, np.concatenate(ts), counts

    @cached_property
    def unique(self) -> tuple[Array, Array] | None:
        """Each training row once with its target."""
        if self.batches is None:
            return None
        x, t, _ = self.batches
        first = list(row_index(x).values())
        return x[first], t[first]

    @cached_property
    def rows_are_independent(self) -> bool:
        """A nudge of one input row changes that row's output alone (no recurrence, no batch statistics)."""
        found, pair = self.inputs, self.pair
        if found is None or pair is None:
            return False
        if len(pair[0]) == 1:
            return True
        if self.e.excerpt is not None:  # too large to be nudged; one batch in, one batch out
            return self.known.window.series[found.key].count == 1
        series = self.e.recorded(found.key)
        if series is None:
            return False
        rows = rows_in(series, len(pair[0]), found.rows.shape[1], found.index)
        step = self.e.session.stop(self.known.loop, self.known.hit, self.e.program)
        if rows is None or step is None:
            return False
        value, target = self.e.objective
        with step:
            delta = np.zeros(found.values.shape)
            place = (rows[0],) if found.axis == 0 else (..., rows[0])
            delta[place] = 0.05 * (float(np.std(found.values)) or 1.0)
            windows = step.take({found.path: delta}, sites=[value[0]], leaves=[])
        new = self.e.recorded(value, windows[0]) if windows else None
        base = self.e.recorded(target) if target is not None else None
        other = self.e.paired(new, base) if new is not None and base is not None else None
        if other is None or other[0].shape != pair[0].shape:
            return False
        changed = np.flatnonzero(np.any(other[0] != pair[0], axis=1))
        same_row = [i for i, r in enumerate(rows) if r == rows[0]]
        return len(changed) > 0 and set(changed.tolist()) <= set(same_row)


def _repeats(flat: Array, width: int) -> bool:
    """The same ``width`` numbers over and over."""
    if width < 2 or flat.size <= width or flat.size % width:
        return False
    rows = flat.reshape(-1, width)
    return bool(np.all(rows == rows[0]))


def row_index(table: Array) -> dict[bytes, int]:
    """The bytes of each row -> its number (the first of equal rows)."""
    index: dict[bytes, int] = {}
    for i, row in enumerate(np.ascontiguousarray(table + 0.0)):
        index.setdefault(row.tobytes(), i)
    return index


def rows_in(series: Series, count: int, width: int, index: dict[bytes, int]) -> list[int] | None:
    """The row numbers that a recorded batch is made of, or None if it is not made of these rows."""
    for table in _layouts(series, count, width):
        rows = [index.get(row.tobytes()) for row in np.ascontiguousarray(table + 0.0)]
        if all(r is not None for r in rows):
            return [r for r in rows if r is not None]
    return None


def as_rows(series: Series, count: int, width: int, index: dict[bytes, int]) -> Array:
    """A recorded batch as (rows, features)."""
    for table in _layouts(series, count, width):
        if table[:1].size and np.ascontiguousarray(table[0] + 0.0).tobytes() in index:
            return table
    return _layouts(series, count, width)[0]


def _layouts(series: Series, count: int, width: int) -> list[Array]:
    if series.flat.size != count * width:
        return []
    layouts = [series.flat.reshape(count, width)]
    shape = [n for n in series.shapes[0] if n != 1]
    if series.count == 1 and len(shape) >= 2 and shape[-1] == count:
        layouts.append(np.ascontiguousarray(series.flat.reshape(width, count).T))
    return layouts


__all__ = ["Data", "Inputs", "as_rows", "row_index", "rows_in"]
