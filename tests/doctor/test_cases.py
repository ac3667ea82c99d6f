"""The diagnosis of whole programs: known faults are named, located and proved, healthy twins come out healthy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import unstuck as us
from unstuck.doctor import diagnose
from unstuck.doctor.findings import Report
from unstuck.errors import InputError

CASES = Path(__file__).resolve().parents[1] / "cases" / "handwritten"
GENEROUS = 120.0  # seconds; a machine that is busy must not change what is found

# Short runs in several styles: scripts, a class, functions with lists, plain Python loops, the update apart, the figures.
FAULTY = [
    "digits-tanh-script",
    "xor-clouds-any-depth",
    "sinuskurve-mit-schwung",
    "parity-three-bits",
    "digits-batches-of-ten",
    "digits-stacked-layers",
    "moons-logit-output",
    "digits-sample-by-sample",
]
HEALTHY = [
    "digits-tanh-script",
    "diabetes-mixed-layout",
    "iris-vraisemblance",
    "overlapping-clouds",
    "xor-minus-one-unit",
    "parity-three-bits",
]

HEALTHY_PROGRAM = """
import numpy as np
rng = np.random.default_rng(0)
x = rng.normal(size=(60, 3))
t = np.tanh(x @ rng.normal(size=(3, 2)))
w1, b1 = rng.normal(size=(3, 8)) * 0.5, np.zeros(8)
w2, b2 = rng.normal(size=(8, 2)) * 0.5, np.zeros(2)
for step in range(1500):
    h = np.tanh(x @ w1 + b1)
    out = h @ w2 + b2
    loss = np.mean(np.sum((out - t) ** 2, axis=1))
    d2 = 2 * (out - t) / len(x)
    d1 = (d2 @ w2.T) * (1 - h ** 2)
    w2 -= 0.1 * h.T @ d2
    b2 -= 0.1 * d2.sum(axis=0)
    w1 -= 0.1 * x.T @ d1
    b1 -= 0.1 * d1.sum(axis=0)
print("loss", loss)
"""
SLOPE = " * (1 - h ** 2)"
FAULTY_PROGRAM = HEALTHY_PROGRAM.replace(SLOPE, "")
FAULT = "activation-derivative-missing"


def write(folder: Path, text: str, name: str = "network.py") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(text).lstrip(), encoding="utf-8")
    return path


def line_of(text: str, part: str) -> int:
    """The line that holds ``part``, from 1, in the file that `write` makes of the text."""
    return 1 + next(i for i, line in enumerate(text.lstrip().splitlines()) if part in line)


def faults(report: Report) -> list[tuple[str, int | None, str]]:
    return [(f.cause, f.line, f.confidence) for f in report.findings if f.level != "note"]


# ------------------------------------------------------------------ the cases


@pytest.mark.parametrize("name", FAULTY)
def test_a_known_fault_is_named_at_its_line_and_proved(name: str) -> None:
    truth = json.loads((CASES / name / "truth.json").read_text(encoding="utf-8"))
    report = diagnose(CASES / name / "faulty.py", budget_seconds=GENEROUS)
    assert (report.verdict, report.exit_code) == ("faulty", 1)
    for fault in truth["faults"]:
        found = [f for f in report.faults if f.cause in fault["accept"]]
        assert found, (fault["cause"], faults(report))
        spans = [fault["lines"], *fault["also_lines"]]
        first = found[0].line
        assert first is not None
        last = found[0].end_line or first
        assert any(first <= b + 1 and last >= a - 1 for a, b in spans), (spans, faults(report))
        assert found[0].confidence == "proved"
        assert found[0].fix is not None and found[0].fix.diff
    accepted = {cause for fault in truth["faults"] for cause in fault["accept"]}
    assert {f.cause for f in report.faults} <= accepted


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_program_is_accused_of_nothing(name: str) -> None:
    report = diagnose(CASES / name / "fixed.py", budget_seconds=GENEROUS)
    assert not faults(report)
    assert (report.verdict, report.exit_code) == ("healthy", 0)
    assert report.ruled_out


LOOK_AHEAD = """
import numpy as np
rng = np.random.default_rng(15)
x = rng.uniform(-3, 3, (120, 1))
t = np.sin(1.5 * x)
weights = [rng.normal(size=(1, 12)) * 1.5, rng.normal(size=12), rng.normal(size=(12, 1)) * 0.4, np.zeros(1)]
speeds = [np.zeros_like(w) for w in weights]


def gradients(x, t, w1, b1, w2, b2):
    h = np.tanh(x @ w1 + b1)
    d2 = (h @ w2 + b2 - t) / len(x)
    d1 = d2 @ w2.T * (1 - h ** 2)
    return 0.5 * np.sum(d2 ** 2) * len(x), [x.T @ d1, d1.sum(0), h.T @ d2, d2.sum(0)]


for epoch in range(200):
    for k in range(0, 120, 24):
        ahead = [w + 0.9 * v for w, v in zip(weights, speeds)]
        loss, g = gradients(x[k:k + 24], t[k:k + 24], *ahead)
        for i in range(4):
            speeds[i] = 0.9 * speeds[i] - 0.1 * g[i]
            weights[i] = weights[i] + speeds[i]
print("loss", loss)
"""


def test_a_gradient_that_looks_ahead_is_accused_of_nothing(tmp_path: Path) -> None:
    assert not faults(diagnose(write(tmp_path, LOOK_AHEAD), budget_seconds=GENEROUS))


# ------------------------------------------------------------------ the programs of the mission

# The same programs on a twelfth of the images; what is too large to be read as a whole still is.
FEWER_IMAGES = [
    ("mnist.train.inputs.", "mnist.train.inputs[:5000]."),
    ("[mnist.train.targets]", "[mnist.train.targets[:5000]]"),
    ("test_x[:2000]", "test_x[:500]"),
    ("mnist.test.targets[:2000]", "mnist.test.targets[:500]"),
]
MISSION = [
    "mnist-class",
    "mnist-step-never-called",
    "mnist-stale-forward",
    "mnist-two-preparations",
    "regression-of-updates",
]


def mission_program(name: str, file: str = "faulty.py") -> str:
    """The program with fewer images, and more rounds through them where it needs them to learn."""
    text = (CASES.parent / "mission" / name / file).read_text(encoding="utf-8")
    for old, new in FEWER_IMAGES:
        text = text.replace(old, new)
    return text.replace("epochs=4", "epochs=12").replace("iterations < 60000", "iterations < 20000")


def assert_all_named_and_proved(report: Report, name: str) -> None:
    truth = json.loads((CASES.parent / "mission" / name / "truth.json").read_text(encoding="utf-8"))
    for fault in truth["faults"]:
        found = [f for f in report.faults if f.cause in fault["accept"]]
        assert found, (fault["cause"], faults(report))
        line = found[0].line
        spans = [fault["lines"], *fault["also_lines"]]
        assert line is not None and any(a - 1 <= line <= b + 1 for a, b in spans), (spans, faults(report))
        assert found[0].confidence == "proved"
    accepted = {cause for fault in truth["faults"] for cause in fault["accept"]}
    assert {f.cause for f in report.faults} <= accepted


@pytest.mark.parametrize("name", MISSION)
def test_every_fault_of_a_mission_program_is_named_at_its_line_and_proved(name: str, tmp_path: Path) -> None:
    report = diagnose(write(tmp_path, mission_program(name)), budget_seconds=GENEROUS)
    assert_all_named_and_proved(report, name)
    if name == "regression-of-updates":
        assert_told_how_far_it_can_get(report)


@pytest.mark.parametrize("name", ["mnist-class", "regression-of-updates"])
def test_a_mended_mission_program_is_accused_of_nothing(name: str, tmp_path: Path) -> None:
    report = diagnose(write(tmp_path, mission_program(name, "fixed.py")), budget_seconds=GENEROUS)
    assert (report.verdict, faults(report)) == ("healthy", [])


def assert_told_how_far_it_can_get(report: Report) -> None:
    """A hidden layer that does not follow its gradient leaves the best fit on the features that it happens to have."""
    rows = {row.what: row.measured for row in report.faults[0].evidence}
    reached, mended = rows["summed squared error at the end"], rows["summed squared error of the mended program"]
    floor = next(value for what, value in rows.items() if what.startswith("best least-squares fit"))
    assert isinstance(reached, float) and isinstance(floor, float) and isinstance(mended, float)
    assert mended < floor <= reached
    assert any("cannot fall under" in note for note in report.faults[0].notes)
    assert any("goes unnoticed" in note for note in report.faults[0].notes)


@pytest.mark.slow
def test_both_faults_of_the_mission_class_are_proved_on_all_60000_images() -> None:
    report = diagnose(CASES.parent / "mission" / "mnist-class" / "faulty.py", budget_seconds=GENEROUS)
    assert_all_named_and_proved(report, "mnist-class")
    rows = {row.what: row.measured for f in report.faults for row in f.evidence}
    assert (rows["different rows that training uses"], rows["different rows with the mended loop"]) == (699, 60000)


# ------------------------------------------------------------------ programs that cannot be judged


def test_a_syntax_error_is_one_sentence_with_the_line(tmp_path: Path) -> None:
    path = write(tmp_path, "import numpy as np\nw = np.zeros((3, 2)\nfor i in range(3):\n    pass\n")
    with pytest.raises(InputError, match=r"network\.py is not valid Python: .* in line 2"):
        diagnose(path)


def test_a_missing_file_is_one_sentence_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file .*absent\.py"):
        diagnose(tmp_path / "absent.py")


def test_an_exception_in_the_program_is_reported_with_its_line(tmp_path: Path) -> None:
    text = HEALTHY_PROGRAM.replace("out = h @ w2 + b2", "out = x @ w2 + b2")
    report = diagnose(write(tmp_path, text), budget_seconds=GENEROUS)
    assert (report.verdict, report.exit_code) == ("undecided", 4)
    error = report.program_error
    assert error is not None and error.kind == "ValueError"
    assert error.file == "network.py" and error.line == line_of(text, "out = x @ w2")
    assert any("stopped with ValueError" in note for note in report.notes)


def test_a_program_without_a_network_is_undecided(tmp_path: Path) -> None:
    report = diagnose(write(tmp_path, "total = 0\nfor i in range(1000):\n    total += i\nprint(total)\n"))
    assert (report.verdict, report.exit_code) == ("undecided", 4)
    assert not report.findings and any("no network" in note for note in report.notes)


# ------------------------------------------------------------------ the ways to give a program


def test_input_is_answered_with_what_was_given(tmp_path: Path) -> None:
    text = FAULTY_PROGRAM.replace("range(1500)", 'range(int(input("steps? ")))')
    report = diagnose(write(tmp_path, text), budget_seconds=GENEROUS, answers=["1500"])
    assert faults(report)[:1] == [(FAULT, line_of(text, "d1 = "), "proved")]


def test_a_notebook_is_read_cell_by_cell(tmp_path: Path) -> None:
    lines = FAULTY_PROGRAM.lstrip().splitlines(keepends=True)
    cells = [
        {"cell_type": "markdown", "source": ["# A network\n"], "metadata": {}},
        {"cell_type": "code", "source": ["%matplotlib inline\n", *lines[:6]], "metadata": {}},
        {"cell_type": "code", "source": lines[6:], "metadata": {}},
    ]
    path = tmp_path / "network.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    report = diagnose(path, budget_seconds=GENEROUS)
    assert [f[0] for f in faults(report)] == [FAULT]
    line = report.faults[0].line
    assert line is not None and report.sources["network.ipynb"].splitlines()[line - 1].lstrip().startswith("d1 = ")


def test_a_program_that_never_ends_is_cut_and_judged_on_its_steps(tmp_path: Path) -> None:
    text = FAULTY_PROGRAM.replace("for step in range(1500):", "while True:")
    report = diagnose(write(tmp_path, text), budget_seconds=20.0)
    assert faults(report)[:1] == [(FAULT, line_of(text, "d1 = "), "proved")]


def test_us_diagnose_takes_a_path_and_refuses_what_has_no_source(tmp_path: Path) -> None:
    assert us.diagnose(write(tmp_path, FAULTY_PROGRAM), budget_seconds=GENEROUS).verdict == "faulty"
    with pytest.raises(InputError, match="give a file, a function or a class"):
        us.diagnose(len)


def test_what_the_program_writes_stays_out_of_its_folder(tmp_path: Path) -> None:
    text = HEALTHY_PROGRAM + 'with open("weights.txt", "w") as f:\n    f.write(str(w1))\nnp.save("w.npy", w1)\n'
    text += 'import pathlib\npathlib.Path("log.txt").write_text("done")\n'
    report = diagnose(write(tmp_path, text), budget_seconds=GENEROUS)
    assert report.verdict == "healthy"
    assert [p.name for p in tmp_path.iterdir()] == ["network.py"]


# ------------------------------------------------------------------ the command


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`unstuck diagnose` in a process of its own, as a person would run it."""
    return subprocess.run(
        [sys.executable, "-c", "from unstuck.cli import main; main()", "diagnose", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, timeout=280, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def printed_json(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_json_has_the_keys_of_schema_1_and_exit_code_1_says_faulty(tmp_path: Path) -> None:
    write(tmp_path, FAULTY_PROGRAM)
    done = command(tmp_path, "network.py", "--json", "--seconds", "120")
    found = printed_json(done)
    assert done.returncode == 1
    assert (found["schema"], found["subject"], found["verdict"]) == (1, "network.py", "faulty")
    assert {"findings", "ruled_out", "not_checked", "network", "checked", "seconds"} <= set(found)
    finding = found["findings"][0]
    core = {"cause", "level", "confidence", "title", "file", "line", "end_line", "also", "evidence", "fix", "proof"}
    assert core <= set(finding)
    assert (finding["cause"], finding["line"]) == (FAULT, line_of(FAULTY_PROGRAM, "d1 = "))
    assert {"metric", "before", "after", "seeds", "gradient_before", "gradient_after"} <= set(finding["proof"])
    assert finding["proof"]["gradient_before"] > 1e-3 and finding["proof"]["gradient_after"] < 1e-5
    assert Report.from_json(found).verdict == "faulty"


def test_fix_writes_a_mended_copy_beside_the_program_and_leaves_the_program_alone(tmp_path: Path) -> None:
    path = write(tmp_path, FAULTY_PROGRAM)
    before = path.read_bytes()
    done = command(tmp_path, "network.py", "--fix", "--brief", "--seconds", "120")
    assert done.returncode == 1
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["network.fixed.py", "network.py"]
    mended = (tmp_path / "network.fixed.py").read_text(encoding="utf-8").splitlines()
    original = before.decode().splitlines()
    changed = [i for i, (a, b) in enumerate(zip(original, mended, strict=True), 1) if a != b]
    assert changed == [line_of(FAULTY_PROGRAM, "d1 = ")]
    assert "h" in mended[changed[0] - 1].replace("d1 = (d2 @ w2.T)", "")
    again = command(tmp_path, "network.fixed.py", "--brief", "--seconds", "120")
    assert again.returncode == 0, again.stdout


def test_exit_code_4_is_undecided(tmp_path: Path) -> None:
    write(tmp_path, "print(sum(range(10)))\n")
    done = command(tmp_path, "network.py", "--json")
    assert (done.returncode, printed_json(done)["verdict"]) == (4, "undecided")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["absent.py"], "there is no file absent.py"),
        (["broken.py"], "broken.py is not valid Python"),
        (["network.py", "--brief", "--json"], "exclude each other"),
        (["network.py", "--seconds", "0"], "expected a positive number"),
        (["network.py", "--html", "nowhere/report.html"], "does not exist"),
    ],
)
def test_exit_code_2_is_one_sentence_on_standard_error(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    write(tmp_path, HEALTHY_PROGRAM)
    write(tmp_path, "def f(:\n", "broken.py")
    done = command(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stdout == "" and "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ") and sentence in " ".join(done.stderr.split())


# ------------------------------------------------------------------ healthy programs that descend something unusual


@pytest.mark.parametrize("program", sorted((CASES.parent / "unusual").glob("*.py")), ids=lambda path: path.stem)
def test_a_program_that_descends_something_unusual_is_accused_of_nothing(program: Path) -> None:
    assert not faults(diagnose(program, budget_seconds=30.0))
