"""What a finding may say, and that a report survives its JSON."""

from __future__ import annotations

import ast
import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unstuck.doctor import causes
from unstuck.doctor.findings import (
    CONFIDENCES,
    LEVELS,
    Evidence,
    Finding,
    Fix,
    Mark,
    NotChecked,
    ProgramError,
    Proof,
    Report,
    RuledOut,
)
from unstuck.errors import InputError

PROOF = Proof("test accuracy", 0.1, 0.9)


def finding(**changes: Any) -> Finding:
    given: dict[str, Any] = {
        "cause": "softmax-axis-wrong", "level": "error", "confidence": "proved", "title": "rows do not sum to 1",
        "file": "a.py", "line": 3, "proof": PROOF,
    }  # fmt: skip
    return Finding(**given | changes)


# ---------------------------------------------------------------- what may be said


@pytest.mark.parametrize("level", ["error", "warning"])
def test_a_suspicion_is_never_an_error_or_a_warning(level: str) -> None:
    with pytest.raises(InputError, match=f"softmax-axis-wrong: a suspicion given as {level}"):
        finding(level=level, confidence="suspect", proof=None)
    assert finding(level="note", confidence="suspect", proof=None).is_fault is False


def test_nothing_is_called_proved_without_a_proof() -> None:
    with pytest.raises(InputError, match="called proved without a proof"):
        finding(proof=None)
    assert finding(confidence="likely", proof=None).is_fault


@pytest.mark.parametrize(
    "values", [{}, {"metric": "accuracy", "before": 0.1}, {"gradient_after": 1e-9}, {"before": 1, "after": 2}]
)
def test_a_proof_without_both_numbers_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="a proof without numbers"):
        Proof(**values)


def test_a_proof_by_the_gradient_check_alone_is_enough() -> None:
    assert Proof(gradient_before=1.0, gradient_after=1e-9).metric is None


def test_an_unknown_cause_is_refused_with_the_nearest_known() -> None:
    for make in (
        lambda: finding(cause="softmax-axis"),
        lambda: RuledOut("softmax-axis", ""),
        lambda: NotChecked("softmax-axis", "x"),
    ):
        with pytest.raises(InputError, match="unknown cause 'softmax-axis'; did you mean 'softmax-axis-wrong'"):
            make()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"level": "fatal"}, "unknown level 'fatal'"),
        ({"confidence": "sure"}, "unknown confidence 'sure'"),
        ({"title": "  "}, "Finding.title is '  '; a text is needed"),
        ({"line": 0}, "lines 0 to 0"),
        ({"line": 5, "end_line": 4}, "lines 5 to 4"),
        ({"line": 2.5}, "finding 'line' is 2.5; expected a whole number"),
        ({"notes": "one text"}, "Finding.notes is 'one text'; expected a list of str"),
        ({"evidence": ["a text"]}, "Finding.evidence holds 'a text'; expected Evidence"),
    ],
)
def test_a_wrong_value_is_refused_in_one_sentence(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        finding(**changes)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"line": 0}, "lines 0 to 0"),
        ({"line": 3, "end_line": 2}, "lines 3 to 2"),
        ({"line": 3, "column": 0}, "column 0"),
        ({"line": 3, "column": 5, "end_column": 5}, "columns 5 to 5"),
        ({"line": 3, "role": "main"}, "unknown role of a mark 'main'"),
    ],
)
def test_a_mark_that_marks_nothing_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Mark(**values)


def test_evidence_is_a_number_or_a_text_never_an_array() -> None:
    with pytest.raises(InputError, match="evidence 'measured' is ndarray"):
        Evidence("weights", measured=np.zeros(3))  # type: ignore[arg-type]
    assert type(Evidence("loss", measured=np.float32(0.5)).measured) is float  # type: ignore[arg-type]


# ---------------------------------------------------------------- reports


def test_a_verdict_must_fit_its_findings() -> None:
    with pytest.raises(InputError, match="called faulty, but no finding"):
        Report("a.py", "faulty")
    with pytest.raises(InputError, match="called healthy, but softmax-axis-wrong was found"):
        Report("a.py", "healthy", [finding()])
    with pytest.raises(InputError, match="called undecided, but softmax-axis-wrong was found"):
        Report("a.py", "undecided", [finding()])
    with pytest.raises(InputError, match="called healthy, but it stopped with ValueError"):
        Report("a.py", "healthy", program_error=ProgramError("ValueError", "no"))
    with pytest.raises(InputError, match="softmax-axis-wrong is both found and ruled out"):
        Report("a.py", "faulty", [finding()], [RuledOut("softmax-axis-wrong", "rows sum to 1")])


@pytest.mark.parametrize(("verdict", "code"), [("healthy", 0), ("faulty", 1), ("undecided", 4)])
def test_exit_codes_are_those_of_the_command(verdict: Any, code: int) -> None:
    assert Report("a.py", verdict, [finding()] if verdict == "faulty" else []).exit_code == code


def test_a_healthy_report_may_hold_notes() -> None:
    report = Report("a.py", "healthy", [finding(level="note")])
    assert report.exit_code == 0 and report.faults == ()


def test_the_most_important_finding_comes_first_and_equals_keep_their_order() -> None:
    every = [
        finding(level=level, confidence=confidence, title=f"{level} {confidence} {i}")
        for level in reversed(LEVELS)
        for confidence in reversed(CONFIDENCES)
        for i in range(2)
        if level == "note" or confidence != "suspect"
    ]
    assert [f.title for f in Report("a.py", "faulty", every).findings] == [
        "error proved 0", "error proved 1", "error likely 0", "error likely 1",
        "warning proved 0", "warning proved 1", "warning likely 0", "warning likely 1",
        "note proved 0", "note proved 1", "note likely 0", "note likely 1", "note suspect 0", "note suspect 1",
    ]  # fmt: skip


def test_a_finding_takes_its_place_from_its_primary_mark() -> None:
    marked = finding(line=None, marks=[Mark(9, role="also"), Mark(4, 7, 6, 2), Mark(1, file="other.py")])
    assert (marked.line, marked.column, marked.end_line) == (4, 7, 6)
    assert finding(line=None, marks=[Mark(9, role="symptom")]).line is None


def test_a_mark_made_from_a_syntax_node_counts_characters_not_bytes() -> None:
    source = "größe = 1\nδ = größe + 2  # ü\n"
    node = ast.parse(source).body[1].value  # type: ignore[attr-defined]
    mark = Mark.of(node, source, "sum")
    assert (mark.line, mark.column, mark.end_line, mark.end_column) == (2, 5, 2, 14)
    assert source.splitlines()[1][4:13] == "größe + 2"


# ---------------------------------------------------------------- JSON

text = st.text(min_size=1, max_size=20).filter(str.strip)
maybe_text = st.none() | text
number = st.floats(allow_nan=False) | st.integers(-(10**9), 10**9)
value = st.none() | st.booleans() | number | text.filter(lambda t: t not in ("nan", "inf", "-inf"))
slug = st.sampled_from(causes.names())
line = st.integers(1, 500)
marks = st.builds(
    lambda line, more, label, role, file: Mark(line, 3, line + more, 9, label, role, file),
    line, st.integers(0, 3), st.text(max_size=9), st.sampled_from(["primary", "symptom", "also"]), maybe_text,
)  # fmt: skip
evidence = st.builds(Evidence, text, value, value)
proofs = st.builds(
    Proof, text, number, number, st.integers(1, 9), number, number, st.none() | number, st.text(max_size=9)
)
fixes = st.builds(Fix, text, maybe_text, maybe_text)


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, max_size=3)


def findings_of(level: st.SearchStrategy[str], consequences: st.SearchStrategy[Any]) -> st.SearchStrategy[Finding]:
    return st.builds(
        Finding, cause=slug, level=level, confidence=st.sampled_from(["proved", "likely"]), title=text, file=text,
        line=st.none() | line, function=maybe_text, marks=some(marks), evidence=some(evidence), fix=st.none() | fixes,
        proof=proofs, notes=some(text), mathematics=maybe_text, consequences=consequences,
    )  # fmt: skip


leaf = findings_of(st.just("note"), st.just([]))
reports = st.builds(
    Report, subject=text, verdict=st.just("faulty"),
    findings=st.lists(findings_of(st.sampled_from(["error", "warning"]), some(leaf)), min_size=1, max_size=2),
    not_checked=some(st.builds(NotChecked, slug, text)), network=maybe_text, not_understood=some(text),
    checked=some(evidence), seconds=st.none() | number, notes=some(text),
    program_error=st.none() | st.builds(ProgramError, text, st.text(max_size=9), maybe_text, st.none() | line, maybe_text,
                                        some(st.tuples(text, text))),
)  # fmt: skip


@given(reports)
def test_a_report_survives_its_json(report: Report) -> None:
    written = json.dumps(report.to_json(), allow_nan=False)
    assert Report.from_json(json.loads(written)) == report


def test_numbers_that_json_lacks_survive_as_texts() -> None:
    proof = Proof("loss", math.nan, 0.5, gradient_before=math.inf, gradient_after=1e-9)
    report = Report("a.py", "faulty", [finding(proof=proof, evidence=[Evidence("loss", 0.1, -math.inf)])])
    data = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert data["findings"][0]["proof"]["before"] == "nan"
    assert data["findings"][0]["evidence"][0]["measured"] == "-inf"
    back = Report.from_json(data).findings[0]
    assert back.proof is not None and math.isnan(back.proof.before or 0) and back.proof.gradient_before == math.inf
    assert back.evidence[0].measured == -math.inf


def test_the_json_has_the_keys_of_schema_1() -> None:
    marks = [Mark(3), Mark(7, role="symptom", label="shows here")]
    report = Report(
        "a.py", "faulty", [finding(marks=marks, evidence=[Evidence("x", 1.0, 2.0)], fix=Fix("mend it", "diff"))],
        [RuledOut("dead-relu", "2 of 32 units")], [NotChecked("overflow", "no exponential")],
    )  # fmt: skip
    data = report.to_json()
    assert data["schema"] == 1 and data["subject"] == "a.py" and data["verdict"] == "faulty"
    assert data["ruled_out"] == [{"cause": "dead-relu", "why": "2 of 32 units"}]
    assert data["not_checked"] == [{"cause": "overflow", "why": "no exponential"}]
    (found,) = data["findings"]
    assert found["cause"] == "softmax-axis-wrong" and (found["line"], found["end_line"]) == (3, 3)
    assert [(a["line"], a["role"]) for a in found["also"]] == [(7, "symptom")]
    assert found["evidence"] == [{"what": "x", "expected": 1.0, "measured": 2.0}]
    assert found["fix"]["summary"] == "mend it" and found["fix"]["diff"] == "diff"
    assert found["proof"] | {"metric": "test accuracy", "before": 0.1, "after": 0.9, "seeds": 1} == found["proof"]


def test_the_json_of_the_design_page_can_be_read() -> None:
    data = {
        "schema": 1, "subject": "train.py", "verdict": "faulty",
        "findings": [{
            "cause": "softmax-axis-wrong", "level": "error", "confidence": "proved", "title": "t", "file": "train.py",
            "line": 16, "end_line": 16, "also": [{"line": 29, "role": "symptom"}],
            "evidence": [{"what": "row sum", "expected": 1.0, "measured": 0.159}],
            "fix": {"summary": "s", "diff": None},
            "proof": {"metric": "test accuracy", "before": 0.098, "after": 0.897, "seeds": 5},
        }],
        "ruled_out": [{"cause": "dead-relu", "why": "2 of 32 units"}], "not_checked": [], "of_a_later_version": True,
    }  # fmt: skip
    (found,) = Report.from_json(data).findings
    assert found.marks == (Mark(29, role="symptom"),) and found.proof is not None and found.proof.seeds == 5


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "a report of schema 'list' cannot be read"),
        ({"schema": 2}, "a report of schema 2 cannot be read"),
        ({"schema": 1, "verdict": "healthy"}, "Report lacks subject"),
        ({"schema": 1, "subject": "a", "verdict": "ill"}, "unknown verdict 'ill'"),
        ({"schema": 1, "subject": "a", "verdict": "healthy", "findings": 5}, "damaged"),
        ({"schema": 1, "subject": "a", "verdict": "healthy", "findings": [5]}, "Finding is 5; expected a JSON object"),
        (
            {"schema": 1, "subject": "a", "verdict": "faulty", "findings": [{"cause": "overflow"}]},
            "Finding lacks level",
        ),
        (
            {"schema": 1, "subject": "a", "verdict": "healthy", "seconds": "long"},
            "seconds is 'long'; expected a number",
        ),
    ],
)
def test_a_damaged_report_is_refused_in_one_sentence(data: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Report.from_json(data)


def test_findings_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        finding().title = "other"  # type: ignore[misc]


def test_importing_the_findings_loads_no_cause_and_nothing_heavy() -> None:
    code = (
        "import sys, unstuck.doctor.findings\n"
        "bad = [m for m in sys.modules if m.startswith('unstuck.doctor.causes.') or m in ('numpy', 'rich', 'numba')]\n"
        "sys.exit(repr(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_key_of_the_json_is_documented() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "diagnosis-json.md").read_text(encoding="utf-8")
    report = Report(
        "a.py", "faulty", [finding(marks=[Mark(3)], evidence=[Evidence("x")], fix=Fix("mend it"))],
        program_error=ProgramError("ValueError", "no"),
    )  # fmt: skip

    def keys(data: Any) -> set[str]:
        if isinstance(data, dict):
            return set(data) | {key for value in data.values() for key in keys(value)}
        return {key for item in data for key in keys(item)} if isinstance(data, list) else set()

    missing = {key for key in keys(report.to_json()) if f"`{key}`" not in page and f'"{key}"' not in page}
    assert not missing
