"""Does a mended copy hold with other seeds? Both copies run again with every random generator seeded anew."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from unstuck.doctor.findings import Finding

from .edits.experiments import Experiments
from .program import Program
from .records import Outcome
from .session import Session

CANDIDATES = (1, 2, 3)
OTHERS = 2  # seeds beside the program's own
AT_ONCE = 2


def reseeded(program: Program, seed: int) -> Program | None:
    """The program with this seed in all its generators; None where it draws no random numbers of NumPy or Python."""
    edit = Experiments(program.text, program.main).reseed(seed)
    return None if edit is None else program.with_source(edit.file, edit.source)


def repeated(
    session: Session,
    finding: Finding,
    before: Program,
    after: Program,
    better: Callable[[Outcome, Outcome], bool],
    seconds: float,
    told: Callable[[Outcome, Outcome], object],
) -> Finding:
    """The finding with the number of seeds under which its fix helps; as it was where there are no others to try.

    ``better(before, after)`` compares two whole runs that have something to compare (``told(before, after)``); each run gets
    ``seconds`` at most.
    """
    if finding.proof is None or finding.proof.metric is None:
        return finding
    pairs = [(reseeded(before, seed), reseeded(after, seed)) for seed in CANDIDATES]
    programs = [(a, b) for a, b in pairs if a is not None and b is not None][:OTHERS]
    if not programs:
        return finding
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = list(pool.map(lambda one: session.finish(one, seconds=seconds), [p for pair in programs for p in pair]))
    pairs_of_runs = zip(runs[::2], runs[1::2], strict=True)
    whole = [(a, b) for a, b in pairs_of_runs if not a.cut and not b.cut and told(a, b)]
    agreeing = sum(better(a, b) for a, b in whole)
    if not whole:
        return finding
    proof = replace(finding.proof, seeds=1 + agreeing)
    if agreeing < len(whole):
        proof = replace(
            proof,
            note=f"of {1 + len(whole)} that were tried" if agreeing else f"no clear gain with {len(whole)} others",
        )
    return replace(finding, proof=proof)
