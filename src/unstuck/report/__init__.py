"""How findings are shown: one module per kind of view, none of which knows how a finding was made.

Each function takes a report and, where code is shown, the text of each file it names (default: the texts the report
carries). Views are loaded when they are asked for, so that a command which shows nothing pays for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from unstuck.errors import unknown_name

if TYPE_CHECKING:
    from rich.console import Console

    from unstuck.doctor.findings import Report

Style = Literal["full", "brief", "teach"]

__all__ = ["Style", "explain", "list_causes", "show", "to_html", "to_json", "to_sarif", "write_html"]


def show(
    report: Report,
    sources: Mapping[str, str] | None = None,
    console: Console | None = None,
    *,
    style: Style = "full",
    html_path: str | None = None,
) -> None:
    """Print a report: ``full``, ``brief`` (one line a finding) or ``teach`` (full, with the mathematics).

    ``html_path`` is mentioned at the end as the place of the page. Raises InputError for an unknown style.
    """
    if style not in get_args(Style):
        raise unknown_name("style", style, get_args(Style))
    if style == "brief":
        from unstuck.report import brief

        brief.show(report, console)
    else:
        from unstuck.report import terminal

        terminal.show(report, sources, console, teach=style == "teach", html_path=html_path)


def to_json(report: Report, indent: int | None = 2) -> str:
    """The report as JSON of schema 1."""
    from unstuck.report import json_

    return json_.dumps(report, indent)


def to_sarif(reports: Report | list[Report], sources: Mapping[str, str] | None = None) -> str:
    """One report or several as SARIF 2.1.0."""
    from unstuck.report import sarif

    return sarif.dumps(reports, sources)


def to_html(report: Report, sources: Mapping[str, str] | None = None, *, teach: bool = False) -> str:
    """The report as one self-contained page."""
    from unstuck.report import html

    return html.page(report, sources, teach=teach)


def write_html(report: Report, path: Path, sources: Mapping[str, str] | None = None, *, teach: bool = False) -> None:
    """Write that page to ``path``: completely or not at all. Raises InputError where it cannot be written."""
    from unstuck.files import write_whole

    write_whole(Path(path), to_html(report, sources, teach=teach))


def explain(slug: str, console: Console | None = None) -> None:
    """Print the page of one cause; an unknown one raises InputError with the nearest known."""
    from unstuck.report import explanation

    explanation.explain(slug, console)


def list_causes(console: Console | None = None) -> None:
    """Print every cause, group by group."""
    from unstuck.report import explanation

    explanation.list_causes(console)
