"""An edited copy beside the program it was made from: the same places in both, and the difference as text."""

from __future__ import annotations

import difflib

from ..edits.base import Edit
from ..program import Program
from ..session import Sites


def same_sites(old: Sites, new: Sites) -> tuple[dict[int, int], dict[int, int]]:
    """Site and loop numbers of one variant -> those of another, by what stands at them and in which order."""
    if old is new:
        return {s.number: s.number for s in old.sites}, {n.number: n.number for n in old.loops}
    sites = _aligned(
        [(s.file, s.function, s.kind, s.text) for s in old.sites],
        [(s.file, s.function, s.kind, s.text) for s in new.sites],
    )
    loops = _aligned(
        [(p.file, p.function, p.depth) for p in old.loops], [(p.file, p.function, p.depth) for p in new.loops]
    )
    return (
        {old.sites[a].number: new.sites[b].number for a, b in sites.items()},
        {old.loops[a].number: new.loops[b].number for a, b in loops.items()},
    )


def _aligned(old: list[tuple[object, ...]], new: list[tuple[object, ...]]) -> dict[int, int]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    found: dict[int, int] = {}
    for tag, a0, a1, b0, b1 in matcher.get_opcodes():
        if tag == "equal" or (tag == "replace" and a1 - a0 == b1 - b0):
            found.update(zip(range(a0, a1), range(b0, b1), strict=True))
    return found


def diff_of(program: Program, edit: Edit) -> str:
    """The edit as a unified diff."""
    old, new = program.sources[edit.file].splitlines(keepends=True), edit.source.splitlines(keepends=True)
    return "".join(difflib.unified_diff(old, new, edit.file, edit.file + " (mended)", n=2))
