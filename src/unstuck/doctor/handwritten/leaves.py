"""The numbers that a running program holds between two statements: found by walking its variables, and nudged in place.

A *leaf* is an array, a rectangular nested list of numbers, a float in an attribute, a dict, a list or a variable, or a
group of such floats in like objects (the biases of all neurons of a layer). Its path reads like the user's own access:
``net.weights[0]``, ``par['U']``, ``train: w1`` (a local variable of ``train``), ``layers[0].neurons[*].bias``.
"""

from __future__ import annotations

import ctypes
import math
import re
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

DEEPEST = 8
MOST_OBJECTS = 30_000
MOST_IN_LIST = 20_000  # numbers in one nested list; longer ones are data
LARGEST = 1_000_000  # elements of an array that may be a parameter
MOST_VIEWS = 24  # into one array; a network whose weights lie in one vector has fewer
MOST_NUMBERS = 6_000_000  # elements of all arrays together; what lies beyond (batches cut from large data) is left out
MANY_GROUPS = 24
MANY_ROWS = 64  # like arrays in one list: rows of data (or the neurons of one layer), told as one

Array = np.ndarray[Any, Any]


class Leaf:
    """One piece of numeric state. ``read()`` copies it as float64; ``add(delta)`` changes it in place."""

    def __init__(self, path: str, get: Callable[[], Any], put: Callable[[Any], None] | None) -> None:
        self.path, self.get, self.put = path, get, put

    def read(self) -> Array:
        return np.array(self.get(), dtype=np.float64)

    def add(self, delta: Array) -> None:
        value = self.get()
        if isinstance(value, np.ndarray) and value.ndim:
            value += delta.reshape(value.shape).astype(value.dtype, copy=False)
        elif isinstance(value, list):
            _add_nested(value, iter(delta.ravel().tolist()))
        elif self.put is not None:
            new = value + delta.ravel()[0]
            self.put(new if isinstance(value, np.generic) else float(new))


class Group(Leaf):
    """Like numbers of like objects, side by side."""

    def __init__(self, path: str, parts: list[Leaf]) -> None:
        super().__init__(path, lambda: None, None)
        self.parts = parts

    def read(self) -> Array:
        return np.stack([part.read() for part in self.parts])

    def add(self, delta: Array) -> None:
        for part, piece in zip(self.parts, np.asarray(delta).reshape(len(self.parts), -1), strict=True):
            part.add(piece)


class Rows(Leaf):
    """Like arrays (or numbers, which cannot be nudged) of many rows, one below the other."""

    def __init__(self, path: str, parts: list[Any]) -> None:
        super().__init__(path, lambda: parts, None)

    def read(self) -> Array:
        return np.array(self.get(), dtype=np.float64)

    def add(self, delta: Array) -> None:
        for part, piece in zip(self.get(), delta, strict=True):
            if isinstance(part, np.ndarray):
                part += piece.reshape(part.shape).astype(part.dtype, copy=False)


def _add_nested(values: list[Any], deltas: Iterator[float]) -> None:
    for i, value in enumerate(values):
        if isinstance(value, list):
            _add_nested(value, deltas)
        else:
            values[i] = value + next(deltas)


def nested_shape(value: Any) -> tuple[int, ...] | None:
    """Shape of a rectangular nested list (or tuple) of numbers, None if it is none."""
    if type(value) is float or type(value) is int or isinstance(value, np.floating):
        return ()
    if not isinstance(value, (list, tuple)) or not value or len(value) > MOST_IN_LIST:
        return None
    first = nested_shape(value[0])
    if first is None or math.prod(first) * len(value) > MOST_IN_LIST:
        return None
    for item in value[1:]:
        if nested_shape(item) != first:
            return None
    return (len(value), *first)


class Walker:
    """Walks the variables of a program whose modules and files are known."""

    def __init__(self, files: Iterable[str], modules: Iterable[str]) -> None:
        self.files, self.modules = set(files), set(modules)

    def frames(self, frame: types.FrameType | None) -> list[types.FrameType]:
        """The program's own frames from the outermost to ``frame``."""
        found = []
        while frame is not None:
            if frame.f_code.co_filename in self.files:
                found.append(frame)
            frame = frame.f_back
        return found[::-1]

    def walk(self, frame: types.FrameType | None) -> dict[str, Leaf]:
        """All leaves that the program can reach from here, each once, by path."""
        self.seen: set[Any] = set()
        self.found: dict[str, Leaf] = {}
        self.count = 0
        self.numbers = 0
        self.views: dict[int, int] = {}
        self.large: dict[str, Array | list[Array]] = {}  # data too large to be read as a whole
        for name in sorted(self.modules, key=lambda m: m != "__main__"):
            module = sys.modules.get(name)
            if module is not None:
                self._namespace(vars(module), "" if name == "__main__" else f"{name}.")
        for active in self.frames(frame):
            if not active.f_code.co_name.startswith("<"):  # the module was walked; comprehensions hold no state
                self._locals(active)
        return _grouped(self.found)

    def _namespace(self, space: dict[str, Any], prefix: str) -> None:
        for name, value in list(space.items()):
            if not name.startswith("__"):
                self._visit(value, prefix + name, 0, _setter(space, name), (id(space), name))

    def _locals(self, frame: types.FrameType) -> None:
        for name, value in list(frame.f_locals.items()):
            if name.startswith("."):
                continue

            def put(new: Any, name: str = name) -> None:
                frame.f_locals[name] = new
                if sys.version_info < (3, 13):
                    ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))

            self._visit(value, f"{frame.f_code.co_name}: {name}", 0, put, (id(frame), name))

    def _visit(self, value: Any, path: str, depth: int, put: Callable[[Any], None] | None, key: Any) -> None:
        self.count += 1
        if depth > DEEPEST or self.count > MOST_OBJECTS:
            return
        if isinstance(value, (float, np.floating)):
            if key not in self.seen:
                self.seen.add(key)
                self._keep(path, put, value, key)
            return
        if isinstance(value, np.ndarray):
            self._array(value, path, depth)
            return
        if value is None or isinstance(value, (int, str, bytes, types.ModuleType)) or id(value) in self.seen:
            return
        if isinstance(value, (list, tuple, deque)):
            self.seen.add(id(value))
            self._sequence(value, path, depth)
        elif isinstance(value, dict):
            self.seen.add(id(value))
            for name, item in list(value.items())[:2000]:
                if isinstance(name, (str, int, tuple)):
                    self._visit(item, f"{path}[{name!r}]", depth + 1, _setter(value, name), (id(value), name))
        elif isinstance(value, types.FunctionType):
            self.seen.add(id(value))
            if value.__code__.co_filename in self.files:
                for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
                    self._cell(cell, f"{path}: {name}", depth)
        elif isinstance(value, types.MethodType):
            self._visit(value.__self__, f"{path}.__self__", depth + 1, None, None)
        elif (
            isinstance(value, type)
            or type(value).__module__ in self.modules
            or isinstance(value, types.SimpleNamespace)
        ):
            self.seen.add(id(value))
            self._object(value, path, depth)

    def _keep(self, path: str, put: Callable[[Any], None] | None, value: Any, key: Any) -> None:
        holder = [value]

        def write(new: Any) -> None:
            holder[0] = new
            if put is not None:
                put(new)

        self.found[path] = Leaf(path, lambda: holder[0], write if put is not None else None)

    def _cell(self, cell: types.CellType, path: str, depth: int) -> None:
        try:
            value = cell.cell_contents
        except ValueError:  # not assigned yet
            return
        self._visit(value, path, depth + 1, lambda new: setattr(cell, "cell_contents", new), (id(cell), "cell"))

    def _array(self, value: Array, path: str, depth: int) -> None:
        if value.dtype == object and value.size <= 4000:
            self._sequence(value.tolist() if value.ndim else [value.item()], path, depth)
            return
        if id(value) in self.seen:  # one of many rows
            return
        key = (value.__array_interface__["data"][0], value.shape, value.strides)
        if value.dtype.kind not in "fiu" or not value.size or key in self.seen:
            return
        if value.size > LARGEST:
            if value.ndim > 1:
                self.seen.add(key)
                self.large[path] = value
            return
        if value.dtype.kind != "f" and value.size > 5000:
            return
        root = _root(value)
        if root.size > LARGEST:  # a piece of large data
            return
        if root is not value:
            self.views[id(root)] = self.views.get(id(root), 0) + 1
            if self.views[id(root)] > MOST_VIEWS:  # batches cut from data
                return
        self.numbers += value.size
        if self.numbers > MOST_NUMBERS:
            return
        self.seen.add(key)
        if value.ndim:
            self.found[path] = Leaf(path, lambda: value, None)
        else:
            self.found[path] = Leaf(path, lambda: value, lambda new: value.__setitem__((), new))

    def _sequence(self, value: Any, path: str, depth: int) -> None:
        if nested_shape(value) is not None:
            if isinstance(value, list):
                self.found[path] = Leaf(path, lambda: value, None)
            return  # a tuple of numbers cannot change
        columns = _rows(value)
        for name, parts in columns.items():
            self._group(f"{path}[*]{name}", parts)
        if columns or len(value) > 2000:
            return
        for i, item in enumerate(list(value)):
            put = _setter(value, i) if isinstance(value, list) else None
            self._visit(item, f"{path}[{i}]", depth + 1, put, (id(value), i))

    def _group(self, path: str, parts: list[Any]) -> None:
        """Like arrays or numbers of many rows as one leaf."""
        size = len(parts) * int(np.size(parts[0]))
        if np.ndim(parts[0]):
            self.seen.update(map(id, parts))
        if size > LARGEST:
            if np.ndim(parts[0]):
                self.large[path] = parts
        elif self.numbers + size <= MOST_NUMBERS:
            self.numbers += size
            self.found[path] = Rows(path, parts)

    def _object(self, value: Any, path: str, depth: int) -> None:
        if isinstance(value, type):
            if value.__module__ not in self.modules:
                return
            attributes = {n: v for n, v in vars(value).items() if isinstance(v, (np.ndarray, list, dict, float))}
        else:
            attributes = dict(getattr(value, "__dict__", {}))
            for kind in type(value).__mro__:
                for name in _slots(kind):
                    if hasattr(value, name):
                        attributes[name] = getattr(value, name)
        scalar = not any(isinstance(v, np.ndarray) for v in attributes.values())
        for name, item in attributes.items():
            if scalar and (isinstance(item, type(value)) or _of_kind(item, type(value))):
                continue  # a graph of single numbers: its other nodes are results, not state
            self._visit(item, f"{path}.{name}", depth + 1, _attribute(value, name), (id(value), name))


def _rows(value: Any) -> dict[str, list[Any]]:
    """A long list of like arrays, or of like tuples with arrays (inputs, targets), by columns; empty where it is none."""
    if len(value) < MANY_ROWS or isinstance(value, deque):
        return {}
    first = value[0]
    if isinstance(first, np.ndarray):
        columns = {"": list(value)}
    elif isinstance(first, (tuple, list)) and any(isinstance(v, np.ndarray) for v in first):
        if not all(type(row) is type(first) and len(row) == len(first) for row in value):
            return {}
        columns = {f"[{i}]": [row[i] for row in value] for i in range(len(first))}
    else:
        return {}
    for parts in columns.values():
        kind, shape = type(parts[0]), np.shape(parts[0])
        numbers = isinstance(parts[0], np.ndarray) and parts[0].dtype.kind in "fiu" and parts[0].size > 0
        if not numbers and not isinstance(parts[0], (int, float, np.number)):
            return {}
        if not all(type(part) is kind for part in parts) or (shape and not all(part.shape == shape for part in parts)):
            return {}
    return columns


def _root(value: Array) -> Array:
    """The array whose memory this one looks into."""
    base = value
    while isinstance(base.base, np.ndarray):
        base = base.base
    return base


def _slots(kind: type) -> tuple[str, ...]:
    slots = kind.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _of_kind(item: Any, kind: type) -> bool:
    return isinstance(item, (list, tuple, set)) and bool(item) and all(isinstance(x, kind) for x in item)


def _setter(container: Any, key: Any) -> Callable[[Any], None]:
    def put(new: Any) -> None:
        container[key] = new

    return put


def _attribute(owner: Any, name: str) -> Callable[[Any], None]:
    return lambda new: setattr(owner, name, new)


_INDEX = re.compile(r"\[\d+\]")


def _grouped(found: dict[str, Leaf]) -> dict[str, Leaf]:
    """Put the single numbers and short lists of like objects side by side, so that a layer is one leaf."""

    def starred(path: str, keep_first: bool) -> str:
        places = list(_INDEX.finditer(path))
        if keep_first and len(places) > 1:
            places = places[1:]
        for place in reversed(places):
            path = path[: place.start()] + "[*]" + path[place.end() :]
        return path

    def groups(keep_first: bool) -> dict[str, list[Leaf]]:
        table: dict[str, list[Leaf]] = {}
        for path, leaf in found.items():
            small = not isinstance(leaf, Rows) and not isinstance(leaf.get(), np.ndarray) and _INDEX.search(path)
            inside = re.search(r"\](\.|\[')", path) or re.search(r"\]\[\d+\]", path)
            table.setdefault(starred(path, keep_first) if small and inside else path, []).append(leaf)
        return table

    table = groups(True)
    if sum("[*]" in path for path in table) > MANY_GROUPS:
        table = groups(False)
    out: dict[str, Leaf] = {}
    for path, leaves in table.items():
        if len(leaves) == 1:
            out[leaves[0].path] = leaves[0]
        elif len({np.shape(leaf.get()) for leaf in leaves}) == 1:
            out[path] = Group(path, leaves)
        elif len(leaves) > MANY_GROUPS and path.endswith(
            "[*]"
        ):  # rows of data: (inputs, targets) after (inputs, targets)
            out.update(_columns(path, leaves))
        else:
            out.update((leaf.path, leaf) for leaf in leaves)
    return out


def _columns(path: str, leaves: list[Leaf]) -> dict[str, Leaf]:
    """The leaves of one starred path by their last index, each column a group where its shapes are the same."""
    columns: dict[str, list[Leaf]] = {}
    for leaf in leaves:
        columns.setdefault(path.removesuffix("[*]") + leaf.path[leaf.path.rindex("[") :], []).append(leaf)
    out: dict[str, Leaf] = {}
    for name, column in columns.items():
        if len({np.shape(leaf.get()) for leaf in column}) == 1:
            out[name] = Group(name, column)
        else:
            out.update((leaf.path, leaf) for leaf in column)
    return out


def rearranged(before: Array, after: Array) -> bool:
    """The same numbers in another order: data that was shuffled, no result of training."""
    return before.size > 1 and bool(np.array_equal(np.sort(before, axis=None), np.sort(after, axis=None)))
