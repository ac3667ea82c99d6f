"""Run probes on the text of a program."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from unstuck.doctor.findings import Finding
from unstuck.doctor.handwritten.examine import examine
from unstuck.doctor.handwritten.probes import ORDER
from unstuck.doctor.handwritten.probes.base import Examination
from unstuck.doctor.handwritten.program import from_text
from unstuck.doctor.handwritten.session import Session

Probe = Callable[..., list[Finding]]


@pytest.fixture
def probe(tmp_path: Path) -> Probe:
    """``probe(text, "rows", …)``: the findings of these probes (none named: of all), in order."""

    def run(text: str, *names: str) -> list[Finding]:
        program = from_text(text, tmp_path, "program.py")
        with Session(program) as session:
            found = examine(session, program, session.scout())
            assert found is not None, "the training step was not found"
            examination = Examination(session, program, found[0].known, found[0].ranking, seconds=120.0)
            findings = []
            for name in names or ORDER:
                module = importlib.import_module(f"unstuck.doctor.handwritten.probes.{name}")
                findings += module.examine(examination).findings
        return findings

    return run
