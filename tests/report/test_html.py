"""The HTML page: well-formed, self-contained, escaped, and with the numbers where they belong."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from unstuck import report as views
from unstuck.doctor.findings import Evidence, Finding, Fix, Mark, ProgramError, Proof, Report, RuledOut
from unstuck.errors import InputError
from unstuck.report import bars, html

VOID = {"meta", "link", "br", "hr", "img", "input", "rect", "line"}


class Page(HTMLParser):
    """Checks that tags nest, and collects text, tags and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


def body(page: str) -> str:
    return page.partition("<body>")[2].replace("><", ">\n<")


def test_the_page_looks_as_committed(
    report: Report, kind: str, sources: dict[str, str], matches_snapshot: Callable[[str, str], None]
) -> None:
    its_source = {name: text for name, text in sources.items() if name == report.subject}
    matches_snapshot(f"{kind}.html", body(views.to_html(report, its_source)))


def test_the_page_is_well_formed_and_fetches_and_runs_nothing(report: Report, sources: dict[str, str]) -> None:
    page = Page(text := views.to_html(report, sources, teach=True))
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a"} & set(page.tags)
    assert not {"src", "href", "srcset", "action", "onload", "onclick"} & {name for name, _ in page.attributes}
    assert not re.search(r"https?:|url\(|@import|javascript:", text)
    assert text.startswith("<!DOCTYPE html>") and '<html lang="en">' in text and 'charset="utf-8"' in text
    assert "default-src 'none'" in text


def test_the_page_has_a_dark_and_a_light_side(one_fault: Report) -> None:
    assert "prefers-color-scheme: dark" in views.to_html(one_fault)


def test_the_page_tells_all_that_the_report_holds(two_faults: Report, sources: dict[str, str]) -> None:
    text = Page(views.to_html(two_faults, sources)).text
    for finding in two_faults.findings:
        assert finding.cause in text and finding.title.replace("`", "") in text
        for mark in finding.marks:
            assert mark.label.replace("`", "") in text
    reasons = [(r.cause, r.why) for r in two_faults.ruled_out] + [(n.cause, n.why) for n in two_faults.not_checked]
    assert all(cause in text and why in text for cause, why in reasons)
    assert two_faults.network is not None and two_faults.network in text
    assert "training loss falls, test loss does not" in text
    assert sources["mnist.py"].splitlines()[0] in text  # the listing of the whole program


def test_nothing_of_the_users_is_taken_for_html() -> None:
    evil = "<script>alert('&amp;\"')</script>"
    finding = Finding(
        "overflow", "error", "proved", evil, f"{evil}.py", function=evil,
        marks=[Mark(1, label=evil), Mark(2, 1, 2, 5, evil, "also")],
        evidence=[Evidence(evil, evil, evil)],
        fix=Fix(evil, f"--- a\n+++ b\n@@ -1 +1 @@\n-{evil}\n+{evil}\n", evil),
        proof=Proof(evil, 0.1, 0.2, note=evil), notes=[evil], mathematics=f"{evil}\n\n    {evil}\n\n- {evil}",
        consequences=[Finding("overflow", "note", "suspect", evil, evil)],
    )  # fmt: skip
    report = Report(
        evil, "faulty", [finding], [RuledOut("dead-relu", evil)], network=evil, not_understood=[evil], notes=[evil],
        checked=[Evidence(evil)], program_error=ProgramError(evil, evil, f"{evil}.py", 1, evil, [(evil, evil)]),
    )  # fmt: skip
    text = views.to_html(report, {f"{evil}.py": f"{evil}\n'{evil}' # {evil}\n"}, teach=True)
    page = Page(text)
    assert "script" not in page.tags and "<script" not in text
    assert page.text.count("<script>alert('&amp;\"')</script>") > 25


def test_marks_surround_exactly_what_they_mark(one_fault: Report, sources: dict[str, str]) -> None:
    page = views.to_html(one_fault, {"train.py": sources["train.py"]})
    listing = page[page.index('<div class="listing">') : page.index("What was measured")]

    def marked(role: str) -> str:
        return re.sub("<[^>]+>", "", "".join(re.findall(rf'<mark class="{role}">(.*?)</mark>', listing)))

    assert marked("primary") == "e.sum(axis=0)"
    assert marked("also") == "z.max(axis=0)"
    assert marked("symptom") == "p - yb"


def test_the_listing_is_the_program_character_by_character() -> None:
    source = 'def f(x):\n\tif x < 1 and "ü" in """a\nb""":  # 5\n\t\treturn f"{x!r}" + \'<&>\'\n'
    finding = Finding(
        "overflow", "note", "suspect", "title", "a.py", marks=[Mark(2, 5, 2, 10), Mark(4, 3, role="also")]
    )
    page = views.to_html(Report("a.py", "healthy", [finding]), {"a.py": source})
    whole = Page(
        "<div>"
        + page[page.index("The whole program") :].partition("</div></details>")[0].partition("</summary>")[2]
        + "</div></div>"
    )
    rows = "".join(whole.words)
    for number, line in enumerate(source.splitlines(), 1):
        assert f"{number}{line.expandtabs(4)}" in rows


@pytest.mark.parametrize(
    "source", ["def f(:\n  'open", "x = (1,\n", '"""never closed\n', "\x00", "if True:\n    x\n  y\n"]
)
def test_a_program_that_is_not_python_is_still_listed(source: str) -> None:
    finding = Finding("overflow", "note", "suspect", "title", "a.py", line=1)
    page = Page(views.to_html(Report("a.py", "healthy", [finding]), {"a.py": source}))
    assert source.splitlines()[0].strip("\x00") in page.text


def test_bars_are_as_long_as_their_numbers() -> None:
    def widths(proof: Proof) -> list[list[float]]:
        return [[float(w) for w in re.findall(r'<rect [^>]*width="([\d.]+)"', p)] for p in bars.pictures(proof)]

    assert widths(Proof("test accuracy", 0.25, 1.0)) == [[75.0, 300.0]]
    assert widths(Proof("test accuracy", 0.25, 0.5)) == [[75.0, 150.0]]  # against the whole
    assert widths(Proof("loss", 4.0, 1.0)) == [[300.0, 75.0]]
    (pair,) = widths(Proof(gradient_before=10.0, gradient_after=1e-12))
    assert pair[0] == 300 and pair[1] < 5


def test_bars_survive_numbers_that_have_no_length() -> None:
    nan, inf = float("nan"), float("inf")
    for proof in (
        Proof("loss", nan, 0.1),
        Proof("loss", inf, 0.0),
        Proof("loss", 0.0, 0.0),
        Proof(gradient_before=nan, gradient_after=0.0),
    ):
        for picture in bars.pictures(proof):
            Page(picture)
            assert not re.search(r'width="(nan|inf|-)', picture)


def test_a_notebook_shows_a_report_with_the_sources_it_carries(one_fault: Report, sources: dict[str, str]) -> None:
    carrying = Report("train.py", "faulty", one_fault.findings, sources=sources)
    shown = carrying._repr_html_()
    assert "<html" not in shown and "<body" not in shown
    assert "return" in Page(shown).text and "e.sum(axis=0)" in Page(shown).text
    assert all(rule.lstrip().startswith((".unstuck", "@media", "}")) for rule in _rules(shown)), "styles stay inside"


def _rules(fragment: str) -> list[str]:
    style = fragment.partition("<style>")[2].partition("</style>")[0]
    return [selector for selector in re.findall(r"(?:^|[}{])\s*([^{}]+)\{", style) if selector.strip()]


def test_writing_the_page_leaves_a_whole_file_and_nothing_else(tmp_path: Path, one_fault: Report) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    views.write_html(one_fault, path)
    assert path.read_text(encoding="utf-8") == html.page(one_fault)
    assert list(tmp_path.iterdir()) == [path]


def test_a_page_that_cannot_be_written_is_one_sentence(tmp_path: Path, one_fault: Report) -> None:
    with pytest.raises(InputError, match=r"no/report\.html: the folder .*no does not exist"):
        views.write_html(one_fault, tmp_path / "no" / "report.html")
