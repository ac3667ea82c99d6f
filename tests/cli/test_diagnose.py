"""`unstuck diagnose`: exit codes, every view, the mended copy, and one sentence for what cannot be diagnosed."""

import json

import pytest

import unstuck.doctor
from unstuck.cli.app import run

HEALTHY = """
import numpy as np
from parts import slope

rng = np.random.default_rng(3)
x = rng.uniform(-1, 1, (80, 2))
y = (x[:, :1] * x[:, 1:] > 0) * 1.0
w, b = rng.standard_normal((2, 8)), np.zeros((1, 8))
v, c = rng.standard_normal((8, 1)) * 0.5, np.zeros((1, 1))
for epoch in range(600):
    h = np.tanh(x @ w + b)
    p = 1 / (1 + np.exp(-(h @ v + c)))
    d = (p - y) / len(x)
    e = d @ v.T * slope(h)
    v -= 2.0 * h.T @ d
    c -= 2.0 * d.sum(axis=0, keepdims=True)
    w -= 2.0 * x.T @ e
    b -= 2.0 * e.sum(axis=0, keepdims=True)
print("accuracy", np.mean((p > 0.5) == (y > 0.5)))
"""
PARTS = """
def slope(h):
    return 1 - h * h
"""
WRONG_PARTS = PARTS.replace("h * h", "h")


@pytest.fixture
def program(tmp_path):
    def written(text=HEALTHY, parts=PARTS):
        (tmp_path / "parts.py").write_text(parts)
        path = tmp_path / "network.py"
        path.write_text(text)
        return path

    return written


@pytest.fixture(scope="module")
def faulty_report(tmp_path_factory):
    """One real diagnosis of a program with a fault in an imported file and one in the main file."""
    folder = tmp_path_factory.mktemp("faulty")
    (folder / "parts.py").write_text(WRONG_PARTS)
    (folder / "network.py").write_text(
        HEALTHY.replace("c -= 2.0 * d.sum(axis=0, keepdims=True)", "c += 2.0 * d.sum(axis=0, keepdims=True)")
    )
    return folder / "network.py", unstuck.doctor.diagnose(folder / "network.py", budget_seconds=90)


@pytest.fixture
def diagnosed(monkeypatch, faulty_report):
    path, report = faulty_report
    monkeypatch.setattr(unstuck.doctor, "diagnose", lambda *_args, **_named: report)
    return path


def test_a_healthy_program_ends_with_0_and_says_so(capsys, program):
    assert run(["diagnose", str(program()), "--brief", "--seconds", "90"]) == 0
    assert "healthy" in capsys.readouterr().out


def test_faults_in_two_files_are_found_in_both(faulty_report):
    _, report = faulty_report
    assert report.exit_code == 1
    assert {(f.file, f.cause) for f in report.faults} >= {("parts.py", "activation-derivative-wrong")}
    assert {f.file for f in report.faults} == {"parts.py", "network.py"}


def test_json_is_schema_1_with_every_finding(capsys, diagnosed, faulty_report):
    assert run(["diagnose", str(diagnosed), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == 1
    assert found["verdict"] == "faulty"
    assert [f["cause"] for f in found["findings"]] == [f.cause for f in faulty_report[1].findings]


def test_brief_is_one_line_a_finding(capsys, diagnosed, faulty_report):
    assert run(["diagnose", str(diagnosed), "--brief"]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if "]" in line]
    assert len(lines) == len(faulty_report[1].findings)
    assert any(line.startswith("parts.py:3:") for line in lines)


def test_teach_shows_the_mathematics(capsys, diagnosed):
    assert run(["diagnose", str(diagnosed), "--teach"]) == 1
    taught = capsys.readouterr().out
    assert run(["diagnose", str(diagnosed)]) == 1
    assert len(taught) > len(capsys.readouterr().out)


def test_sarif_is_version_2_1_0(capsys, diagnosed):
    assert run(["diagnose", str(diagnosed), "--sarif"]) == 1
    log = json.loads(capsys.readouterr().out)
    assert log["version"] == "2.1.0"
    assert {r["ruleId"] for r in log["runs"][0]["results"]} >= {"activation-derivative-wrong"}


def test_html_is_written_as_one_page(diagnosed, tmp_path):
    page = tmp_path / "report.html"
    assert run(["diagnose", str(diagnosed), "--html", str(page)]) == 1
    assert page.read_text().lstrip().lower().startswith("<!doctype html>")


def test_fix_writes_a_mended_copy_of_each_file_beside_it_and_changes_no_original(diagnosed):
    before = {name: (diagnosed.parent / name).read_text() for name in ("network.py", "parts.py")}
    assert run(["diagnose", str(diagnosed), "--fix"]) == 1
    assert {name: (diagnosed.parent / name).read_text() for name in before} == before
    space = {}
    exec((diagnosed.parent / "parts.fixed.py").read_text(), space)
    assert space["slope"](0.5) == pytest.approx(0.75)
    assert "c -= 2.0 * d.sum" in (diagnosed.parent / "network.fixed.py").read_text()


@pytest.mark.parametrize(
    ("name", "text", "code", "words"),
    [
        ("broken.py", "for x in\n", 2, "broken.py"),
        ("numbers.py", "print(1 + 1)\n", 4, "no network is trained"),
        ("falls.py", "import numpy as np\nw = np.zeros(3)\nw[7] = 1\n", 4, "IndexError"),
        ("text.txt", "not python at all\n", 2, "text.txt"),
    ],
)
def test_what_cannot_be_diagnosed_is_said_in_one_sentence(capsys, tmp_path, name, text, code, words):
    path = tmp_path / name
    path.write_text(text)
    assert run(["diagnose", str(path), "--seconds", "30"]) == code
    out = capsys.readouterr()
    assert words in " ".join((out.out + out.err).split())
    assert "Traceback" not in out.out + out.err


def test_a_file_that_is_not_there_ends_with_2(capsys, tmp_path):
    assert run(["diagnose", str(tmp_path / "nothing.py")]) == 2
    assert "nothing.py" in capsys.readouterr().err


def test_a_program_that_never_ends_is_judged_on_what_was_seen(capsys, program):
    endless = HEALTHY.replace("for epoch in range(600):", "while True:")
    assert run(["diagnose", str(program(endless, WRONG_PARTS)), "--json", "--seconds", "25"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["findings"][0]["cause"] == "activation-derivative-wrong"
    assert found["seconds"] < 30


def test_time_that_is_over_leaves_a_program_undecided(capsys, program):
    assert run(["diagnose", str(program()), "--json", "--seconds", "1.5"]) == 4
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "undecided"
    assert found["seconds"] < 5


def test_a_budget_that_is_none_is_refused(capsys, program):
    assert run(["diagnose", str(program()), "--seconds", "0"]) == 2
    assert "expected a positive number" in capsys.readouterr().err


def test_explain_shows_a_cause_and_suggests_the_name_that_was_meant(capsys):
    assert run(["explain", "softmax-axis-wrong"]) == 0
    assert "softmax" in capsys.readouterr().out
    assert run(["explain", "softmax-axis"]) == 2
    assert "softmax-axis-wrong" in capsys.readouterr().err
