"""Questions about recorded windows: which places are worth recording, what differs, when the parameters get their new values."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .records import Array, Series, Window

if TYPE_CHECKING:
    from .understand import Parameter

MOST_MEMBERS = 12_000  # looks at members of objects that are recorded in each run of a step


def affordable(base: Window) -> tuple[set[int] | None, Window]:
    """The sites to record in later runs of the step, with what was recorded there; None: all of them.

    Where every number is an object (a graph of scalars), each look at one is recorded with all of its members, thousands of times
    in a step. Places that see the fewest of them are kept, the results and the layers among them.
    """
    plain, seen = set(), Counter[int]()
    for (site, part), series in base.series.items():
        seen[site] += series.count
        if not part:
            plain.add(site)
    members = sorted((count, site) for site, count in seen.items() if site not in plain)
    total, kept = 0, set(plain)
    for count, site in members:
        total += count
        if total > MOST_MEMBERS:
            break
        kept.add(site)
    if len(kept) == len(seen):
        return None, base
    return kept, replace(base, series={key: series for key, series in base.series.items() if key[0] in kept})


def update_moment(window: Window, parameters: list[Parameter]) -> float:
    """Order number of the first recorded event that holds (the beginning of) a parameter's new value."""
    first = np.inf
    for parameter in parameters:
        if parameter.unmoved:
            continue
        new = parameter.after.ravel()
        old = parameter.before.ravel()
        for series in window.series.values():
            if not series.is_float:
                continue
            size = math.prod(series.shapes[0])
            if size == new.size and size > 1:
                for i in range(min(series.count, 64)):
                    value = series.occurrence(i).ravel()
                    if value.size == new.size and np.array_equal(value, new):
                        first = min(first, float(series.order[i]))
                        break
            elif series.flat.size == new.size or (new.size % max(size, 1) == 0 and 1 <= size < new.size):
                flat = series.flat[: new.size]
                moved = np.flatnonzero(new != old)
                if flat.size == new.size and moved.size and _holds(flat, new, old):
                    first = min(first, float(series.order[0]))
    return first


def _holds(flat: Array, new: Array, old: Array) -> bool:
    """The recorded numbers are the new values, in order or (for two indices) in the other order."""
    if np.array_equal(flat, new):
        return True
    return flat.size > 1 and np.array_equal(np.sort(flat), np.sort(new)) and not np.array_equal(flat, old)


def differing(base: Window, other: Window, moment: float) -> list[tuple[int, str]]:
    """Keys of the series whose occurrences before ``moment`` differ between two runs of the same step."""
    found = []
    for key, series in other.series.items():
        mine = base.series.get(key)
        if mine is None or not mine.is_float:
            continue
        a, b = mine.before(moment), series.before(moment)
        if a is None or b is None or a.flat.size != b.flat.size:
            continue
        if not np.array_equal(a.flat, b.flat, equal_nan=True):
            found.append(key)
    return found


def series_before(window: Window, moment: float) -> dict[tuple[int, str], Series]:
    """All series of a window, cut at a moment."""
    cut = {}
    for key, series in window.series.items():
        kept = series.before(moment)
        if kept is not None:
            cut[key] = kept
    return cut
