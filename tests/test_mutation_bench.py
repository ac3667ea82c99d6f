"""The mutation bench: its healthy programs are right, its mutants are wrong where they say, and it counts fairly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from unstuck.doctor import causes

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from mutation_bench import cases, score, verify  # noqa: E402
from mutation_bench.accepted import ALSO, accepted  # noqa: E402
from mutation_bench.markup import Program  # noqa: E402

GRADIENT_FAULTS = {
    "activation-derivative-misplaced", "activation-derivative-missing", "activation-derivative-wrong", "backprop-weights-wrong",
    "bias-gradient-wrong", "bptt-broken", "broadcast-residual", "buffer-overwritten", "clipped-inside-backward",
    "conv-index-wrong", "dropout-mask-wrong", "gradient-not-reset", "gradient-operand-wrong",
    "gradient-overwritten", "gradient-scale-wrong",
    "layer-not-trained", "norm-backward-wrong", "optimizer-formula-wrong", "output-delta-wrong", "penalty-gradient-wrong",
    "product-or-axis-wrong", "samples-dropped", "softmax-axis-wrong", "softmax-jacobian-wrong", "time-index-wrong",
    "update-ascends", "update-not-applied", "updated-too-early", "weights-aliased", "wrong-variable",
}  # fmt: skip


def small() -> Program:
    """A one-parameter descent with one fault of each kind of edit."""
    program = Program()
    program.block(
        """
        import numpy as np
        w = np.array([3.0])
        for k in range(20):
            #@ step [w]
            y = 2 * w
            loss = float(0.5 * np.sum(y ** 2))
            #@ loss loss
            g = 2 * y
            #~ gradient-scale-wrong >> g = y
            #~ gradient-operand-wrong >> g = y + y
            #~ updated-too-early >> + w -= 0.0
            #@ grads [g]
            w -= 0.1 * g
            #~ update-ascends >> w += 0.1 * g
            #~ layer-not-trained >> -
            #~ update-not-applied >> v = w ;; v = w - 0.1 * g
            #~ gradient-scale-wrong >> =
            #@ done [w]
        print("end", 1 - w[0])
        """
    )
    return program


def test_the_healthy_text_has_neither_alternatives_nor_hooks() -> None:
    source = small().healthy()
    assert verify.readable(source)
    assert verify.final_metric(verify.run(source)) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    ("key", "lines", "also"),
    [
        ("update-ascends", (7, 7), ()),
        ("gradient-scale-wrong", (6, 6), ((7, 7),)),
        ("update-not-applied", (7, 8), ()),
        ("updated-too-early", (7, 7), ()),
        ("layer-not-trained", (6, 7), ()),
    ],
)
def test_a_mutant_knows_the_lines_that_were_changed(
    key: str, lines: tuple[int, int], also: tuple[tuple[int, int], ...]
) -> None:
    mutant = small().mutant(key)
    assert (mutant.cause, mutant.lines, mutant.also) == (key, lines, also)


def test_a_fault_that_nobody_offers_is_refused() -> None:
    with pytest.raises(KeyError):
        small().mutant("dead-relu")


def test_an_alternative_needs_a_line_and_a_key_of_its_own() -> None:
    with pytest.raises(ValueError, match="stray"):
        Program().block("#~ update-ascends >> x = 1")
    with pytest.raises(ValueError, match="twice"):
        Program().block("x = 1\n#~ update-ascends >> x = 2\n#~ update-ascends >> x = 3")


def test_central_differences_pass_the_right_gradient_and_catch_a_wrong_one() -> None:
    program = Program()
    program.block(
        """
        import numpy as np
        a, b = np.array([1.0, 2.0]), np.array([3.0])
        for k in range(9):
            #@ step [a, b]
            loss = float(np.sum(a ** 2) * b[0])
            #@ loss loss
            ga, gb = 2 * a * b, np.array([np.sum(a ** 2)])
            #~ gradient-scale-wrong >> ga, gb = a * b, np.array([np.sum(a ** 2)])
            #~ update-ascends >> ga, gb = -2 * a * b, -np.array([np.sum(a ** 2)])
            #@ grads [ga, gb]
            a, b = a - 0.01 * ga, b - 0.01 * gb
            #@ done [a, b]
        """
    )
    assert verify.gradient_error(program) < 1e-8
    assert verify.gradient_error(program, "gradient-scale-wrong") > 0.1
    assert verify.gradient_error(program, "update-ascends") == float("inf")


def test_on_a_bend_any_slope_between_the_two_sides_is_right() -> None:
    program = Program()
    program.block(
        """
        import numpy as np
        w, b = np.array([0.0]), np.array([2.0, 3.0, 4.0])
        for k in range(9):
            #@ step [w, b]
            loss = float(np.maximum(w[0], 0.0) + np.sum(b ** 2))
            #@ loss loss
            gw, gb = np.array([0.3]), 2 * b
            #~ activation-derivative-wrong >> gw, gb = np.array([1.3]), 2 * b
            #@ grads [gw, gb]
            b = b - 0.1 * gb
            #@ done [w, b]
        """
    )
    assert verify.gradient_error(program) < verify.GRADIENT_LIMIT
    assert verify.gradient_error(program, "activation-derivative-wrong") > 0.1


def test_an_equivalent_mutant_is_told_from_a_real_one() -> None:
    assert verify.changes_something(small(), "gradient-scale-wrong")
    assert not verify.changes_something(small(), "gradient-operand-wrong")


def test_a_mutant_that_crashes_is_no_mutant() -> None:
    program = small()
    program.last("y = 2").alternatives["wrong-variable"] = "y = 2 * nothing"
    assert not verify.changes_something(program, "wrong-variable")


@pytest.mark.parametrize("style", cases.STYLES)
def test_every_style_has_the_gradient_that_central_differences_find(style: str) -> None:
    program = cases.program(style, 3)
    assert verify.readable(program.healthy())
    assert verify.gradient_error(program, steps=(2,)) < verify.GRADIENT_LIMIT


@pytest.mark.parametrize("style", cases.STYLES)
def test_every_mutant_compiles_and_differs_exactly_at_its_lines(style: str) -> None:
    for seed in range(4):
        program = cases.program(style, seed)
        healthy = program.healthy()
        for key in program.faults():
            mutant = program.mutant(key)
            compile(mutant.source, key, "exec")
            lines = mutant.source.splitlines()
            assert mutant.source != healthy and verify.readable(mutant.source)
            spans = (mutant.lines, *mutant.also)
            assert all(1 <= a <= b <= len(lines) for a, b in spans)
            outside = [text for n, text in enumerate(lines, 1) if not any(a <= n <= b for a, b in spans)]
            rest = iter(healthy.splitlines())
            assert all(text in rest for text in outside), "a line outside the spans differs from the healthy program"


def test_the_same_seed_gives_the_same_program_and_another_seed_another() -> None:
    assert cases.program("lists", 5).healthy() == cases.program("lists", 5).healthy()
    assert cases.program("lists", 5).healthy() != cases.program("lists", 6).healthy()


def test_every_gradient_fault_of_the_catalogue_is_offered_and_no_unknown_one() -> None:
    offered = {
        k.partition(":")[0] for style in cases.STYLES for seed in range(40) for k in cases.program(style, seed).faults()
    }
    assert offered == GRADIENT_FAULTS
    known = set(causes.names())
    assert offered <= known
    assert {name for names in ALSO.values() for name in names} <= known


def test_the_number_of_a_layer_does_not_matter_for_the_accepted_names() -> None:
    assert accepted("wrong-variable:slope3") == accepted("wrong-variable:slope")
    assert accepted("update-ascends")[0] == "update-ascends"


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(ValueError, match="choose from"):
        cases.program("haiku", 0)


@pytest.fixture
def example() -> cases.Case:
    program = cases.program("script", 3)
    return cases.Case("script", 3, program.healthy(), program.mutant("update-ascends"))


def test_a_case_is_written_in_the_format_of_the_open_cases(tmp_path: Path, example: cases.Case) -> None:
    place = cases.write(example, tmp_path)
    truth = json.loads((place / "truth.json").read_text())
    fault = truth["faults"][0]
    assert fault["cause"] == fault["accept"][0] == "update-ascends"
    changed = (place / "faulty.py").read_text().splitlines()[fault["lines"][0] - 1]
    assert "+=" in changed and changed not in (place / "fixed.py").read_text()
    alone = cases.write(cases.Case("script", 3, example.healthy, None), tmp_path)
    assert sorted(p.name for p in alone.iterdir()) == ["fixed.py", "truth.json"]


def verdict(tmp_path: Path, case: cases.Case, findings: object, code: int = 1) -> score.Verdict:
    """What the bench makes of a diagnosis that answers `findings`."""
    said = json.dumps({"findings": findings}) if findings is not None else "Traceback"
    fake = tmp_path / "diagnosis.py"
    fake.write_text(f"import sys\nprint({said!r})\nsys.exit({code})\n")
    return score.judge(case, tmp_path, [sys.executable, str(fake)], timeout=60)


def test_a_finding_counts_as_named_and_located_only_where_cause_and_line_fit(
    tmp_path: Path, example: cases.Case
) -> None:
    assert example.mutant is not None
    line = example.mutant.lines[0]
    right = {"cause": "update-ascends", "level": "error", "line": line + 1, "confidence": "proved"}
    elsewhere = right | {"line": 1}
    other = {"cause": "dead-relu", "level": "warning", "line": line}
    note = right | {"level": "note"}
    flags = [
        (v.detected, v.named, v.located, v.proved)
        for v in (verdict(tmp_path, example, f) for f in ([right], [elsewhere], [other], [other, right], [note], []))
    ]
    assert flags == [
        (True, True, True, True), (True, True, False, False), (True, False, False, False), (True, False, True, True),
        (False, False, False, False), (False, False, False, False),
    ]  # fmt: skip


def test_an_accused_healthy_program_is_a_false_alarm(tmp_path: Path, example: cases.Case) -> None:
    healthy = cases.Case("script", 3, example.healthy, None)
    verdicts = [
        verdict(tmp_path, healthy, [{"cause": "lr-too-low", "level": "warning", "line": 1}]),
        verdict(tmp_path, healthy, [{"cause": "lr-too-low", "level": "note", "line": 1}], code=0),
        verdict(tmp_path, healthy, [], code=4),
        verdict(tmp_path, healthy, None, code=3),
    ]
    counted = score.summary(verdicts)["healthy"]
    assert (counted["programs"], counted["false_alarms"], counted["undecided"], counted["broken"]) == (4, 1, 1, 1)
    assert "false alarms 1" in score.table(score.summary(verdicts))


def test_a_diagnosis_that_does_not_answer_in_time_is_broken(tmp_path: Path, example: cases.Case) -> None:
    late = score.judge(example, tmp_path, [sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.2)
    assert late.broken is not None and "no answer" in late.broken


def test_the_generated_training_converges_to_the_same_numbers_every_time() -> None:
    program = cases.program("dicts", 3)
    first, second = (np.concatenate(verify.trajectory(program, None)) for _ in range(2))
    assert np.array_equal(first, second)


def test_the_command_writes_cases_and_refuses_a_negative_number(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(BENCHMARKS / "mutations.py"),
        "--styles",
        "script",
        "--causes",
        "update-ascends",
        "--seed",
        "3",
    ]
    done = subprocess.run(
        [*command, "--per-cause", "1", "--healthy", "1", "--write", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "1 mutants of 1 causes, 1 healthy programs" in done.stdout
    assert sorted(p.name.partition("-")[0] for p in tmp_path.iterdir()) == ["script", "script"]
    bad = subprocess.run([*command, "--per-cause", "-1"], capture_output=True, text=True, check=False)
    assert bad.returncode == 2 and "0 or more" in bad.stderr
    lost = subprocess.run([*command, "--command", "no-such-program"], capture_output=True, text=True, check=False)
    assert lost.returncode == 2 and "'no-such-program' is not installed" in lost.stderr
