"""One line a finding, JSON, SARIF, and the pages of the causes on the terminal."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
from rich.console import Console

from unstuck import report as views
from unstuck.doctor import causes
from unstuck.doctor.findings import Finding, Fix, Mark, Report
from unstuck.errors import InputError
from unstuck.report import brief, diff, json_

Snapshot = Callable[[str, str], None]


# ---------------------------------------------------------------- brief


def test_brief_looks_as_committed(report: Report, kind: str, matches_snapshot: Snapshot) -> None:
    matches_snapshot(f"{kind}.brief.txt", "".join(f"{line}\n" for line in brief.lines(report)))


def test_brief_prints_one_line_a_finding_however_narrow_the_terminal(two_faults: Report) -> None:
    stream = io.StringIO()
    brief.show(two_faults, Console(file=stream, width=40))
    assert stream.getvalue().splitlines() == brief.lines(two_faults)
    assert len(brief.lines(two_faults)) == len(two_faults.findings)


def test_brief_writes_ascii_where_the_stream_knows_no_more(one_fault: Report) -> None:
    stream = io.BytesIO()
    console = Console(file=io.TextIOWrapper(stream, encoding="ascii", write_through=True))
    brief.show(one_fault, console)
    assert b"0.098 -> 0.897" in stream.getvalue()


# ---------------------------------------------------------------- JSON


def test_json_looks_as_committed(report: Report, kind: str, matches_snapshot: Snapshot) -> None:
    matches_snapshot(f"{kind}.json", views.to_json(report) + "\n")


def test_json_comes_back_as_the_same_report(report: Report) -> None:
    assert json_.loads(json_.dumps(report)) == report
    assert "\n" not in json_.dumps(report, indent=None)


def test_text_that_is_not_json_is_refused_in_one_sentence() -> None:
    with pytest.raises(InputError, match="this report is not JSON: Expecting value in line 1, column 1"):
        json_.loads("no JSON")


# ---------------------------------------------------------------- SARIF


def test_sarif_has_what_the_standard_requires(two_faults: Report, stopped: Report, sources: dict[str, str]) -> None:
    log = json.loads(views.to_sarif([two_faults, stopped], sources))
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "unstuck" and driver["version"]
    assert [rule["id"] for rule in driver["rules"]] == [
        "init-too-large",
        "prediction-ignores-input",
        "samples-never-seen",
    ]
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"] and rule["fullDescription"]["text"] and rule["help"]["text"]
    assert len(run["results"]) == 3
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"].endswith(".")
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        assert physical["artifactLocation"]["uri"] == "mnist.py"
        assert 1 <= physical["region"]["startLine"] <= physical["region"]["endLine"]
        assert physical["region"]["endColumn"] > physical["region"]["startColumn"]
        for related in result["relatedLocations"]:
            assert related["message"]["text"] and related["physicalLocation"]["region"]["startLine"]
    faulty, failed = run["invocations"]
    assert (faulty["executionSuccessful"], faulty["exitCode"]) == (True, 1)
    assert (failed["executionSuccessful"], failed["exitCode"]) == (False, 4)
    assert any("ValueError" in n["message"]["text"] for n in failed["toolExecutionNotifications"])


def test_the_replacements_in_sarif_make_the_mended_text(two_faults: Report, sources: dict[str, str]) -> None:
    log = json.loads(views.to_sarif(two_faults, sources))
    for result, finding in zip(log["runs"][0]["results"], two_faults.findings, strict=True):
        if finding.fix is None:
            assert "fixes" not in result
            continue
        (change,) = result["fixes"][0]["artifactChanges"]
        lines = sources["mnist.py"].splitlines(keepends=True)
        for edit in reversed(change["replacements"]):
            region = edit["deletedRegion"]
            lines[region["startLine"] - 1 : region["endLine"] - 1] = [edit["insertedContent"]["text"]]
        assert "".join(lines) == finding.fix.source


def test_sarif_names_a_finding_without_a_line_and_escapes_its_file() -> None:
    finding = Finding("no-signal", "warning", "likely", "nothing to learn", "my net.py", fix=Fix("get features"))
    log = json.loads(views.to_sarif(Report("my net.py", "faulty", [finding])))
    (result,) = log["runs"][0]["results"]
    assert result["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "my%20net.py"}}}]


def test_a_report_without_findings_is_valid_sarif_too(healthy: Report) -> None:
    run = json.loads(views.to_sarif(healthy))["runs"][0]
    assert run["results"] == [] and run["invocations"][0]["exitCode"] == 0


# ---------------------------------------------------------------- diffs


def test_a_diff_keeps_the_numbers_of_both_texts() -> None:
    text = "--- a/x\n+++ b/x\n@@ -2,3 +2,4 @@ def f():\n one\n-two\n+TWO\n+more\n three\n@@ -9 +10 @@\n-end\n+END\n"
    shown = [None if line is None else (line.sign, line.number, line.text) for line in diff.parse(text)]
    assert shown == [
        (" ", 2, "one"), ("-", 3, "two"), ("+", 3, "TWO"), ("+", 4, "more"), (" ", 5, "three"), None,
        ("-", 9, "end"), ("+", 10, "END"),
    ]  # fmt: skip
    assert [line and line.sign for line in diff.parse(text, context=0)] == ["-", "+", "+", None, "-", "+"]


def test_code_that_looks_like_a_diffs_header_is_code() -> None:
    text = "--- a\n+++ b\n@@ -1,2 +1,2 @@\n--- x\n+++ y\n same\n\\ No newline at end of file\n"
    shown = [(line.sign, line.text) for line in diff.parse(text) if line]
    assert shown == [("-", "-- x"), ("+", "++ y"), (" ", "same")]


# ---------------------------------------------------------------- explain


def explained(slug: str, encoding: str = "utf-8") -> str:
    stream = io.BytesIO()
    console = Console(file=io.TextIOWrapper(stream, encoding=encoding, write_through=True), width=100)
    views.explain(slug, console)
    return stream.getvalue().decode(encoding)


def test_explain_looks_as_committed(matches_snapshot: Snapshot) -> None:
    matches_snapshot("explain.txt", explained("bptt-broken"))


@pytest.mark.parametrize("slug", causes.names())
def test_explain_shows_every_cause_also_in_ascii(slug: str) -> None:
    cause = causes.get(slug)
    shown = explained(slug)
    assert " ".join(cause.use_instead.split()) in " ".join(shown.split())
    assert "When it is not a fault" in shown
    assert explained(slug, "ascii").isascii()


def test_explaining_an_unknown_cause_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'dead-relu'"):
        views.explain("dead-rellu")


def test_the_list_of_causes_names_each_once() -> None:
    stream = io.StringIO()
    views.list_causes(Console(file=stream, width=80))
    listed = [line.split()[0] for line in stream.getvalue().splitlines() if line.startswith("  ")]
    assert sorted(listed) == list(causes.names())


def test_marks_of_a_whole_line_have_no_columns_in_sarif() -> None:
    finding = Finding("no-signal", "warning", "likely", "nothing to learn", "a.py", marks=[Mark(3)])
    region = json.loads(views.to_sarif(Report("a.py", "faulty", [finding])))["runs"][0]["results"][0]["locations"][0]
    assert region["physicalLocation"]["region"] == {"startLine": 3, "endLine": 3}
