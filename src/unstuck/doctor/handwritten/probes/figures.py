"""The comparisons of answers with labels that the printed figures are made of, beside the figure by the usual convention."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..instrument import Site
from ..records import Array, Series, Window
from .base import Examination
from .values import is_one_hot

LEAST = 8  # compared rows under which nothing is said
DEEP = 4  # assignments that an operand is followed back through
_NUMBERS = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)(?![\w])")


@dataclass(frozen=True)
class Compared:
    """One round of comparing answers with labels.

    ``share`` of the comparisons that hold, ``outputs`` (rows, columns) that the answers come from, ``labels`` (rows,) as the
    program holds them, ``own`` the accuracy of the outputs by the usual convention. ``source`` is the expression in the
    user's text that gives the outputs, ``constant`` whether all outputs are the same although the labels are not.
    """

    site: Site
    stretch: int
    moments: tuple[float, float]
    share: float
    outputs: Array
    labels: Array
    own: float
    answer: ast.expr
    label: ast.expr

    @property
    def rows(self) -> int:
        return len(self.labels)

    @property
    def constant(self) -> bool:
        return bool(np.all(self.outputs == self.outputs[0])) and len(np.unique(self.labels)) > 1


class Figures:
    """Reads the stretches in which the program printed numbers."""

    def __init__(self, e: Examination) -> None:
        self.e = e
        self.text = e.experiments.text
        self._split: dict[int, list[Array]] = {}
        self._sites: dict[str, list[Site]] = {}
        for site in e.table.sites:
            self._sites.setdefault(site.text, []).append(site)

    @cached_property
    def compared(self) -> list[Compared]:
        """All rounds of comparisons, in order of the run."""
        found = []
        for number, window in sorted(self.e.stretches.items()):
            for site in self.e.table.sites:
                series = window.series.get((site.number, ""))
                if series is None or site.file != self.e.program.main:
                    continue
                node = self._comparison(site)
                if node is not None:
                    found += list(self._rounds(number, window, site, series, node))
        return found

    def _comparison(self, site: Site) -> tuple[ast.expr, ast.expr, bool] | None:
        """Both sides of an equality at this site, and whether it is turned round (``!=``)."""
        if site.kind != "value" or not ("=" in site.text or "equal" in site.text or "accuracy_score" in site.text):
            return None
        for node in ast.walk(self.text.tree):
            if getattr(node, "lineno", 0) != site.line:
                continue
            if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
                sides = node.left, node.comparators[0]
                turned = isinstance(node.ops[0], ast.NotEq)
            elif isinstance(node, ast.Call) and len(node.args) == 2 and not node.keywords:
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name not in ("equal", "not_equal"):
                    continue
                sides, turned = (node.args[0], node.args[1]), name == "not_equal"
            else:
                continue
            if _flat(self.text.of(node)) == site.text and not any(isinstance(s, ast.Constant) for s in sides):
                return *sides, turned
        return None

    def _rounds(
        self, number: int, window: Window, site: Site, series: Series, node: tuple[ast.expr, ast.expr, bool]
    ) -> Iterator[Compared]:
        left, right, turned = node
        for first, last in self._calls(window, site, series):
            moments = series.order[first:last]
            values = np.concatenate([v.ravel() for v in self._members(series)[first:last]])
            if not np.all((values == 0) | (values == 1)):
                return
            share = float(values.mean())
            for answer, label in ((left, right), (right, left)):
                labels = self._whole(label, site, window, moments)
                if labels is None or not LEAST <= labels.size <= 100_000:
                    continue
                outputs = self._outputs(answer, site, window, moments, labels.size)
                if outputs is None:
                    continue
                own = self.accuracy(outputs, labels)
                if own is not None:
                    span = float(moments[0]), float(moments[-1])
                    yield Compared(
                        site, number, span, 1 - share if turned else share, outputs, labels, own, answer, label
                    )
                    break

    def _calls(self, window: Window, site: Site, series: Series) -> list[tuple[int, int]]:
        """The occurrences of one round: an array at once, or the single comparisons of one call of the function."""
        if int(np.prod(series.shapes[0])) >= LEAST:
            return [(i, i + 1) for i in range(min(series.count, 12))]
        starts = [0]
        if site.function:
            entry = [s.number for s in self.e.table.sites
                     if s.kind == "argument" and s.function == site.function and s.file == site.file]  # fmt: skip
            for key in entry[:1]:
                told = window.series.get((key, ""))
                parts = [s for k, s in window.series.items() if k[0] == key]
                told = told or (parts[0] if parts else None)
                if told is not None:
                    starts = sorted({int(np.searchsorted(series.order, m)) for m in told.order} | {0})
        if len(starts) > 0.5 * series.count:  # the function compares one row
            starts = [0]
        ends = [*starts[1:], series.count]
        return [(a, b) for a, b in zip(starts, ends, strict=True) if b - a >= LEAST]

    # Values of expressions ---------------------------------------------------------------------------------------------------
    def values(
        self, node: ast.expr, site: Site, window: Window, moments: Array, *, constants: bool = True
    ) -> list[Array] | None:
        """The values that an expression had last before each moment, None where it was not recorded.

        ``constants``: also what a variable holds that training does not change.
        """
        text = _flat(self.text.of(node))
        best: Series | None = None
        for other in self._sites.get(text, []):
            if other.file != site.file:
                continue
            local = other.function == site.function
            if other.kind == "value" and not (local and abs(other.line - node.lineno) <= 1):
                continue
            if not local and isinstance(node, ast.Name) and other.function:
                continue
            series = window.series.get((other.number, ""))
            if series is None or series.order[0] > moments[0]:
                continue
            if (
                best is None
                or series.order[np.searchsorted(series.order, moments[-1], side="right") - 1]
                > best.order[np.searchsorted(best.order, moments[-1], side="right") - 1]
            ):
                best = series
        if best is None:
            constant = self._constant(node, site) if constants else None
            return None if constant is None else [constant] * len(moments)
        places = np.searchsorted(best.order, moments, side="right") - 1
        members = self._members(best)
        return [members[int(i)] for i in places]

    def _constant(self, node: ast.expr, site: Site) -> Array | None:
        """The value of a variable of the module that training does not change (such as the labels), read by its name."""
        if not isinstance(node, ast.Name):
            return None
        local = {s.text for s in self.e.table.sites if s.function == site.function and s.kind in ("target", "argument")}
        if site.function and node.id in local:
            return None
        moved = {p.path for p in self.e.known.parameters} | set(self.e.known.states)
        return None if node.id in moved else self.e.known.leaves.get(node.id)

    def _members(self, series: Series) -> list[Array]:
        """All occurrences of a series, each in its own shape."""
        mark = id(series)
        if mark not in self._split:
            ends = np.cumsum([int(np.prod(s)) for s in series.shapes])
            parts = np.split(series.flat, ends[:-1])
            self._split[mark] = [p.reshape(s) for p, s in zip(parts, series.shapes, strict=True)]
        return self._split[mark]

    def origins(self, node: ast.expr, site: Site, depth: int = 0) -> Iterator[ast.expr]:
        """The expression, its parts, and what its names were assigned from, nearest first."""
        waiting: list[ast.expr] = [node]
        while waiting:
            here = waiting.pop(0)
            yield here
            if isinstance(here, ast.Name) and depth < DEEP:
                for value in self._assigned(here.id, site):
                    yield from self.origins(value, site, depth + 1)
            waiting += [c for c in ast.iter_child_nodes(here) if isinstance(c, ast.expr)]

    def _assigned(self, name: str, site: Site) -> list[ast.expr]:
        found = []
        for other in self.e.table.sites:
            if (
                other.kind == "target"
                and other.text == name
                and other.function == site.function
                and other.line <= site.line
            ):
                statement = self.e.experiments.statement_at(other.line)
                if isinstance(statement, ast.Assign) and other.file == self.e.program.main:
                    found.append(statement.value)
        return found[::-1]

    def _whole(self, node: ast.expr, site: Site, window: Window, moments: Array) -> Array | None:
        """The labels of a round: whole numbers, one a row."""
        for part in self.origins(node, site):
            values = self.values(part, site, window, moments)
            if values is None:
                continue
            joined = np.concatenate([v.ravel() for v in values])
            if len(values) > 1 and any(v.size != 1 for v in values):
                if all(v.size == values[0].size for v in values) and is_one_hot(joined.reshape(len(values), -1)):
                    return np.asarray(joined.reshape(len(values), -1).argmax(axis=1), float)
                continue
            if len(values) == 1 and values[0].ndim == 2 and min(values[0].shape) > 1:
                table = values[0]
                if is_one_hot(table):
                    return np.asarray(table.argmax(axis=1), float)
                return np.asarray(table.argmax(axis=0), float) if is_one_hot(table.T) else None
            if np.all(np.isfinite(joined)) and np.all(joined == np.round(joined)) and len(np.unique(joined)) > 1:
                return joined
        return None

    def _outputs(self, node: ast.expr, site: Site, window: Window, moments: Array, rows: int) -> Array | None:
        """(rows, columns) of the numbers that are not whole which the answers come from (no inputs: they are no answers)."""
        for part in self.origins(node, site):
            values = self.values(part, site, window, moments, constants=False)
            if values is None:
                continue
            flat = np.concatenate([v.ravel() for v in values])
            if not np.all(np.isfinite(flat)) or np.all(flat == np.round(flat)) or flat.size % rows:
                continue
            columns = flat.size // rows
            if columns > 1000:
                continue
            table = values[0]
            if len(values) == 1 and table.ndim == 2 and table.shape == (columns, rows) and columns != rows:
                return np.ascontiguousarray(table.T)
            return flat.reshape(rows, columns)
        return None

    # The usual convention ------------------------------------------------------------------------------------------------------
    @cached_property
    def threshold(self) -> float:
        """Above which a single output that is no probability means the second class."""
        value, target = self.e.objective
        names = [c.objective.name for c in self.e.comparisons
                 if c.objective.value == value and c.objective.target == target]  # fmt: skip
        pair = self.e.targets()
        if pair is not None and names and names[0] in ("squared error", "absolute error", "Huber"):
            return float(pair[1].min() + pair[1].max()) / 2
        return 0.0

    def accuracy(self, outputs: Array, labels: Array) -> float | None:
        """Share of rows that are answered rightly: the largest output, or the one output beside its threshold."""
        classes = np.unique(labels)
        if outputs.shape[1] == 1:
            if len(classes) != 2:
                return None
            bounded = outputs.min() >= 0 and outputs.max() <= 1
            return float(np.mean((outputs[:, 0] > (0.5 if bounded else self.threshold)) == (labels == classes[1])))
        k = outputs.shape[1]
        if classes[-1] >= k or classes[0] < 0:
            if classes[-1] - classes[0] >= k:
                return None
            labels = labels - (
                classes[0] if classes[0] > 0 and classes[-1] - classes[0] == k - 1 else classes[-1] - k + 1
            )
        return float(np.mean(outputs.argmax(axis=1) == labels))

    # What was printed ----------------------------------------------------------------------------------------------------------
    def printed(self, stretch: int, prints: list[tuple[int, str]] | None = None) -> list[tuple[float, float]]:
        """The numbers printed in a stretch, each with the size of its last digit."""
        text = "\n".join(t for n, t in (self.e.printing if prints is None else prints) if n == stretch)
        return [number.pair for number in labelled(text)]


@dataclass(frozen=True)
class Printed:
    """A printed number: the words before it on its line, its value, and the size of its last digit."""

    label: str
    value: float
    last: float

    @property
    def pair(self) -> tuple[float, float]:
        return self.value, self.last


def labelled(text: str) -> list[Printed]:
    """The numbers of a text, in order."""
    found = []
    for line in text.splitlines():
        start = 0
        for match in _NUMBERS.finditer(line):
            written = match.group()
            mantissa, _, power = written.lower().partition("e")
            digits = len(mantissa.partition(".")[2])
            label = " ".join(re.sub(r"[^\w%²^|]+", " ", line[start : match.start()]).split())
            found.append(Printed(label, float(written), 10.0 ** (int(power or 0) - digits)))
            start = match.end()
    return found


def shows(numbers: list[tuple[float, float]], value: float) -> bool:
    """Whether one of the numbers is this value as far as it was printed."""
    return any(abs(n - value) <= 0.51 * last + 1e-9 * abs(value) for n, last in numbers)


def shows_share(numbers: list[tuple[float, float]], share: float, rows: int) -> bool:
    """Whether a share was printed, as itself, in percent, as a count, or as that of the errors."""
    return any(shows(numbers, v) for s in (share, 1 - share) for v in (s, 100 * s, rows * s))


def _flat(text: str) -> str:
    return " ".join(text.split())
