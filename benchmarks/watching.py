"""What watching costs: each healthy case to its end, plain and instrumented (loops counted, nothing recorded), in pairs.

python benchmarks/watching.py --repeats 3
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from unstuck.doctor.handwritten.program import load
from unstuck.doctor.handwritten.session import Session

CASES = Path(__file__).resolve().parents[1] / "tests" / "cases" / "handwritten"
SHORT = 0.2  # seconds under which a program says little about a factor


def main() -> None:
    """Print the factor for each program, and the median."""
    ask = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    ask.add_argument("--repeats", type=int, default=3, help="pairs of runs for each program (default %(default)s)")
    repeats = max(1, ask.parse_args().repeats)
    factors = []
    for path in sorted(CASES.glob("*/fixed.py")):
        with Session(load(path)) as session:
            pairs = [(session.finish().seconds, session.watch_to_end(seconds=120).seconds) for _ in range(repeats)]
        plain = statistics.median(p for p, _ in pairs)
        factor = statistics.median(w / p for p, w in pairs)
        print(
            f"{path.parent.name:32} {plain:7.2f} s   × {factor:.2f}{'   (short)' if plain < SHORT else ''}", flush=True
        )
        if plain >= SHORT:
            factors.append(factor)
    print(f"median of {len(factors)} programs: × {statistics.median(factors):.2f}, largest × {max(factors):.2f}")


if __name__ == "__main__":
    main()
