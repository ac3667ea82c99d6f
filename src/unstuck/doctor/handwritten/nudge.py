"""True derivatives of the running program: central differences through forks, contracted with every loss it might descend.

An *objective* is a pair of a recorded value o and a vector c: its derivative along a nudge is c . do. With c all ones it
is the program's own recorded number; with c the derivative of a textbook loss of (o, target) it is that loss; with c a
value that the program itself recorded it tests the chain rule from o down, whatever the loss (the user's own delta).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from .records import Array, Series, Window
from .step import Step
from .understand import SHORT, H, Parameter, Understanding
from .windows import series_before

Key = tuple[int, str]
MOST_COTANGENTS = 80  # recorded vectors of one size that are tried against each value of that size
MOST_ELEMENTS = 300_000  # of one forward value
MOST_MEMBERS = 12  # of one recorded list or dict that are tried as targets
MOST_LAYERS = 12  # values of one line that may be those of layer after layer
MOST_CLASSES = 1000  # of integer labels


@dataclass
class Objective:
    """One candidate for what is descended. ``derivative`` and ``floor`` are (parameters, directions).

    ``kind``: "own" (a number the program computes), "loss" (a textbook loss of ``value`` and ``target``), "sum" (sum of a
    recorded array), "chain" (from ``value`` down, with the recorded ``cotangent``). ``bend``: by how much the difference upwards
    and the one downwards disagree, as a share of the larger, for each parameter: much where a unit stands at its kink.
    ``variant``: its number among those that are alike in all else (a softmax over rows, over columns).
    """

    kind: str
    name: str
    value: Key
    target: Key | None = None
    cotangent: Key | None = None
    vector: Array = field(default_factory=lambda: np.zeros(0))
    derivative: Array = field(default_factory=lambda: np.zeros((0, 0)))
    floor: Array = field(default_factory=lambda: np.zeros((0, 0)))
    bend: Array = field(default_factory=lambda: np.zeros(0))
    variant: int = 0

    @property
    def label(self) -> tuple[object, ...]:
        """What it is: the same in another examination of the same step."""
        return self.kind, self.name, self.value, self.target, self.cotangent, self.variant

    @cached_property
    def acting(self) -> int:
        """How many parameters it depends on."""
        largest = np.max(np.abs(self.derivative), axis=1)
        return int(np.count_nonzero(largest > 50 * np.max(self.floor, axis=1)))


@dataclass(frozen=True)
class Derivatives:
    """Objectives with their directional derivatives along ``directions[i]`` (directions, elements of parameter i)."""

    objectives: list[Objective]
    directions: list[Array]


def differentiate(
    step: Step,
    known: Understanding,
    rng: np.random.Generator,
    *,
    directions: int = 3,
    parameters: list[Parameter] | None = None,
    length: float = H,
    chains: bool = True,
) -> Derivatives:
    """Nudge each parameter along random directions and differentiate every candidate objective of this step.

    ``chains`` False leaves out the recorded cotangents: only the program's own numbers and the textbook losses.
    """
    parameters = parameters or known.parameters
    forward = series_before(known.window, known.update_moment)
    values = {k: forward[k] for k in known.influenced if k in forward and forward[k].flat.size <= MOST_ELEMENTS}
    plan = _Plan(values, _targets(forward, known), known.window, forward, known.touched if chains else set())
    sites = {key[0] for key in plan.rows}
    drawn = []
    table = {key: np.full((len(parameters), directions, len(rows)), np.nan) for key, rows in plan.rows.items()}
    floors = {key: np.zeros((len(parameters), len(rows))) for key, rows in plan.rows.items()}
    bends = {key: np.zeros((len(parameters), len(rows))) for key, rows in plan.rows.items()}
    lengths, counts = [], []
    for parameter in parameters:
        count = directions if parameter.before.size > 1 else 1
        own = rng.standard_normal((directions, parameter.before.size)) * parameter.mask
        own /= np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-300)
        if count == 1:
            own[:] = 1.0
        drawn.append(own)
        lengths.append(length * max(1.0, parameter.rms))
        counts.append(count)
    places = [(i, j) for i, count in enumerate(counts) for j in range(count)]
    deltas = [np.asarray(lengths[i] * drawn[i][j].reshape(parameters[i].shape)) for i, j in places]
    pairs = [({parameters[i].path: d}, {parameters[i].path: -d}) for (i, _), d in zip(places, deltas, strict=True)]

    def contracted(pair: list[list[Window]]) -> dict[Key, tuple[Array, Array]]:
        plus, minus = pair
        found = {}
        for key, vectors in plan.rows.items():
            sides = _sides(values[key], plus[0], minus[0]) if plus and minus else None
            if sides is not None:
                with np.errstate(all="ignore"):
                    found[key] = vectors @ sides[0], vectors @ sides[1]
        return found

    for (i, j), found in zip(places, step.take_each(pairs, contracted, sites=sites, leaves=[]), strict=True):
        for key, (up, down) in found.items():
            table[key][i, j] = (up + down) / (2 * lengths[i])
            with np.errstate(all="ignore"):
                bend = np.abs(up - down) / np.maximum(np.maximum(np.abs(up), np.abs(down)), 1e-300)
            bends[key][i] = np.maximum(bends[key][i], np.nan_to_num(bend))
    for i, count in enumerate(counts):
        if count == 1:
            for key in table:
                table[key][i, 1:] = table[key][i, :1]
        for key, vectors in plan.rows.items():
            with np.errstate(all="ignore"):
                floors[key][i] = 4e-16 * np.sqrt((vectors**2) @ (values[key].flat ** 2)) / lengths[i]
    objectives = []
    for key, labels in plan.labels.items():
        for r, (kind, name, target, cotangent) in enumerate(labels):
            variant = labels[:r].count(labels[r])
            objectives.append(
                Objective(
                    kind, name, key, target, cotangent, plan.rows[key][r], table[key][:, :, r],
                    np.repeat(floors[key][:, r : r + 1], directions, axis=1), bends[key][:, r], variant,
                )
            )  # fmt: skip
    return Derivatives([o for o in objectives if np.all(np.isfinite(o.derivative))], drawn)


def sharpened(step: Step, known: Understanding, derivatives: Derivatives, unsure: list[int], seed: int) -> Derivatives:
    """The derivatives with those by the ``unsure`` parameters taken anew: by a nudge so short that hardly a unit bends in it."""
    parameters = [known.parameters[i] for i in unsure]
    count, chains = derivatives.directions[0].shape[0], any(o.kind == "chain" for o in derivatives.objectives)
    rng = np.random.default_rng(seed)
    more = differentiate(step, known, rng, directions=count, parameters=parameters, length=SHORT * H, chains=chains)
    table = {o.label: o for o in more.objectives}
    objectives = []
    for objective in derivatives.objectives:
        other = table.get(objective.label)
        if other is not None:
            derivative, floor = objective.derivative.copy(), objective.floor.copy()
            derivative[unsure], floor[unsure] = other.derivative, other.floor
            objectives.append(replace(objective, derivative=derivative, floor=floor))
    directions = list(derivatives.directions)
    for i, drawn in zip(unsure, more.directions, strict=True):
        directions[i] = drawn
    return Derivatives(objectives, directions)


def _sides(base: Series, plus: Window, minus: Window) -> tuple[Array, Array] | None:
    """By how much a recorded value differs after the nudge upwards, and from the one after the nudge downwards."""
    a, b = plus.series.get(base.key), minus.series.get(base.key)
    if a is None or b is None or a.shapes[: base.count] != base.shapes or b.shapes[: base.count] != base.shapes:
        return None
    n = base.flat.size
    with np.errstate(all="ignore"):
        return a.flat[:n] - base.flat, base.flat - b.flat[:n]


def _targets(forward: dict[Key, Series], known: Understanding) -> dict[Key, Series]:
    """Values that no parameter influences, each once: what an output may be compared with.

    Variables that nothing records (they are only read) come with the key (-1, path).
    """
    found: dict[Key, Series] = {}
    seen: set[bytes] = set()
    held = {
        (-1, path): Series((-1, path), value.ravel(), [value.shape], np.zeros(1), True)
        for path, value in known.leaves.items()
        if path not in {p.path for p in known.parameters} and path not in known.states and value.ndim
    }
    stale = {
        part.rsplit(".", 1)[-1] for _, part in known.touched if "." in part
    }  # what objects keep from an earlier step
    members: dict[int, int] = {}  # of one recorded list: its first batches are as good as all of them
    for key, series in {**forward, **held}.items():
        if key[1] and key[0] >= 0:
            members[key[0]] = members.get(key[0], 0) + 1
        if members.get(key[0], 0) > MOST_MEMBERS or ("." in key[1] and key[1].rsplit(".", 1)[-1] in stale):
            continue
        if key in known.influenced or series.flat.size > MOST_ELEMENTS or not np.all(np.isfinite(series.flat)):
            continue
        mark = series.flat.tobytes()
        if mark not in seen:
            seen.add(mark)
            found[key] = series
    return found


class _Plan:
    """Which vectors each recorded value is contracted with."""

    def __init__(
        self,
        values: dict[Key, Series],
        targets: dict[Key, Series],
        window: Window,
        forward: dict[Key, Series],
        touched: set[Key],
    ) -> None:
        self.rows: dict[Key, Array] = {}
        self.labels: dict[Key, list[tuple[str, str, Key | None, Key | None]]] = {}
        pool: dict[int, list[tuple[Key, Array, Series]]] = {}
        for source in (forward, window.series):
            for key, series in source.items():
                size = series.flat.size
                usable = series.is_float and key in touched and size <= MOST_ELEMENTS
                if usable and np.all(np.isfinite(series.flat)):
                    pool.setdefault(size, []).append((key, series.flat, series))
        # Of equal values the last one counts: with biases of zero x @ w and x @ w + b are equal, but not their derivatives.
        last = {value.flat.tobytes(): key for key, value in sorted(values.items(), key=lambda kv: kv[1].order[0])}
        for key, value in values.items():
            if not np.all(np.isfinite(value.flat)) or last[value.flat.tobytes()] != key:
                continue
            vectors, labels = self._vectors(value, targets, pool)
            self.rows[key], self.labels[key] = np.array(vectors), labels

    @staticmethod
    def _vectors(
        value: Series, targets: dict[Key, Series], pool: dict[int, list[tuple[Key, Array, Series]]]
    ) -> tuple[list[Array], list[tuple[str, str, Key | None, Key | None]]]:
        vectors: list[Array] = []
        labels: list[tuple[str, str, Key | None, Key | None]] = []
        seen: set[bytes] = set()

        def add(vector: Array, kind: str, name: str, target: Key | None = None, cotangent: Key | None = None) -> None:
            mark = vector.tobytes()
            if vector.size == value.flat.size and np.all(np.isfinite(vector)) and mark not in seen and np.any(vector):
                seen.add(mark)
                vectors.append(vector)
                labels.append((kind, name, target, cotangent))

        n = value.flat.size
        scalar = all(not s or math.prod(s) == 1 for s in value.shapes)
        add(np.ones(n), "own" if scalar else "sum", "sum")
        if scalar and n > 1:
            last = np.zeros(n)
            last[-1] = 1.0
            add(last, "own", "last")
        for target_key, target in targets.items():
            for name, vector in textbook_losses(value, target):
                add(vector, "loss", name, target=target_key)
        if (
            1 < value.count <= MOST_LAYERS and len(set(value.shapes)) > 1
        ):  # a loop over layers: the last one is the output
            final = value.occurrence(-1)
            only = Series(value.key, final.ravel(), [final.shape], value.order[-1:], True)
            for target_key, target in targets.items():
                for name, vector in textbook_losses(only, target):
                    add(np.concatenate([np.zeros(n - final.size), vector]), "loss", name, target=target_key)
        for count, (key, flat, series) in enumerate(pool.get(n, [])):
            if key == value.key or count > MOST_COTANGENTS:
                continue
            add(flat, "chain", "as recorded", cotangent=key)
            if series.count == value.count > 1 and len(set(series.shapes)) == 1:
                backwards = flat.reshape(series.count, -1)[::-1].ravel()
                add(np.ascontiguousarray(backwards), "chain", "in reverse order", cotangent=key)
        return vectors, labels


def textbook_losses(value: Series, target: Series) -> Iterable[tuple[str, Array]]:
    """Derivatives of the usual losses by the output ``value``, for a target of fitting size (flat vectors)."""
    o = value.flat
    if o.size < 2:
        return []  # the derivative by a single number is that number's own, whatever the loss
    shape = value.shapes[0] if value.count == 1 else (value.count, *value.shapes[0])
    if len(set(value.shapes)) > 1:
        shape = (o.size,)
    yields: list[tuple[str, Array]] = []
    for t in _fitting(o, shape, target):
        with np.errstate(all="ignore"):
            yields.append(("squared error", o - t))
            low, high = float(t.min()), float(t.max())
            if low >= 0 and high <= 1:
                if o.min() > 0 and o.max() < 1:
                    yields.append(("binary cross-entropy", (o - t) / (o * (1 - o))))
                if o.min() > 0:
                    yields.append(("cross-entropy", -t / o))
                sigmoid = 0.5 * (1 + np.tanh(0.5 * o))
                yields.append(("binary cross-entropy of logits", sigmoid - t))
                yields.append(("squared error of sigmoid", (sigmoid - t) * sigmoid * (1 - sigmoid)))
                for name, p, total in _softmaxes(o, t, shape):
                    yields.append((name, p * total - t))
            if set(np.unique(t)) <= {-1.0, 1.0}:
                yields.append(("hinge", -t * (t * o < 1)))
                yields.append(("squared hinge", -t * np.maximum(1 - t * o, 0)))
                yields.append(("logistic margin", -t * 0.5 * (1 + np.tanh(-0.5 * t * o))))
            sides = np.sign(o - t)
            if np.any(sides != sides[0]):  # all on one side: that is the sum of the outputs, whatever the target
                yields.append(("absolute error", sides))
                yields.append(("Huber", np.clip(o - t, -1, 1)))
            if low >= 0:
                yields.append(("Poisson", np.exp(np.minimum(o, 50)) - t))
    return yields


def _fitting(o: Array, shape: tuple[int, ...], target: Series) -> Iterable[Array]:
    t = target.flat
    found = []
    if t.size == o.size:
        found.append(t)
        if len(shape) == 2 and target.count == 1 and target.shapes[0] == shape[::-1] and shape[0] != shape[1]:
            found.append(t.reshape(shape[::-1]).T.ravel())
        if target.count == value_count(shape) > 1 and len(set(target.shapes)) == 1:
            found.append(np.ascontiguousarray(t.reshape(target.count, -1)[::-1].ravel()))
    elif t.size and o.size % t.size == 0 and np.all(t == np.round(t)) and t.min() >= 0:
        classes = o.size // t.size
        axes = {size for size in shape if size > 1}
        if 1 < classes <= MOST_CLASSES and t.max() < classes and (classes in axes or axes == {o.size}):
            rows = np.eye(classes)[t.astype(int)]
            found.append(rows.ravel())
            if len(shape) == 2 and shape[0] == classes:
                found.append(rows.T.ravel())
    return found


def value_count(shape: tuple[int, ...]) -> int:
    """Length of the first axis, 0 for a scalar."""
    return shape[0] if shape else 0


def _softmaxes(o: Array, t: Array, shape: tuple[int, ...]) -> Iterable[tuple[str, Array, Array]]:
    shapes: list[tuple[int, ...]] = [tuple(s for s in shape if s != 1) or (1,)]
    if o.size > 1 and len(shapes[0]) > 1:
        shapes.append((o.size,))
    out = []
    for form in shapes:
        for axis in range(len(form)) if len(form) <= 2 else [len(form) - 1]:
            z, y = o.reshape(form), t.reshape(form)
            if form[axis] < 2:
                continue
            e = np.exp(z - z.max(axis=axis, keepdims=True))
            p = e / e.sum(axis=axis, keepdims=True)
            out.append(
                ("cross-entropy of logits", p.ravel(), np.broadcast_to(y.sum(axis=axis, keepdims=True), form).ravel())
            )
    return out
