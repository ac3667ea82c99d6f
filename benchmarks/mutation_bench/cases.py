"""From seeds to cases: healthy programs that learn, and mutants that run and truly compute something else."""

from __future__ import annotations

import importlib
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import verify
from .accepted import accepted
from .markup import Mutant, Program
from .spec import Spec, draw

STYLES = (
    "script", "lists", "dicts", "layers", "nielsen", "folded",
    "vectors", "loops", "neurons", "scalars", "recurrent", "convolution",
)  # fmt: skip
LEARNED = 0.9
"""Explained variance or accuracy on new samples that a healthy program has to reach."""
SPREAD = 0.6
"""Share of the offered faults that a draw leaves to others, so that every cause meets every style."""


@dataclass(frozen=True)
class Case:
    """A generated program: `mutant` is None for a healthy-only case."""

    style: str
    seed: int
    healthy: str
    mutant: Mutant | None

    @property
    def name(self) -> str:
        """Folder name."""
        tail = "healthy" if self.mutant is None else self.mutant.key.replace(":", "-")
        return f"{self.style}-{self.seed:05d}-{tail}"


def program(style: str, seed: int) -> Program:
    """The program of a style and a seed. Raises ValueError for an unknown style."""
    if style not in STYLES:
        raise ValueError(f"style {style!r} is unknown, choose from {', '.join(STYLES)}")
    module = importlib.import_module(f".styles.{style}", __package__)
    write: Callable[[Spec], Program] = module.write
    return write(draw(style, seed, module.OPTIONS))


def learns(made: Program) -> bool:
    """Whether the healthy program ends well on new samples (some draws end in a poor minimum: no ground for a comparison)."""
    return verify.final_metric(verify.run(made.healthy())) >= LEARNED


def healthy_case(where: tuple[str, int]) -> Case | None:
    """A healthy-only case, or None when this draw does not learn."""
    made = program(*where)
    return Case(*where, made.healthy(), None) if learns(made) else None


def mutant_cases(job: tuple[str, int, tuple[str, ...]]) -> list[Case]:
    """The cases of those fault keys of one draw that change the training and run to their end; none if it does not learn."""
    style, seed, keys = job
    made = program(style, seed)
    if not learns(made):
        return []
    found = []
    for key in keys:
        mutant = made.mutant(key)
        if verify.changes_something(made, key) and _runs(mutant.source):
            found.append(Case(style, seed, made.healthy(), mutant))
    return found


def _runs(source: str) -> bool:
    try:
        verify.run(source)
    except Exception:
        return False
    return True


def healthy_cases(count: int, seed: int, jobs: int, styles: Sequence[str] = STYLES) -> list[Case]:
    """`count` healthy cases, the styles in turn, draws that do not learn left out."""
    found: list[Case] = []
    with ProcessPoolExecutor(jobs) as pool:
        for first in range(0, 20 * count + 20, 4 * jobs):
            where = [(styles[i % len(styles)], seed + i) for i in range(first, first + 4 * jobs)]
            found += [c for c in pool.map(healthy_case, where) if c is not None]
            if len(found) >= count:
                break
    return found[:count]


def faulty_cases(
    per_cause: int, seed: int, jobs: int, styles: Sequence[str] = STYLES, causes: Sequence[str] | None = None
) -> list[Case]:
    """Up to `per_cause` mutants of every cause, spread over styles and variants; fewer where the styles offer no more."""
    taken: Counter[str] = Counter()
    variants: Counter[tuple[str, str]] = Counter()
    found: list[Case] = []
    empty_rounds = 0
    with ProcessPoolExecutor(jobs) as pool:
        for plan in _plans(seed, styles, causes, jobs, lambda key: taken[key.partition(":")[0]] < per_cause, variants):
            if empty_rounds > 60:
                break
            before = len(found)
            for cases in pool.map(mutant_cases, plan):
                for case in cases:
                    assert case.mutant is not None
                    if taken[case.mutant.cause] < per_cause:
                        taken[case.mutant.cause] += 1
                        variants[case.style, case.mutant.key.rstrip("0123456789")] += 1
                        found.append(case)
            empty_rounds = 0 if len(found) > before else empty_rounds + 1
    return sorted(found, key=lambda c: (c.mutant.cause if c.mutant else "", c.name))


def _plans(
    seed: int, styles: Sequence[str], causes: Sequence[str] | None, jobs: int,
    wanted: Callable[[str], bool], variants: Counter[tuple[str, str]],
) -> Iterator[list[tuple[str, int, tuple[str, ...]]]]:  # fmt: skip
    """Rounds of jobs: for each draw the keys that are still wanted, the least used variant of each cause first, one per cause."""
    rnd = random.Random(seed)
    for turn in range(400):
        plan = []
        for style in styles:
            number = seed + turn * len(styles) + styles.index(style)
            best: dict[str, str] = {}
            for key in program(style, number).faults():
                cause = key.partition(":")[0]
                if not wanted(key) or (causes is not None and cause not in causes):
                    continue
                if rnd.random() < SPREAD:
                    continue
                used = variants[style, key.rstrip("0123456789")]
                if cause not in best or used < variants[style, best[cause].rstrip("0123456789")]:
                    best[cause] = key
            if best:
                plan.append((style, number, tuple(best.values())))
        yield plan


def write(case: Case, folder: Path) -> Path:
    """Write a case as `faulty.py`, `fixed.py` and `truth.json` (a healthy-only one without `faulty.py`); its folder."""
    place = folder / case.name
    place.mkdir(parents=True, exist_ok=True)
    truth: dict[str, object] = {
        "kind": "python" if "import numpy" not in case.healthy else "numpy",
        "faults": [],
        "silent": False,
    }
    texts = {"fixed.py": case.healthy}
    if case.mutant is not None:
        texts["faulty.py"] = case.mutant.source
        truth["faults"] = [
            {
                "cause": case.mutant.cause,
                "accept": accepted(case.mutant.key),
                "lines": list(case.mutant.lines),
                "also_lines": [list(span) for span in case.mutant.also],
                "why": f"generated: {case.mutant.key}",
            }
        ]
    texts["truth.json"] = json.dumps(truth, indent=1) + "\n"
    for name, text in texts.items():
        beside = place / f".{name}.new"
        beside.write_text(text)
        os.replace(beside, place / name)
    return place
