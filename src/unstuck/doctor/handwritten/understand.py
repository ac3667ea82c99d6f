"""From recorded values to what they are: the training step, the parameters, the moment of the update.

Nothing here looks at names. A *parameter* is a variable that every step changes and that, nudged at the start of a step,
changes what the step does to other variables of other sizes; a momentum changes only its own parameter, a counter only
itself, a rate only the length of the step, the state of a recurrent network does not persist.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from .edits.names import as_updates
from .leaves import rearranged
from .records import Array, Series, Window
from .step import Step
from .windows import affordable, differing, update_moment

SHORT = 0.01  # of a nudge: what is tried again
H = 1e-5  # length of a nudge, times max(1, rms of the parameter)
MOST_UNMOVED = 24  # variables that stand still although a line moves them


@dataclass(frozen=True)
class Parameter:
    """A trained variable at the start of a step. ``mask`` marks the elements that the step may change (flat)."""

    path: str
    shape: tuple[int, ...]
    before: Array
    after: Array
    mask: Array

    @property
    def update(self) -> Array:
        """What the step added, flat."""
        change: Array = (self.after - self.before).ravel()
        return change

    @property
    def unmoved(self) -> bool:
        """The step left every number as it was."""
        return bool(np.array_equal(self.before, self.after))

    @property
    def rms(self) -> float:
        """Root mean square of the values before the step."""
        largest = float(np.max(np.abs(self.before)))
        return largest * float(np.sqrt(np.mean((self.before / largest) ** 2))) if largest else 0.0

    @property
    def text(self) -> str:
        """As the user would write it, without the function in front."""
        return self.path.split(": ", 1)[-1]


@dataclass(frozen=True)
class Understanding:
    """One training step of a program, understood.

    ``loop``/``hit``: the pass of which loop (number in the session's table) the step is. ``window``: all values recorded in it.
    ``update_moment``: the order number of the first recorded event that is a parameter's new value (inf if none was).
    ``influenced``: series that some parameter influences before that moment -> the paths of those parameters.
    ``touched``: all series that some parameter influences, also after that moment. ``states``: other variables that change.
    A parameter may stand still (``unmoved``): a line moves it, by nothing. ``guessed``: nothing that changes acts on how
    others change, so the parameters are only what acts on most.
    """

    loop: int
    hit: int
    window: Window
    leaves: dict[str, Array]
    parameters: list[Parameter]
    update_moment: float
    influenced: dict[tuple[int, str], set[str]]
    touched: set[tuple[int, str]]
    states: list[str]
    guessed: bool = False


def changed_leaves(before: dict[str, Array], window: Window) -> dict[str, Parameter]:
    """The variables of unchanged shape that a pass changed."""
    found = {}
    for path, old in before.items():
        new = window.leaves.get(path)
        if new is None or new.shape != old.shape or np.array_equal(old, new, equal_nan=True):
            continue
        if not np.all(np.isfinite(old)) or rearranged(old, new):
            continue
        found[path] = Parameter(path, old.shape, old, new, (old != new).ravel())
    return found


def understand(step: Step, loop: int, rng: np.random.Generator) -> Understanding | None:
    """Find the parameters of a step by nudging every variable that it changes; None when there are none."""
    windows = step.take()
    if not windows:
        return None
    sites, base = affordable(windows[0])
    changed = changed_leaves(step.leaves, base)
    deltas = {path: np.asarray(1e-4 * max(1.0, leaf.rms) * _direction(leaf, rng)) for path, leaf in changed.items()}
    each = [({path: delta},) for path, delta in deltas.items()]
    answers = step.take_each(each, lambda answer: answer[0], leaves=list(changed), sites=sites)
    nudged = {path: (delta, answer[0]) for (path, delta), answer in zip(deltas.items(), answers, strict=True) if answer}
    reach = {
        path: {
            other
            for other, leaf in changed.items()
            if other in window.leaves and not _same(window.leaves[other], leaf.after)
        }
        for path, (_, window) in nudged.items()
    }
    chosen = [path for path in nudged if _is_parameter(path, changed, nudged, reach)]
    sizes = {path: leaf.before.size for path, leaf in changed.items()}
    acting = {p for p in nudged if any(sizes[other] != sizes[p] for other in reach[p] & set(chosen))}
    for path in [p for p in nudged if p in acting and p not in chosen]:
        # Where a unit bends within a nudge, the gradient jumps and may hide what is left of it: once more, with a short one.
        delta = nudged[path][0] * SHORT
        answer = step.take({path: delta}, leaves=list(changed), sites=sites)
        if answer and _is_parameter(path, changed, {path: (delta, answer[0])}, reach):
            chosen.append(path)
    chosen += _alike(base, changed, nudged, chosen)
    chosen.sort(key=list(nudged).index)
    still = _unmoved(step, base, changed, sites, rng)
    if still:
        changed |= {path: leaf for path, (leaf, _, _) in still.items()}
        chosen = chosen or _acting(base, changed, nudged, [window for _, _, window in still.values()])
        nudged |= {path: (delta, window) for path, (_, delta, window) in still.items()}
        chosen += still
    guessed = not chosen
    if not chosen:  # one matrix and nothing else: whatever acts on most of what is recorded, and persists
        acts = {p: len(differing(base, w, np.inf)) for p, (_, w) in nudged.items() if _persists(changed[p], nudged[p])}
        most = max(acts.values(), default=0)
        chosen = [p for p, count in acts.items() if changed[p].before.size > 1 and count > 0.5 * most]
    if not chosen:
        return None
    parameters = [changed[path] for path in chosen]
    moment = update_moment(base, parameters)
    influenced: dict[tuple[int, str], set[str]] = {}
    for path in chosen:
        for key in differing(base, nudged[path][1], moment):
            influenced.setdefault(key, set()).add(path)
    touched = {key for path in chosen for key in differing(base, nudged[path][1], np.inf)}
    states = [path for path in changed if path not in chosen]
    return Understanding(loop, step.hit, base, step.leaves, parameters, moment, influenced, touched, states, guessed)


def _alike(
    base: Window, changed: dict[str, Parameter], nudged: dict[str, tuple[Array, Window]], chosen: list[str]
) -> list[str]:
    """Where every parameter is the same member of an object (``.data``): the others of that name that persist and act on it.

    In a network that is linear by pieces a bias changes no gradient, so that nothing else tells it from a counter.
    """
    names = {path.rsplit(".", 1)[-1] for path in chosen if "." in path}
    if len(names) != 1 or not all("." in path for path in chosen):
        return []
    name = names.pop()
    if not name.isidentifier():
        return []
    found = []
    for path, nudge in nudged.items():
        if path not in chosen and path.rsplit(".", 1)[-1] == name and _persists(changed[path], nudge):
            moment = update_moment(base, [changed[path]])
            if len(differing(base, nudge[1], moment)) > 1:
                found.append(path)
    return found


def _unmoved(
    step: Step, base: Window, changed: dict[str, Parameter], sites: set[int] | None, rng: np.random.Generator
) -> dict[str, tuple[Parameter, Array, Window]]:
    """Variables that a line of the step moves by exactly nothing and that act on how others move -> nudge and its outcome.

    That the line moves this variable is known from the nudge: what the line stores is shifted by just that.
    """
    lines = moving_sites(step)
    stored = [series for key, series in base.series.items() if key[0] in lines and series.is_float]
    found: dict[str, tuple[Parameter, Array, Window]] = {}
    for path, value in step.leaves.items():
        after = base.leaves.get(path)
        if path in changed or after is None or not np.all(np.isfinite(value)) or not np.array_equal(value, after):
            continue
        held = [
            (series, part) for series in stored for part in _parts(series, value.size) if _equal(part, series, value)
        ]
        if not held:
            continue
        leaf = Parameter(path, value.shape, value, value, np.ones(value.size, dtype=bool))
        delta = np.asarray(1e-4 * max(1.0, leaf.rms) * _direction(leaf, rng))
        answer = step.take({path: delta}, leaves=[path, *changed], sites=sites)
        if not answer or len(found) >= MOST_UNMOVED:
            continue
        window = answer[0]
        reached = [o for o, p in changed.items() if o in window.leaves and not _same(window.leaves[o], p.after)]
        acts = len(reached) > 1 or any(changed[o].before.size != value.size for o in reached)
        if acts and any(_shifted(window, series, part, value + delta, delta) for series, part in held):
            found[path] = (leaf, delta, window)
    return found


def _parts(series: Series, size: int) -> list[int]:
    """Occurrences of that size; -1 stands for all of them together."""
    if all(not shape or math.prod(shape) == 1 for shape in series.shapes):
        return [-1] if series.flat.size >= size else []
    return [i for i, shape in enumerate(series.shapes[:64]) if math.prod(shape) == size]


def _part(series: Series, index: int, size: int) -> Array:
    return series.flat[:size] if index < 0 else series.occurrence(index).ravel()


def _equal(index: int, series: Series, value: Array) -> bool:
    return bool(np.array_equal(_part(series, index, value.size), value.ravel()))


def _shifted(window: Window, series: Series, index: int, wanted: Array, delta: Array) -> bool:
    """The line stores the nudged value (or moves on from it by little)."""
    other = window.series.get(series.key)
    if other is None or other.shapes != series.shapes:
        return False
    away = _part(other, index, wanted.size) - wanted.ravel()
    return float(np.linalg.norm(away)) <= 0.5 * float(np.linalg.norm(delta))


def moving_sites(step: Step) -> set[int]:
    """The recorded places where a value is moved by something: ``w -= d``, ``w = w - d``."""
    lines: set[tuple[str, int]] = set()
    for file, text in step.program.sources.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Assign | ast.AugAssign) and as_updates(node):
                lines |= {(file, line) for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    return {site.number for site in step.sites if site.kind == "target" and (site.file, site.line) in lines}


def _acting(
    base: Window, changed: dict[str, Parameter], nudged: dict[str, tuple[Array, Window]], others: list[Window]
) -> list[str]:
    """Variables that persist and that, before they change, act on the same values as those that stand still."""
    found = []
    for path, nudge in nudged.items():
        moment = update_moment(base, [changed[path]])
        mine = set(differing(base, nudge[1], moment))
        if _persists(changed[path], nudge) and any(mine & set(differing(base, w, moment)) for w in others):
            found.append(path)
    return found


def known_step(
    step: Step, loop: int, paths: list[str], rng: np.random.Generator, stands_still: Collection[str] = ()
) -> Understanding | None:
    """The understanding of a step whose parameters are known by path; None when one of them is gone.

    None, too, when one does not change, unless it is one of ``stands_still``, or forgets what it was.
    """
    windows = step.take()
    if not windows:
        return None
    sites, base = affordable(windows[0])
    changed = changed_leaves(step.leaves, base)
    still = set(stands_still)
    for path in paths:
        value = step.leaves.get(path)
        if path not in changed and path in still and value is not None:
            changed[path] = Parameter(path, value.shape, value, value, np.ones(value.size, dtype=bool))
    if not all(path in changed for path in paths):
        return None
    parameters = [changed[path] for path in paths]
    together = {p.path: np.asarray(1e-4 * max(1.0, p.rms) * _direction(p, rng)) for p in parameters}
    for share in (1.0, SHORT):
        nudged = step.take({path: delta * share for path, delta in together.items()}, sites=sites)
        if nudged and all(p.unmoved or _kept(p, together[p.path] * share, nudged[0]) for p in parameters):
            break
    else:
        return None
    moment = update_moment(base, parameters)
    influenced = {key: set(paths) for key in differing(base, nudged[0], moment)}
    touched = set(differing(base, nudged[0], np.inf))
    return Understanding(loop, step.hit, base, step.leaves, parameters, moment, influenced, touched, [])


def _direction(leaf: Parameter, rng: np.random.Generator) -> Array:
    direction = rng.standard_normal(leaf.before.size) * leaf.mask
    return (direction / np.linalg.norm(direction)).reshape(leaf.shape)


def _same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=True))


def _is_parameter(
    path: str, changed: dict[str, Parameter], nudged: dict[str, tuple[Array, Window]], reach: dict[str, set[str]]
) -> bool:
    leaf, window = changed[path], nudged[path][1]
    others = {o for o in reach[path] if changed[o].before.size != leaf.before.size}
    if not others or not _persists(leaf, nudged[path]):
        return False
    if leaf.before.size == 1:  # a rate makes all steps longer in their own direction
        ratios = []
        for other in others:
            old, new = changed[other].update, (window.leaves[other] - changed[other].before).ravel()
            ratios.append(_parallel(new - old, old))
        if all(ratios):
            return False
    return True


def _parallel(a: Array, b: Array) -> bool:
    with np.errstate(all="ignore"):
        size = float(np.linalg.norm(a) * np.linalg.norm(b))
        return size > 0 and abs(float(a @ b)) / size > 1 - 1e-4


def _persists(leaf: Parameter, nudge: tuple[Array, Window]) -> bool:
    """The nudge is still there after the step, or grew (a step that is far too long); a recomputed state forgets it."""
    delta, window = nudge
    if leaf.path not in window.leaves or window.leaves[leaf.path].shape != leaf.shape:
        return False
    with np.errstate(all="ignore"):
        moved = (window.leaves[leaf.path] - leaf.after).ravel()
        size, original = float(np.linalg.norm(moved)), float(np.linalg.norm(delta))
        if not np.isfinite(size):
            return True
        if size == 0.0:
            return False
        cosine = float(moved @ delta.ravel()) / (size * original)
    return cosine > 0.5 or size > 1.5 * original


def _kept(leaf: Parameter, delta: Array, window: Window) -> bool:
    """At least half of the nudge is there after the step (a weight decay takes little of it)."""
    after = window.leaves.get(leaf.path)
    if after is None or after.shape != leaf.shape:
        return False
    with np.errstate(all="ignore"):
        moved = (after - leaf.after).ravel()
        share = float(moved @ delta.ravel()) / float(delta.ravel() @ delta.ravel())
        return not np.isfinite(share) or share > 0.5 or float(np.linalg.norm(moved) / np.linalg.norm(delta)) > 1.5
