"""How well does `unstuck diagnose` name faults in programs nobody has seen? Generate correct networks, break them, and count.

    python benchmarks/mutations.py --per-cause 10 --healthy 500 --jobs 2 --json result.json
    python benchmarks/mutations.py --write DIR          write the cases (faulty.py, fixed.py, truth.json) and stop
    python benchmarks/mutations.py --verify             check every generated program against central differences and stop

A fault counts as detected when there is any finding of level error or warning, named when the first such finding carries an
accepted cause, located when a finding with an accepted cause points at the changed lines give or take one. The programs follow
from `--seed`; use another seed for programs that the diagnosis was not tuned on.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from mutation_bench import score, verify
from mutation_bench.cases import STYLES, Case, faulty_cases, healthy_cases, program, write


def checked(case: Case) -> tuple[str, float, bool]:
    """Name, gradient error, and whether the text is free of leftovers of the generator."""
    error = verify.gradient_error(program(case.style, case.seed))
    return case.name, error, verify.readable(case.healthy)


def verify_all(cases: list[Case], jobs: int) -> int:
    """Print the worst gradient errors of the healthy programs behind the cases; 1 if any is wrong."""
    once = list({(c.style, c.seed): c for c in cases}.values())
    with ProcessPoolExecutor(jobs) as pool:
        results = list(pool.map(checked, once))
    wrong = [(name, error) for name, error, clean in results if error > verify.GRADIENT_LIMIT or not clean]
    worst = max((error for _, error, _ in results), default=0.0)
    print(
        f"{len(results)} programs compared with central differences of their own loss, worst relative error {worst:.1e}"
    )
    for name, error in wrong:
        print(f"wrong: {name} {error:.1e}")
    return 1 if wrong else 0


def arguments() -> argparse.Namespace:
    """The command line."""
    ask = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    ask.add_argument("--per-cause", type=int, default=10, help="mutants of each cause (default %(default)s)")
    ask.add_argument("--healthy", type=int, default=500, help="healthy programs (default %(default)s)")
    ask.add_argument(
        "--seed", type=int, default=0, help="the first seed; programs follow from it (default %(default)s)"
    )
    ask.add_argument(
        "--styles", nargs="+", choices=STYLES, default=list(STYLES), metavar="STYLE", help=", ".join(STYLES)
    )
    ask.add_argument("--causes", nargs="+", metavar="CAUSE", help="only these causes")
    ask.add_argument("--jobs", type=int, default=1, help="programs at a time (default %(default)s)")
    ask.add_argument("--timeout", type=float, default=120, help="seconds for one diagnosis (default %(default)s)")
    ask.add_argument("--command", default="unstuck diagnose", help="what to run on a program (default %(default)r)")
    ask.add_argument("--json", type=Path, metavar="FILE", help="write the counts and every verdict here")
    ask.add_argument("--write", type=Path, metavar="DIR", help="write the cases into this folder and stop")
    ask.add_argument("--verify", action="store_true", help="check the generated programs and stop")
    return ask.parse_args()


def main() -> int:
    """Generate, then verify, write or measure."""
    ask = arguments()
    if min(ask.per_cause, ask.healthy) < 0 or ask.jobs < 1:
        print("--per-cause and --healthy must be 0 or more, --jobs 1 or more", file=sys.stderr)
        return 2
    command = shlex.split(ask.command)
    if not (ask.verify or ask.write) and (not command or shutil.which(command[0]) is None):
        print(f"{ask.command!r} is not installed or not on the path: give what to run with --command", file=sys.stderr)
        return 2
    faulty = faulty_cases(ask.per_cause, ask.seed, ask.jobs, ask.styles, ask.causes) if ask.per_cause else []
    healthy = healthy_cases(ask.healthy, ask.seed + 50_000, ask.jobs, ask.styles) if ask.healthy else []
    found = Counter(c.mutant.cause for c in faulty if c.mutant is not None)
    print(f"{len(faulty)} mutants of {len(found)} causes, {len(healthy)} healthy programs, seed {ask.seed}", flush=True)
    if ask.verify:
        return verify_all([*faulty, *healthy], ask.jobs)
    if ask.write is not None:
        for case in (*faulty, *healthy):
            write(case, ask.write)
        print(f"written to {ask.write}")
        return 0
    verdicts = []
    # Ctrl-C ends it early: what was judged until then is counted.
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder, contextlib.suppress(KeyboardInterrupt):
        for verdict in score.run([*faulty, *healthy], Path(folder), command, ask.timeout, ask.jobs):
            verdicts.append(verdict)
            wrong = verdict.broken or (not verdict.named if verdict.key else verdict.detected)
            if wrong:
                print(f"{verdict.name:60} {verdict.seconds:6.1f} s  {verdict.broken or verdict.said[:3]}", flush=True)
    result = score.summary(verdicts)
    print(score.table(result))
    if ask.json is not None:
        beside = ask.json.with_name(f".{ask.json.name}.new")
        beside.write_text(score.as_json(result, verdicts))
        os.replace(beside, ask.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
