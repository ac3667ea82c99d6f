"""How fast we train beside other ways of doing the same, and beside what this machine can do at all.

    python benchmarks/speed.py [--threads 2] [--rounds 7] [--cases 1,3] [--rivals NumPy,JAX] [--growth] [--json FILE]

In each round every way trains one epoch in turn, so that whatever else the machine does meets all of them; the medians of the
rounds are compared. Before each there is a pause in which the threads of the one before come to rest. Rivals whose threads
can be set get one or all of them, whichever is faster in a trial. Warming up and compiling are not counted; the time to the
first step stands apart. The limit of the machine is the larger of two times: the epoch's multiplications and additions at the
rate of a loop that does nothing else, and the bytes of its data at the rate of a copy, both measured in the same run. Rivals
that are not installed, or cannot do a case, are named.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CASES_TEXT = (
    "1 mnist 784-16-16-10 · 2 784-30-10 · 3 784-100-10 · 4 784-512-256-10 · 5 7-3-2 · 6 20-64-64-1 · 7 prediction"
)


REST = 0.3  # seconds


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Speed beside rivals and the machine's limits.", epilog=CASES_TEXT)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cases", default="1,2,3,4,5,6,7")
    parser.add_argument("--rivals", default="", help="only rivals whose names begin so, joined by commas")
    parser.add_argument(
        "--growth", action="store_true", help="how cost grows with width, depth, batch and rows instead"
    )
    parser.add_argument("--json", type=Path, default=None)
    return parser.parse_args()


def pin(threads: int) -> None:
    """So many processors for everybody; before NumPy and the others are imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def data_of(case: Any) -> tuple[Any, Any, Any]:
    """(stored inputs, targets, float32 inputs for the rivals)."""
    import numpy as np

    import unstuck as us

    if case.sizes[0] == 784:
        digits = us.datasets.load("mnist")
        part = digits.test if case.predicts else digits.train
        x, y = part.inputs[: case.rows], part.targets[: case.rows]
        return x, y, (x.reshape(len(x), -1) / np.float32(255)).astype(np.float32)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(case.rows, case.sizes[0])).astype(np.float32)
    y = np.tanh(x @ rng.normal(size=(case.sizes[0], case.sizes[-1]))).astype(np.float32)
    return x, y, x


def ours(case: Any, x: Any, y: Any) -> Callable[[], float]:
    """The usual calls, fit and predict; gives the seconds of an epoch (not counting the preparation of fit)."""
    import unstuck as us
    from unstuck import nn

    output = "sigmoid" if case.loss == "squared_error" else "identity"
    network = nn.Network.from_sizes("-".join(map(str, case.sizes)), activation=case.activation, output=output)
    optimizer = us.Adam(case.rate) if case.adam else us.SGD(case.rate)
    whole = case.batch == case.rows
    pictures = case.sizes[0] == 784

    def train(epochs: int) -> Any:
        return us.fit(
            network, (x, y), loss=case.loss, optimizer=optimizer, batch_size=None if whole else case.batch, epochs=epochs,
            preprocessing="pixels" if pictures else "none",
        )  # fmt: skip

    if case.predicts:
        train(1)

        def predict() -> float:
            begun = time.perf_counter()
            network.predict(x)
            return time.perf_counter() - begun

        return predict

    def epoch() -> float:
        if case.epochs > 1:
            return float(sum(train(case.epochs).history["seconds"]))
        return float(train(2).history["seconds"][1])

    return epoch


def timed(run: Callable[[], Any]) -> Callable[[], float]:
    def measured() -> float:
        begun = time.perf_counter()
        run()
        return time.perf_counter() - begun

    return measured


# The machine -------------------------------------------------------------------------------------------------------------
def arithmetic_rate(threads: int) -> float:
    """Multiplications and additions a second of all threads together, in float32: a loop of nothing else."""
    import threading

    import numpy as np

    from unstuck.engines.cpu.compile import Library, object_code
    from unstuck.engines.cpu.host import host

    lanes, chains, loops = host().lanes("f4"), 24 if host().registers == 32 else 12, 200_000
    v = f"<{lanes} x float>"
    body = "\n".join(f"%t{k} = call {v} @llvm.fma.v{lanes}f32({v} %s{k}, {v} %x, {v} %x)" for k in range(chains))
    start = "\n".join(f"%s{k} = phi {v} [%x, %e], [%t{k}, %l]" for k in range(chains))
    end = "\n".join(f"store volatile {v} %t{k}, ptr %p, align 4" for k in range(chains))
    text = f"""declare {v} @llvm.fma.v{lanes}f32({v}, {v}, {v})
define void @f(ptr %p, i64 %n, i64 %a, i64 %b, i64 %c) {{
e:
  %x = load {v}, ptr %p, align 4
  br label %l
l:
  %i = phi i64 [0, %e], [%j, %l]
{start}
{body}
  %j = add i64 %i, 1
  %more = icmp slt i64 %j, %n
  br i1 %more, label %l, label %d
d:
{end}
  ret void
}}"""
    library = Library(object_code(text, host()), host())
    function = library.function("f")
    spaces = [np.full(64, 0.5, np.float32) for _ in range(threads)]

    def all_threads() -> None:
        workers = [threading.Thread(target=function, args=(s.ctypes.data, loops, 0, 0, 0)) for s in spaces]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    return 2.0 * lanes * chains * loops * threads / min(timed(all_threads)() for _ in range(15))


def memory_rate() -> float:
    """Bytes a second, read or written, of a copy that is larger than the caches."""
    import numpy as np

    a = np.zeros(2**26, np.uint8)
    b = np.ones(2**26, np.uint8)
    return 2.0 * a.nbytes / min(timed(lambda: np.copyto(a, b))() for _ in range(7))


def limit(case: Any, arithmetic: float, memory: float) -> float:
    """The least seconds for one measurement of a case."""
    pairs = list(zip(case.sizes, case.sizes[1:], strict=False))
    weights = sum(n * m for n, m in pairs)
    products = 2.0 * weights if case.predicts else 2.0 * (3 * weights - case.sizes[0] * case.sizes[1])
    stored = case.rows * case.sizes[0] * (1 if case.sizes[0] == 784 else 4)
    return case.epochs * max(products * case.rows / arithmetic, stored / memory)


# Start-up ----------------------------------------------------------------------------------------------------------------
FIRST_STEP = """
import time; begun = time.perf_counter()
import unstuck as us
from unstuck import nn
digits = us.datasets.load("mnist").train
network = nn.Network.from_sizes("784-16-16-10", activation="sigmoid", output="sigmoid")
run = us.fit(network, digits, loss="squared_error", optimizer=us.SGD(3.0), batch_size=125, epochs=1)
print(run.seconds_to_first_step)
"""


def first_steps() -> dict[str, float]:
    """Seconds from the call of fit to the first step of the main job, in new processes: without and with a warm cache."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "UNSTUCK_CACHE": str(Path(folder) / "kernels")}
        times = []
        for _ in range(4):
            out = subprocess.run(
                [sys.executable, "-c", FIRST_STEP], env=environment, capture_output=True, text=True, check=True
            )
            times.append(float(out.stdout))
    return {"cold": times[0], "warm": statistics.median(times[1:])}


# Measuring ---------------------------------------------------------------------------------------------------------------
def best_setting(name: str, way: Callable[[], float], threads: int) -> tuple[Callable[[], float], int]:
    """The way with as many threads as are best for it, and their number."""
    from rivals import with_threads

    settings = {n: with_threads(name, way, n) for n in sorted({1, threads})}
    taken: dict[int, float] = {}
    for number, limited in settings.items():
        warm = limited()  # what is compiled for this number of threads is compiled now
        taken[number] = min(rested(limited) for _ in range(1 if warm > 1 else 3))
    best = min(taken, key=lambda n: taken[n])
    return settings[best], best


def rested(way: Callable[[], float]) -> float:
    """What a way takes when the threads of the one before it have come to rest."""
    time.sleep(REST)
    return way()


def measure(
    case: Any, rounds: int, wanted: list[str], threads: int
) -> tuple[dict[str, float], dict[str, int], dict[str, str]]:
    """Median seconds of each way, by turns; the threads of those where they can be set; and why some are left out."""
    from rivals import RIVALS, SETTABLE, LeftOut

    x, y, floats = data_of(case)
    ways: dict[str, Callable[[], float]] = {"ours": ours(case, x, y)}
    left_out: dict[str, str] = {}
    for name, rival in RIVALS.items():
        if wanted and not any(name.startswith(w) for w in wanted):
            continue
        try:
            epoch = rival(case, floats, y)
            once = timed(epoch)
            once()  # compiles, allocates
            slow = case.epochs > 1 and name != "JAX jitted epoch"
            # Full batches by the thousand: the slow ways do a tenth of them, counted ten times.
            share = max(1, case.epochs // 10) if slow else 1
            ways[name] = (lambda e=epoch, s=share, c=case: repeated(e, s) * (c.epochs / s)) if slow else once  # type: ignore[misc]
        except LeftOut as reason:
            left_out[name] = str(reason)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    chosen: dict[str, int] = {}
    for name in ways:
        ways[name]()
        if name in SETTABLE:
            ways[name], chosen[name] = best_setting(name, ways[name], threads)
    for _ in range(rounds):
        for name, way in ways.items():
            seconds[name].append(rested(way))
    return {name: statistics.median(values) for name, values in seconds.items()}, chosen, left_out


def repeated(epoch: Callable[[], Any], times: int) -> float:
    begun = time.perf_counter()
    for _ in range(times):
        epoch()
    return time.perf_counter() - begun


def cases() -> list[Any]:
    from rivals import Case

    mnist = 60_000
    return [
        Case("784-16-16-10 sigmoid, SGD, batch 125", (784, 16, 16, 10), "sigmoid", "squared_error", False, 3.0, 125, mnist),
        Case("784-30-10 sigmoid, SGD, batch 10", (784, 30, 10), "sigmoid", "squared_error", False, 3.0, 10, mnist),
        Case("784-100-10 ReLU, Adam, batch 128", (784, 100, 10), "relu", "cross_entropy", True, 0.001, 128, mnist),
        Case("784-512-256-10 ReLU, Adam, batch 128", (784, 512, 256, 10), "relu", "cross_entropy", True, 0.001, 128, mnist),
        Case("7-3-2, full batch of 20, 10,000 steps", (7, 3, 2), "sigmoid", "mean_squared_error", False, 0.1, 20, 20, 10_000),
        Case("20-64-64-1, 10,000 rows, Adam, batch 32", (20, 64, 64, 1), "relu", "mean_squared_error", True, 0.001, 32, 10_000),
        Case("prediction, 10,000 images, 784-512-256-10", (784, 512, 256, 10), "relu", "cross_entropy", True, 0.001, 128, 10_000,
             predicts=True),
    ]  # fmt: skip


def growth() -> list[Any]:
    """One thing grows, the others stay."""
    from rivals import Case

    def net(name: str, sizes: tuple[int, ...], batch: int, rows: int) -> Any:
        return Case(name, sizes, "relu", "mean_squared_error", True, 0.001, batch, rows)

    found = [net(f"width {w}", (20, w, w, 1), 32, 4000) for w in (8, 32, 128, 512, 2048)]
    found += [net(f"depth {d}", (20, *[64] * d, 1), 32, 4000) for d in (1, 4, 16)]
    found += [net(f"batch {b}", (20, 64, 64, 1), b, 8192) for b in (1, 16, 256, 4096)]
    return found + [net(f"rows {n}", (20, 64, 64, 1), 128, n) for n in (1000, 100_000, 1_000_000)]


def main() -> None:
    options = parsed()
    pin(options.threads)
    import unstuck.engines.cpu.threads as threads

    threads.most_threads()
    arithmetic, memory = arithmetic_rate(options.threads), memory_rate()
    chosen = growth() if options.growth else [cases()[int(n) - 1] for n in options.cases.split(",")]
    result: dict[str, Any] = {
        "threads": options.threads, "rounds": options.rounds, "load_before": os.getloadavg()[0],
        "arithmetic_gflops": arithmetic / 1e9, "memory_gb_per_second": memory / 1e9, "cases": [],
    }  # fmt: skip
    print(f"{options.threads} threads; this machine: {arithmetic / 1e9:.0f} GFLOP/s, {memory / 1e9:.1f} GB/s; "
          f"load {os.getloadavg()[0]:.1f}")  # fmt: skip
    for case in chosen:
        wanted = [w for w in options.rivals.split(",") if w]
        seconds, chosen_threads, left_out = measure(case, options.rounds, wanted, options.threads)
        least = limit(case, arithmetic, memory)
        mine = seconds.pop("ours")
        best = min(seconds, key=lambda name: seconds[name]) if seconds else ""
        row = {
            "case": case.name,
            "ours": mine,
            "rivals": seconds,
            "threads_of_rivals": chosen_threads,
            "left_out": left_out,
            "limit": least,
            "of_limit": mine / least,
        }
        if best:
            row |= {"best_rival": best, "ratio": seconds[best] / mine}
        result["cases"].append(row)
        print(
            f"\n{case.name}\n  ours {mine * 1e3:10.2f} ms   {mine / least:.2f} times the limit of {least * 1e3:.2f} ms"
        )
        for name, value in sorted(seconds.items(), key=lambda item: item[1]):
            taken = (
                f", {chosen_threads[name]} thread{'s' * (chosen_threads[name] > 1)}" if name in chosen_threads else ""
            )
            print(f"  {name:18} {value * 1e3:10.2f} ms   {value / mine:.2f} times ours{taken}", flush=True)
        for name, why in left_out.items():
            print(f"  {name:18} left out: {why}")
    if not options.growth:
        result["first_step"] = first_steps()
        print("\nfirst step of the main job: {cold:.2f} s on a machine that never ran it, {warm:.2f} s after".format(
            **result["first_step"]))  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
