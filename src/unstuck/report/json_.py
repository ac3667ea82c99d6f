"""A report as JSON of schema 1, and back."""

from __future__ import annotations

import json

from unstuck.doctor.findings import Report
from unstuck.errors import InputError


def dumps(report: Report, indent: int | None = 2) -> str:
    """The report as JSON text; ``indent`` None puts it on one line. Valid JSON always: no NaN, no Infinity."""
    return json.dumps(report.to_json(), indent=indent, ensure_ascii=False, allow_nan=False)


def loads(text: str) -> Report:
    """The report that ``dumps`` wrote; raises InputError for text that is not JSON or not of schema 1."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"this report is not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        ) from None
    return Report.from_json(data)
