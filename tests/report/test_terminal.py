"""The report on a terminal, as a user sees it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from unstuck import report as views
from unstuck.doctor.findings import Evidence, Finding, Fix, Mark, Proof, Report, RuledOut
from unstuck.errors import InputError
from unstuck.report import terminal

Snapshot = Callable[[str, str], None]
SIZES = [50, 60, 80, 100, 140]


def test_each_kind_of_report_looks_as_committed(
    report: Report, kind: str, sources: dict[str, str], matches_snapshot: Snapshot
) -> None:
    matches_snapshot(f"{kind}.txt", terminal.render(report, sources, html_path="report.html"))


def test_teaching_adds_the_mathematics(one_fault: Report, sources: dict[str, str], matches_snapshot: Snapshot) -> None:
    matches_snapshot("one_fault.teach.txt", terminal.render(one_fault, sources, teach=True))


def test_a_narrow_terminal_looks_as_committed(
    two_faults: Report, sources: dict[str, str], matches_snapshot: Snapshot
) -> None:
    matches_snapshot("two_faults.narrow.txt", terminal.render(two_faults, sources, width=60))


@pytest.mark.parametrize("width", SIZES)
def test_no_line_but_a_diff_or_a_command_is_wider_than_the_terminal(
    report: Report, sources: dict[str, str], width: int
) -> None:
    for line in terminal.render(report, sources, width=width, teach=width >= 80).splitlines():
        is_diff = line.partition("| ")[2][:1] in ("-", "+")
        assert cell_len(line) <= width or is_diff or "unstuck " in line, line


@pytest.mark.parametrize("width", SIZES)
def test_marks_stand_under_what_they_mark(one_fault: Report, sources: dict[str, str], width: int) -> None:
    lines = terminal.render(one_fault, sources, width=width).splitlines()
    for code, sign in (("e.sum(axis=0)", "^"), ("z.max(axis=0)", "-"), ("p - yb", "-")):
        at = next(i for i, line in enumerate(lines) if code in line)
        start = lines[at].index(code)
        assert lines[at + 1][start : start + len(code)] == sign * len(code)
        assert lines[at + 1][start - 1] == " "
        assert lines[at + 1][start + len(code) : start + len(code) + 1] in ("", " ")


def one_mark(source: str, code: str, label: str = "here", **more: Any) -> str:
    column = source.index(code) + 1
    mark = Mark(1, column, 1, column + len(code), label)
    finding = Finding("overflow", "note", "suspect", "title", "a.py", marks=[mark], **more)
    return terminal.render(Report("a.py", "healthy", [finding]), {"a.py": source}, width=80)


@pytest.mark.parametrize("source", ["\tx = f(y)", "größe = f(y)", "名前 = f(y)", "x =\tf(y)\t# tab", "e\u0301 = f(y)"])
def test_marks_stay_in_place_behind_tabs_and_wide_characters(source: str) -> None:
    lines = one_mark(source, "f(y)").splitlines()
    at = next(i for i, line in enumerate(lines) if "f(y)" in line)
    assert cell_len(lines[at][: lines[at].index("f(y)")]) == cell_len(lines[at + 1][: lines[at + 1].index("^^^^")])


def test_a_line_longer_than_the_terminal_is_cut_around_its_mark() -> None:
    source = f"x = [{'1, ' * 60}exp(z), {'2, ' * 60}]"
    lines = one_mark(source, "exp(z)").splitlines()
    at = next(i for i, line in enumerate(lines) if "exp(z)" in line)
    assert lines[at].count("…") == 2 and cell_len(lines[at]) <= 80
    start = lines[at].index("exp(z)")
    assert lines[at + 1][start : start + 6] == "^^^^^^"


def test_several_marks_on_one_line_keep_their_labels_apart() -> None:
    source = "y = f(a) + g(b)"
    marks = [Mark(1, 5, 1, 9, "first", "also"), Mark(1, 12, 1, 16, "second")]
    finding = Finding("overflow", "note", "suspect", "title", "a.py", marks=marks)
    shown = terminal.render(Report("a.py", "healthy", [finding]), {"a.py": source})
    assert (
        " 1 | y = f(a) + g(b)\n"
        "   |     ----   ^^^^ second\n"
        "   |     first\n"
    ) in shown  # fmt: skip


def test_a_long_mark_shows_its_first_lines_and_its_last() -> None:
    source = "".join(f"line_{i} = {i}\n" for i in range(1, 21))
    finding = Finding("overflow", "note", "suspect", "title", "a.py", marks=[Mark(2, end_line=15, label="all of it")])
    shown = terminal.render(Report("a.py", "healthy", [finding]), {"a.py": source})
    assert [i for i in range(1, 21) if f" line_{i} = " in shown] == [2, 3, 4, 15]
    assert shown.count("all of it") == 1


def test_a_mark_in_another_file_shows_that_file() -> None:
    finding = Finding(
        "overflow", "note", "suspect", "title", "a.py",
        marks=[Mark(1, label="called here"), Mark(2, label="made here", role="also", file="b.py")],
    )  # fmt: skip
    shown = terminal.render(Report("a.py", "healthy", [finding]), {"a.py": "f(x)\n", "b.py": "\ndef f(x): ...\n"})
    assert "::: b.py\n" in shown and shown.index("called here") < shown.index("b.py") < shown.index("made here")


def test_without_the_source_the_place_is_still_named() -> None:
    finding = Finding("overflow", "note", "suspect", "title", "a.py", line=7)
    assert "--> a.py:7\n" in terminal.render(Report("a.py", "healthy", [finding]), {})


def test_a_line_beyond_the_end_of_the_source_is_left_out() -> None:
    finding = Finding("overflow", "note", "suspect", "title", "a.py", line=7)
    assert "--> a.py:7\n" in terminal.render(Report("a.py", "healthy", [finding]), {"a.py": "x = 1\n"})


def test_an_insertion_is_shown_with_its_neighbours_and_a_long_fix_is_cut() -> None:
    insertion = "--- a\n+++ b\n@@ -3,2 +3,3 @@\n before\n+new\n after\n"
    finding = Finding("overflow", "note", "suspect", "title", "a.py", fix=Fix("insert it", insertion))
    shown = terminal.render(Report("a.py", "healthy", [finding]), {})
    assert " 3 |  before\n 4 | +new\n 5 |  after\n" in shown
    long = "--- a\n+++ b\n@@ -0,0 +1,50 @@\n" + "".join(f"+line {i}\n" for i in range(50))
    finding = Finding("overflow", "note", "suspect", "title", "a.py", fix=Fix("rewrite it", long))
    assert "… 20 more lines" in terminal.render(Report("a.py", "healthy", [finding]), {})


def test_a_proof_without_a_metric_and_a_likely_cause_are_said_as_what_they_are() -> None:
    by_gradient = Proof(gradient_before=1.0, gradient_after=2e-9)
    likely = Finding("lr-too-high", "warning", "likely", "steps too long", "a.py", proof=by_gradient)
    shown = terminal.render(Report("a.py", "faulty", [likely]), {})
    assert "= measured by running it: gradient error 1 → 2e-09\n" in shown.replace("2.0e-09", "2e-09")
    assert "1 cause found, likely.\n" in shown.replace(".   ", ".\n")
    bare = Finding("lr-too-high", "warning", "likely", "steps too long", "a.py")
    assert "no mended copy was run" in terminal.render(Report("a.py", "faulty", [bare]), {})


def test_causes_with_one_reason_share_it_and_many_are_counted() -> None:
    slugs = (
        "overflow",
        "log-of-zero",
        "dead-relu",
        "no-signal",
        "plateau",
        "lr-too-low",
        "overfitting",
        "too-deep",
        "bias-missing",
    )
    report = Report("a.py", "healthy", ruled_out=[RuledOut(s, "it learns to 0.99") for s in slugs])
    shown = " ".join(terminal.render(report, {}).split())
    assert (
        "overflow, log-of-zero, dead-relu, no-signal, plateau, lr-too-low and 3 more causes (it learns to 0.99)"
        in shown
    )


# ---------------------------------------------------------------- streams


def printed(report: Report, sources: dict[str, str], encoding: str = "utf-8", **options: Any) -> str:
    stream = io.BytesIO()
    console = Console(file=io.TextIOWrapper(stream, encoding=encoding, write_through=True), width=100, **options)
    terminal.show(report, sources, console)
    return stream.getvalue().decode(encoding)


def test_a_stream_without_unicode_gets_ascii_with_marks_in_place(sources: dict[str, str], one_fault: Report) -> None:
    shown = printed(one_fault, sources, "ascii")
    assert "64 -> 32 relu -> 10 softmax" in shown and "1 -> 4.5e-09" in shown
    lines = shown.splitlines()
    at = next(i for i, line in enumerate(lines) if "e.sum(axis=0)" in line)
    assert lines[at + 1].index("^") == lines[at].index("e.sum")


def test_in_ascii_the_code_keeps_its_columns() -> None:
    finding = Finding("overflow", "note", "suspect", "φ′ is wrong", "a.py", marks=[Mark(1, 5, 1, 9, "≤ ½")])
    stream = io.BytesIO()
    console = Console(file=io.TextIOWrapper(stream, encoding="ascii", write_through=True), width=80)
    terminal.show(Report("a.py", "healthy", [finding]), {"a.py": "σδ = f(x)"}, console)
    shown = stream.getvalue().decode("ascii")
    assert "phi' is wrong" in shown and " 1 | ?? = f(x)\n   |     ^^^^ <= 1/2\n" in shown


def test_colours_appear_on_a_terminal_only_and_not_under_no_color(
    sources: dict[str, str], one_fault: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert "\x1b" not in printed(one_fault, sources)
    assert "\x1b[1;31m" in printed(one_fault, sources, force_terminal=True, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31m" not in printed(one_fault, sources, force_terminal=True, color_system="standard")


def test_colours_change_nothing_but_colours(report: Report, sources: dict[str, str]) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=100, record=True, force_terminal=True, color_system="truecolor")
    terminal.show(report, sources, console, html_path="report.html")
    assert console.export_text() == terminal.render(report, sources, html_path="report.html")


def test_control_characters_of_the_program_do_not_reach_the_terminal() -> None:
    evil = "x = 1 # \x1b[2J\x07"
    finding = Finding(
        "overflow", "note", "suspect", "a\x1b[31m", "a.py", marks=[Mark(1, label="b\x1b]0;owned\x07")], notes=["c\x9b2J"],
        evidence=[Evidence("d\x1b[1m", "e\x1b", "f\x1b")], fix=Fix("g\x1b", f"--- a\n+++ b\n@@ -1 +1 @@\n-{evil}\n+x\n"),
    )  # fmt: skip
    shown = terminal.render(Report("a.py\x1b[1m", "healthy", [finding], network="n\x1b"), {"a.py": evil}, teach=True)
    assert not any((ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 for c in shown)


def test_brackets_in_the_users_text_are_not_taken_for_markup() -> None:
    finding = Finding("overflow", "note", "suspect", "x[bold] and [/red]", "a.py", marks=[Mark(1, label="y[red]")])
    shown = terminal.render(Report("a.py", "healthy", [finding]), {"a.py": "x[bold] = :smile:"})
    assert "x[bold] and [/red]" in shown and "x[bold] = :smile:" in shown and "y[red]" in shown


def test_show_offers_the_views_by_name(sources: dict[str, str], one_fault: Report) -> None:
    def shown(style: Any) -> str:
        stream = io.StringIO()
        views.show(one_fault, sources, Console(file=stream, width=100), style=style)
        return stream.getvalue()

    assert shown("full") == terminal.render(one_fault, sources)
    assert shown("teach") == terminal.render(one_fault, sources, teach=True)
    assert shown("brief").count("\n") == 1
    with pytest.raises(InputError, match="unknown style 'ful'; did you mean 'full'"):
        shown("ful")


def test_the_sources_a_report_carries_are_used_by_default(sources: dict[str, str], one_fault: Report) -> None:
    carrying = Report("train.py", "faulty", one_fault.findings, sources=sources)
    assert "return e / e.sum(axis=0)" in terminal.render(carrying)
