"""Which loop of a program trains: its passes change most of what a whole training step changes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .instrument import LoopSite
from .program import Program
from .session import Session


def rank_loops(table: dict[str, Any], session: Session, program: Program) -> list[tuple[int, int]]:
    """Loops whose pass may be one training step, best first, with the number of the first pass to look at.

    What the richest pass changes is taken for a whole step. Loops that change nothing of that (it was the sum over a batch in a
    function of its own, say) come behind, judged by the richest pass among them.
    """
    ranked: list[tuple[int, int]] = []
    rows = table["loops"]
    while rows:
        found = _ranked(rows, table["sizes"], session.table(program).loops)
        if not found:
            break
        ranked += found
        taken = {loop for loop, _ in found}
        rows = [row for row in rows if row["loop"] not in taken]
    return ranked


def spans(table: dict[str, Any]) -> list[tuple[int, int]]:
    """Loops of whose passes several may be one step (gradients of small batches that are added up): (loop, passes).

    Some arrays change in every pass, others of the same sizes in every k-th one only.
    """
    found = []
    sizes = table["sizes"]
    for row in table["loops"]:
        passes = [{p for p in changed if sizes[p] > 1} - set(row["made"]) for changed in row["changes"]]
        if len(passes) < 4 or row["hit"][0] != 1:
            continue
        moments = {p: [i for i, changed in enumerate(passes, start=1) if p in changed] for p in set().union(*passes)}
        always = sorted(sizes[p] for p, when in moments.items() if len(when) >= len(passes) - 1)
        seldom: dict[int, list[int]] = {}
        for path, when in moments.items():
            k = when[0]
            if k > 1 and len(passes) >= 2 * k and when == list(range(k, len(passes) + 1, k)):
                seldom.setdefault(k, []).append(sizes[path])
        found += [(row["loop"], k) for k, own in seldom.items() if set(own) <= set(always) and len(always) >= len(own)]
    return found


def _ranked(rows: list[dict[str, Any]], sizes: dict[str, int], loops: list[LoopSite]) -> list[tuple[int, int]]:
    def weight(paths: list[str] | set[str]) -> float:
        return sum(1.0 if sizes[p] > 1 else 0.25 for p in paths)

    passes = [changed for row in rows for changed in row["changes"]]
    union = set(max(passes, key=weight, default=[]))  # what one whole step changes
    ranked = []
    for row in rows:
        counts = [weight(union & set(changed)) for changed in row["changes"]]
        if not counts or max(counts) == 0:
            continue
        share = float(np.mean(sorted(counts)[len(counts) // 2 :])) / weight(union)
        kept = [weight(union & set(changed) - set(row["made"])) for changed in row["changes"]]
        judged = kept if any(kept) else counts  # what the first pass makes anew is no state of the training
        first = next(i for i, c in enumerate(judged) if c >= 0.25 * max(judged))
        ranked.append((share, row["depth"], loops[row["loop"]].depth, row["loop"], row["hit"][first]))
    if not ranked:
        return []
    best = max(r[0] for r in ranked)
    near = sorted((r for r in ranked if r[0] >= 0.6 * best), key=lambda r: (r[1], r[2]), reverse=True)
    rest = sorted((r for r in ranked if r[0] < 0.6 * best), reverse=True)
    return [(r[3], r[4]) for r in near + rest]
