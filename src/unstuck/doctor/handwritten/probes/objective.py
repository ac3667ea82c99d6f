"""Which recorded value is the output of the training step, and which is the target it is compared with."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import numpy as np

from ..edits.text import expression
from ..nudge import Key, Objective
from ..records import Array, Series

if TYPE_CHECKING:
    from .base import Examination

NEAR = 0.45  # of the best score: objectives that explain the gradients about as well
_ABSOLUTE = re.compile(r"-?\s*(?:\w+\.)?(?:abs|fabs|absolute)\(")


def output_and_target(e: Examination) -> tuple[Key, Key | None]:
    """The output and target of the best objective that has both; else the descended number alone.

    A difference of the two that the step computes says it best, and a product of an output with a sign (a margin);
    then the textbook loss under which the most gradients are right.
    """
    best = e.comparisons[0]
    near = [c.objective for c in e.comparisons if c.score >= best.score - NEAR and _tells(c.objective)]
    near = [o for o in near if _fits(e, o)]
    margin = _by_sign(e)
    if margin is not None:
        return margin
    pair = _by_difference(e)
    if pair is not None and (not near or any(_same_table(e, pair[1], o.target) for o in near)):
        return pair
    if near:  # a target of the output's own size says more than a label that fits its number of rows
        first = next((o for o in near if _same_size(e, o)), near[0])
        return first.value, first.target
    # Right as far as it reaches: a bias that starts at 0 hides in an earlier value of the same numbers.
    large = sum(p.before.size > 1 for p in e.known.parameters)
    for comparison in e.comparisons:
        objective, right = comparison.objective, [v for v in comparison.of("right") if not v.small]
        if _tells(objective) and _fits(e, objective) and len(right) == large:
            return objective.value, objective.target
    target = best.objective.target
    return best.objective.value, target if target is not None and not _is_made(e, target) else None


def _tells(objective: Objective) -> bool:
    """A textbook loss that is more than a sum (an absolute error whose signs are all the same fits any target)."""
    return objective.kind == "loss" and (objective.vector.size < 2 or float(np.ptp(objective.vector)) > 0)


def _fits(e: Examination, objective: Objective) -> bool:
    """The value differs from row to row and is no absolute value; the target is no counter and nothing that the step makes."""
    if _ABSOLUTE.match(e.table.sites[objective.value[0]].text):
        return False  # while all outputs have one sign it is the output, or its negative
    output = e.recorded(objective.value)
    if objective.target is None or output is None or _counts(e, objective.target) or _is_made(e, objective.target):
        return False
    return output.flat.size < 2 or float(np.ptp(output.flat)) > 0


def _counts(e: Examination, target: Key) -> bool:
    """A counter or an index instead of targets: 0, 1, 2 … in some order, or a single number that counts rows."""
    series = e.recorded(target)
    if target in e.known.touched:  # a number that the step itself changes
        return True
    if series is None or series.is_float or series.flat.size < 2:
        return False
    if target[0] >= 0 and e.table.sites[target[0]].kind == "loop" and series.count == series.flat.size:
        return np.array_equal(series.flat, np.arange(series.count))
    return series.flat.size > 2 and len(np.unique(series.flat)) == series.flat.size


def _is_made(e: Examination, target: Key) -> bool:
    """The first value of something that the step goes on to compute: a sum that starts at 0, a gradient not yet filled."""
    if target[0] < 0:
        return False
    site = e.table.sites[target[0]]
    for key in e.known.touched:
        other = e.table.sites[key[0]] if key[0] >= 0 else None
        if other is not None and other.kind != "value" and (other.text, other.function) == (site.text, site.function):
            return True
    return False


def _same_numbers(e: Examination, one: Key, two: Key | None) -> bool:
    a, b = e.recorded(one), None if two is None else e.recorded(two)
    return a is not None and b is not None and np.array_equal(a.flat, b.flat)


def _same_table(e: Examination, one: Key, two: Key | None) -> bool:
    """The same numbers, or one is the other on its side (rows as columns)."""
    a, b = e.recorded(one), None if two is None else e.recorded(two)
    if a is None or b is None or a.flat.size != b.flat.size:
        return False
    turned = a.occurrence(0).T.ravel() if a.count == 1 else a.flat
    return np.array_equal(a.flat, b.flat) or np.array_equal(turned, b.flat)


def _same_size(e: Examination, objective: Objective) -> bool:
    output, target = e.recorded(objective.value), None
    if objective.target is not None:
        target = e.recorded(objective.target)
    return output is not None and target is not None and output.flat.size == target.flat.size


# What the step computes with both ------------------------------------------------------------------------------------------
def _by_difference(e: Examination) -> tuple[Key, Key] | None:
    """Output and target from a difference of the two that the step computes, at once or number by number."""
    window, fixed = e.known.window.series, _fixed(e)
    for key in sorted(set(e.known.influenced) & set(window), key=lambda k: window[k].order[0]):
        difference = window[key]
        sides = _sides(e.table.sites[key[0]].text, ast.Sub)
        if sides is None or key[1] or not difference.is_float:
            continue
        for text, target, t in fixed:
            if t.flat.size != difference.flat.size or text not in sides or t.count not in (1, difference.count):
                continue
            output = t.flat - difference.flat if text == sides[0] else t.flat + difference.flat
            found = _where(e, output, difference)
            if found is not None:
                return found, target
    return None


def _by_sign(e: Examination) -> tuple[Key, Key] | None:
    """Output and target of a margin: the product of an output with a target of 1 or -1.

    ``(site, "@-")`` is the target with its sign turned: where the loss grows with the product.
    """
    window, fixed = e.known.window.series, _fixed(e)
    products = [k for k in e.known.influenced if k in window and _sides(e.table.sites[k[0]].text, ast.Mult) is not None]
    for key in sorted(products, key=lambda k: window[k].order[0]):
        product, sides = window[key], _sides(e.table.sites[key[0]].text, ast.Mult)
        for text, target, t in fixed:
            if sides is None or text not in sides or t.flat.size != product.flat.size or not product.is_float:
                continue
            if -1.0 in t.flat and set(np.unique(t.flat)) <= {-1.0, 1.0}:  # (a mask of ones is no target)
                found, grows = _where(e, product.flat * t.flat, product), _grows_with(e, key)
                if found is not None and grows:
                    return found, (target[0], f"{target[1]}@-") if grows > 0 else target
    return None


def _grows_with(e: Examination, value: Key) -> float:
    """1 where what is descended grows with every number of a recorded value, -1 where it falls, 0 where neither is sure."""
    best = e.comparisons[0].score
    for comparison in e.comparisons:
        slope = comparison.objective.vector
        if comparison.score < best - NEAR or comparison.objective.kind == "chain" or not np.any(slope):
            continue
        if _same_numbers(e, value, comparison.objective.value) and (np.all(slope >= 0) or np.all(slope <= 0)):
            return float(np.sign(slope[np.flatnonzero(slope)[0]]))
    return 0.0


def _fixed(e: Examination) -> list[tuple[str, Key, Series]]:
    """(text, key, numbers) of what no parameter acts on: recorded in the step, or a variable that it only reads."""
    window = e.known.window.series
    found = []
    for key, series in window.items():
        if key not in e.known.touched and not key[1]:
            found.append((_normal(e.table.sites[key[0]].text), key, series))
    moved = {p.path for p in e.known.parameters} | set(e.known.states)
    for path, leaf in e.known.leaves.items():
        if path not in moved and leaf.ndim:
            key = (-1, path)
            found.append((path.split(": ", 1)[-1], key, Series(key, leaf.ravel(), [leaf.shape], np.zeros(1), True)))
    return found


def _where(e: Examination, numbers: Array, later: Series) -> Key | None:
    """The recorded value with these numbers, made before ``later``; ``(site, "@2")`` is the third occurrence of a site."""
    best: tuple[float, Key] | None = None  # the latest: earlier ones may lack a bias that is still 0
    moment = float(later.order[0])
    for key in e.known.influenced:
        series = e.known.window.series.get(key)
        if series is None or ("[" in key[1]):
            continue
        if later.count > 1:  # one output after the other
            fits = series.count == later.count and series.flat.size == numbers.size
            earlier = fits and bool(np.all(series.order < later.order))
            if earlier and (best is None or series.order[0] > best[0]) and _close(series.flat, numbers):
                best = float(series.order[0]), key
            continue
        if key[1]:
            continue
        for i in range(min(series.count, 64)):
            value, order = series.occurrence(i), float(series.order[i])
            if order >= moment or value.size != numbers.size or (best is not None and order < best[0]):
                continue
            if _close(value.ravel(), numbers):
                best = order, key if series.count == 1 else (key[0], f"@{i}")
    return None if best is None else best[1]


def _close(a: Array, b: Array) -> bool:
    return bool(np.allclose(a, b, rtol=1e-12, atol=1e-14))


def _normal(text: str) -> str:
    tree = expression(text)
    return text if tree is None else ast.unparse(tree)


def _sides(text: str, operator: type[ast.operator]) -> tuple[str, str] | None:
    """Both sides of ``a - b`` or ``a * b`` as they are written (without brackets around them)."""
    tree = expression(text)
    if not isinstance(tree, ast.BinOp) or not isinstance(tree.op, operator):
        return None
    return ast.unparse(tree.left), ast.unparse(tree.right)
