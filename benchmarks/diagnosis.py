"""How often does `unstuck diagnose` name, locate and prove a known fault, and does it accuse healthy programs? Run it over cases.

    python benchmarks/diagnosis.py tests/cases/handwritten
    python benchmarks/diagnosis.py tests/cases/handwritten --only digits-tanh-script --seconds 45 --json result.json

A case is a folder with `truth.json`, `fixed.py`, and `faulty.py` unless it is healthy only. Counted over faulty programs:
named, when the first finding of level error or warning carries an accepted cause; located, when a finding with an accepted cause
points at the lines of that fault give or take one; proved, when that finding was proved by running the mended copy; accused,
findings that fit no fault. Over healthy programs: false alarms. Over all: undecided, broken, seconds of wall time, one
program at a time, and (on Linux) the largest memory of the command and all processes that it starts: what they share counts once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

SPARE = 60.0  # seconds beyond the budget after which a diagnosis counts as broken
LOOK = 0.1  # seconds between two looks at the memory
COMMAND = [sys.executable, "-c", "from unstuck.cli import main; main()", "diagnose"]


def diagnose(program: Path, seconds: float) -> dict[str, Any]:
    """The findings of level error and warning, the verdict (or "broken") and the seconds that it took."""
    start = time.monotonic()
    command = [*COMMAND, program.name, "--json", "--seconds", str(seconds)]
    with subprocess.Popen(
        command, cwd=program.parent, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        memory = Memory(process.pid)
        try:
            stdout, _ = process.communicate(timeout=seconds + SPARE)
            report = json.loads(stdout)
            verdict, findings = report["verdict"], [f for f in report["findings"] if f["level"] != "note"]
            if process.returncode not in (0, 1, 4):
                verdict = "broken"
        except (subprocess.TimeoutExpired, ValueError, KeyError):
            process.kill()
            verdict, findings = "broken", []
    return {
        "verdict": verdict, "findings": findings, "seconds": time.monotonic() - start, "megabytes": memory.largest()
    }  # fmt: skip


class Memory:
    """Looks at the memory of a process and its descendants until it ends."""

    def __init__(self, process: int) -> None:
        self._process, self._most = process, 0
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()

    def largest(self) -> float | None:
        """The largest sum that was seen, in megabytes; None where the system does not tell."""
        self._watch.join(5.0)
        return self._most / 1e3 if self._most else None

    def _look(self) -> None:
        while (now := self._kilobytes()) is not None:
            self._most = max(self._most, now)
            time.sleep(LOOK)

    def _kilobytes(self) -> int | None:
        """The proportional set sizes (a page that three processes share counts a third in each)."""
        total, todo = 0, [self._process]
        while todo:
            number = todo.pop()
            try:
                for task in Path(f"/proc/{number}/task").iterdir():
                    todo += map(int, (task / "children").read_text().split())
                rollup = Path(f"/proc/{number}/smaps_rollup").read_text()
                total += int(rollup.partition("\nPss:")[2].split()[0])
            except (OSError, IndexError):
                if number == self._process:
                    return None
        return total


def fits(finding: dict[str, Any], fault: dict[str, Any]) -> bool:
    """The finding carries a cause that is accepted for this fault."""
    return finding["cause"] in {fault["cause"], *fault["accept"]}


def at(finding: dict[str, Any], fault: dict[str, Any]) -> bool:
    """The finding points at the lines of the fault, give or take one."""
    first = finding["line"]
    if first is None:
        return False
    last = finding["end_line"] or first
    return any(first <= b + 1 and last >= a - 1 for a, b in [fault["lines"], *fault["also_lines"]])


def judge(answer: dict[str, Any], faults: list[dict[str, Any]]) -> dict[str, Any]:
    """What one faulty program counts for."""
    findings = answer["findings"]
    fitting = [(f, fault) for f in findings for fault in faults if fits(f, fault)]
    there = [f for f, fault in fitting if at(f, fault)]
    return {
        "named": bool(findings) and any(fits(findings[0], fault) for fault in faults),
        "located": bool(there),
        "proved": any(f["confidence"] == "proved" for f in there),
        "faults": len(faults),
        "recalled": sum(any(fits(f, fault) for f in findings) for fault in faults),
        "accused": sum(not any(fits(f, fault) for fault in faults) for f in findings),
    }


def main() -> None:
    """Diagnose each program, print a line for each, then the figures."""
    ask = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    ask.add_argument("cases", type=Path, help="a folder with one folder per case")
    ask.add_argument("--only", nargs="+", metavar="CASE", help="only these cases")
    ask.add_argument("--seconds", type=float, default=45.0, help="for one program, about (default %(default)s)")
    ask.add_argument("--json", type=Path, metavar="FILE", help="write the figures and all rows to this file")
    chosen = ask.parse_args()
    truths = sorted(chosen.cases.glob("*/truth.json"))
    if chosen.only:
        truths = [t for t in truths if t.parent.name in chosen.only]
    if not truths:
        ask.error(
            f"{chosen.cases}: no folder with a truth.json in it (and of the chosen names); give a folder of cases."
        )
    rows = []
    for truth in truths:
        faults = json.loads(truth.read_text(encoding="utf-8"))["faults"]
        for program in (truth.parent / "faulty.py", truth.parent / "fixed.py"):
            if not program.exists():
                continue
            answer = diagnose(program, chosen.seconds)
            row = {"case": truth.parent.name, "program": program.name, **answer}
            if program.name == "faulty.py":
                row |= judge(answer, faults)
            rows.append(row)
            said = ", ".join(f"{f['cause']}:{f['line']} {f['confidence']}" for f in answer["findings"])
            print(
                f"{answer['seconds']:6.1f} s  {row['case']}/{row['program']}: {answer['verdict']}  {said}", flush=True
            )
    figures = summary(rows)
    print(*(f"{name:>20}  {value}" for name, value in figures.items()), sep="\n")
    if chosen.json:
        chosen.json.write_text(json.dumps({"figures": figures, "rows": rows}, indent=1) + "\n", encoding="utf-8")


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures that matter."""
    faulty = [r for r in rows if r["program"] == "faulty.py"]
    healthy = [r for r in rows if r["program"] == "fixed.py"]

    def share(name: str) -> str:
        return f"{sum(r[name] for r in faulty)} of {len(faulty)}"

    seconds = [r["seconds"] for r in rows]
    memory = [r["megabytes"] for r in rows if r["megabytes"] is not None]
    return {
        "named": share("named"),
        "located": share("located"),
        "proved": share("proved"),
        "faults found": f"{sum(r['recalled'] for r in faulty)} of {sum(r['faults'] for r in faulty)}",
        "accused": sum(r["accused"] for r in faulty),
        "false alarms": f"{sum(bool(r['findings']) for r in healthy)} of {len(healthy)}",
        "undecided": sum(r["verdict"] == "undecided" for r in rows),
        "broken": sum(r["verdict"] == "broken" for r in rows),
        "median seconds": round(statistics.median(seconds), 1),
        "longest seconds": round(max(seconds), 1),
        "largest megabytes": round(max(memory)) if memory else "not told by this system",
    }


if __name__ == "__main__":
    main()
