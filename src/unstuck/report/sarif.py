"""Reports as SARIF 2.1.0, the format in which code hosts and editors take findings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from unstuck.doctor import causes
from unstuck.doctor.findings import Finding, Mark, Report
from unstuck.report import wording
from unstuck.report.excerpt import marks_of

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def dumps(reports: Report | Iterable[Report], sources: Mapping[str, str] | None = None) -> str:
    """One SARIF log with one run for all reports. ``sources`` (else those the reports carry) make fixes possible."""
    every = [reports] if isinstance(reports, Report) else list(reports)
    slugs = sorted({finding.cause for report in every for finding in report.findings})
    results = [
        _result(finding, slugs, report.sources if sources is None else sources)
        for report in every
        for finding in report.findings
    ]
    run = {
        "tool": {"driver": {"name": "unstuck", "version": version("unstuck"), "rules": [_rule(s) for s in slugs]}},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report) for report in every],
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(slug: str) -> dict[str, Any]:
    cause = causes.get(slug)
    return {
        "id": slug,
        "name": "".join(word.capitalize() for word in slug.split("-")),
        "shortDescription": {"text": cause.heading},
        "fullDescription": {"text": cause.what_it_does},
        "help": {"text": cause.fix, "markdown": causes.explain(slug)},
    }


def _result(finding: Finding, slugs: Sequence[str], sources: Mapping[str, str]) -> dict[str, Any]:
    sentences = [finding.title, *(wording.evidence(e) for e in finding.evidence), *finding.notes]
    if finding.proof is not None:
        sentences.append(f"{wording.proof_label(finding)}: {wording.proof(finding.proof)}")
    marks = marks_of(finding)
    primary = [m for m in marks if m.role == "primary"]
    result: dict[str, Any] = {
        "ruleId": finding.cause,
        "ruleIndex": slugs.index(finding.cause),
        "level": finding.level,
        "message": {"text": ". ".join(wording.sentence_case(text).rstrip(".") for text in sentences) + "."},
        "locations": [_location(finding, mark) for mark in primary[:1]] or [{"physicalLocation": _file(finding.file)}],
        "relatedLocations": [
            _location(finding, mark) | {"id": i, "message": {"text": mark.label or mark.role}}
            for i, mark in enumerate(m for m in marks if m not in primary[:1])
        ],
        "properties": {"confidence": finding.confidence},
    }
    if finding.fix is not None:
        result["message"]["text"] += f" Help: {finding.fix.summary}."
        if finding.fix.source is not None and finding.file in sources:
            result["fixes"] = [
                {
                    "description": {"text": finding.fix.summary},
                    "artifactChanges": [
                        _file(finding.file) | {"replacements": _replacements(sources[finding.file], finding.fix.source)}
                    ],
                }
            ]
    return result


def _file(file: str) -> dict[str, Any]:
    return {"artifactLocation": {"uri": quote(file.replace("\\", "/"))}}


def _location(finding: Finding, mark: Mark) -> dict[str, Any]:
    region = {"startLine": mark.line, "endLine": mark.end_line}
    if mark.column is not None:
        region["startColumn"] = mark.column
        if mark.end_column is not None:
            region["endColumn"] = mark.end_column
    place: dict[str, Any] = {"physicalLocation": _file(mark.file or finding.file) | {"region": region}}
    if finding.function and mark.file in (None, finding.file) and mark.role == "primary":
        place["logicalLocations"] = [{"name": finding.function, "kind": "function"}]
    return place


def _replacements(old: str, new: str) -> list[dict[str, Any]]:
    """The edits, in whole lines, that turn one text into the other."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    edits = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [
        {
            "deletedRegion": {"startLine": first + 1, "startColumn": 1, "endLine": last + 1, "endColumn": 1},
            "insertedContent": {"text": "".join(after[start:end])},
        }
        for tag, first, last, start, end in edits
        if tag != "equal"
    ]


def _invocation(report: Report) -> dict[str, Any]:
    said = [f"{report.subject}: not checked: {text}" for text in wording.by_reason(report.not_checked)]
    said += [f"{report.subject}: not understood: {text}" for text in report.not_understood]
    notes = [{"level": "note", "message": {"text": text}} for text in said]
    if report.program_error is not None:
        text = f"{report.subject}: {wording.headline(report)}: {report.program_error.message}"
        notes.append({"level": "error", "message": {"text": text}})
    return {
        "executionSuccessful": report.verdict != "undecided",
        "exitCode": report.exit_code,
        "toolExecutionNotifications": notes,
    }
