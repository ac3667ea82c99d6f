"""How a report appears as the result of a notebook cell."""

from __future__ import annotations

from unstuck.doctor.findings import Report
from unstuck.report import html


def repr_html(report: Report) -> str:
    """The HTML that a notebook shows for a report: what ``Report._repr_html_`` returns."""
    return html.fragment(report)
