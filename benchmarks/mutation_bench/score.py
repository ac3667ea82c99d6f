"""Run the diagnosis on generated cases and count per cause what was detected, named and located, and the false alarms."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .accepted import accepted
from .cases import Case, write


@dataclass(frozen=True)
class Verdict:
    """What the diagnosis said about one program, judged against the truth."""

    name: str
    style: str
    key: str | None
    detected: bool
    named: bool
    located: bool
    proved: bool
    undecided: bool
    broken: str | None
    said: list[list[Any]]
    seconds: float

    @property
    def cause(self) -> str | None:
        """The true cause; None for a healthy program."""
        return None if self.key is None else self.key.partition(":")[0]


def diagnose(
    command: Sequence[str], program: Path, timeout: float
) -> tuple[list[dict[str, Any]], int | None, str | None, float]:
    """Findings of level error or warning, exit code, what went wrong, seconds."""
    start = time.monotonic()
    try:
        done = subprocess.run(
            [*command, program.name, "--json"],
            cwd=program.parent,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [], None, f"no answer in {timeout:g} s", timeout
    seconds = time.monotonic() - start
    trouble = None if done.returncode in (0, 1, 4) else f"exit code {done.returncode}"
    try:
        findings = json.loads(done.stdout)["findings"]
    except (ValueError, KeyError, TypeError):
        last = (done.stderr.strip().splitlines() or ["nothing on stderr"])[-1]
        return [], done.returncode, trouble or f"no JSON: {last[:160]}", seconds
    return [f for f in findings if f.get("level") in ("error", "warning")], done.returncode, trouble, seconds


def judge(case: Case, folder: Path, command: Sequence[str], timeout: float) -> Verdict:
    """Diagnose the faulty program of a case, or the healthy one of a healthy-only case."""
    place = write(case, folder)
    mutant = case.mutant
    found, code, broken, seconds = diagnose(command, place / ("fixed.py" if mutant is None else "faulty.py"), timeout)
    right = [f for f in found if mutant is not None and f.get("cause") in accepted(mutant.key)]
    spans = [] if mutant is None else [mutant.lines, *mutant.also]
    at_line = [f for f in right if _points_at(f, spans)]
    return Verdict(
        case.name, case.style, None if mutant is None else mutant.key,
        bool(found), bool(found) and found[0] in right, bool(at_line),
        any(f.get("confidence") == "proved" for f in at_line), code == 4, broken,
        [[f.get("cause"), f.get("line"), f.get("confidence")] for f in found], round(seconds, 2),
    )  # fmt: skip


def _points_at(finding: dict[str, Any], spans: Sequence[tuple[int, int]]) -> bool:
    first = finding.get("line")
    if not isinstance(first, int):
        return False
    last = finding.get("end_line") or first
    return any(first <= b + 1 and last >= a - 1 for a, b in spans)


def run(cases: Sequence[Case], folder: Path, command: Sequence[str], timeout: float, jobs: int) -> Iterator[Verdict]:
    """Verdicts in the order of the cases."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda c: judge(c, folder, command, timeout), cases)


def summary(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Counts per cause and in total, the healthy programs apart, as plain numbers."""
    by_cause: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.cause is not None:
            by_cause[verdict.cause].append(verdict)
    faulty = [v for group in by_cause.values() for v in group]
    healthy = [v for v in verdicts if v.cause is None]
    return {
        "causes": {cause: _counts(group) for cause, group in sorted(by_cause.items())},
        "faulty": _counts(faulty) if faulty else None,
        "healthy": {
            "programs": len(healthy), "false_alarms": sum(v.detected for v in healthy),
            "undecided": sum(v.undecided for v in healthy), "broken": sum(v.broken is not None for v in healthy),
            "median_seconds": statistics.median(v.seconds for v in healthy),
        } if healthy else None,
    }  # fmt: skip


def _counts(group: Sequence[Verdict]) -> dict[str, float]:
    return {
        "programs": len(group),
        **{k: sum(bool(getattr(v, k)) for v in group) for k in ("detected", "named", "located", "proved", "undecided")},
        "broken": sum(v.broken is not None for v in group),
        "median_seconds": statistics.median(v.seconds for v in group),
    }


def table(result: dict[str, Any]) -> str:
    """The summary as lines of text."""
    columns = ("programs", "detected", "named", "located", "proved", "undecided", "broken")
    lines = [f"{'cause':34}" + "".join(f"{c:>10}" for c in columns) + f"{'median s':>10}"]
    rows = list(result["causes"].items()) + ([("all faulty programs", result["faulty"])] if result["faulty"] else [])
    for cause, counts in rows:
        lines.append(
            f"{cause:34}" + "".join(f"{counts[c]:>10}" for c in columns) + f"{counts['median_seconds']:>10.1f}"
        )
    if result["healthy"]:
        h = result["healthy"]
        lines.append(
            f"healthy programs: {h['programs']}, false alarms {h['false_alarms']}, undecided {h['undecided']}, "
            f"broken {h['broken']}, median {h['median_seconds']:.1f} s"
        )
    return "\n".join(lines)


def as_json(result: dict[str, Any], verdicts: Sequence[Verdict]) -> str:
    """Summary and every single verdict."""
    return json.dumps({"summary": result, "verdicts": [asdict(v) for v in verdicts]}, indent=1) + "\n"
