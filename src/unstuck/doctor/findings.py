"""What a diagnosis says: findings with their evidence, fix and proof, and the report that collects them.

Everything is a frozen dataclass that checks itself when it is made, so a report that exists is one that may be shown:
a suspicion can never be an error, nothing is called proved without a measured proof, and a healthy report holds no
fault. ``Report.to_json`` is schema 1 of ``unstuck diagnose --json``; ``Report.from_json`` reads it back.

Conventions: lines and columns count from 1, columns count characters (not bytes), ``end_line`` is the last line,
``end_column`` the column just after the last character (as in SARIF). Sequences may be given as any iterable and are
kept as tuples; NumPy scalars become Python numbers.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from unstuck.doctor import causes
from unstuck.doctor.validation import (
    Value,
    build,
    complete,
    known_fields,
    make,
    need_one_of,
    need_text,
    need_tuple,
    to_finite,
    to_number,
    to_plain,
    to_value,
    to_whole,
)
from unstuck.errors import InputError

__all__ = [
    "CONFIDENCES", "EXIT_CODES", "LEVELS", "ROLES", "SCHEMA", "VERDICTS", "Confidence", "Evidence", "Finding", "Fix", "Level",
    "Mark", "NotChecked", "ProgramError", "Proof", "Report", "Role", "RuledOut", "Value", "Verdict",
]  # fmt: skip

Level = Literal["error", "warning", "note"]
Confidence = Literal["proved", "likely", "suspect"]
Verdict = Literal["faulty", "healthy", "undecided"]
Role = Literal["primary", "symptom", "also"]

LEVELS: tuple[Level, ...] = get_args(Level)
CONFIDENCES: tuple[Confidence, ...] = get_args(Confidence)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
ROLES: tuple[Role, ...] = get_args(Role)
SCHEMA = 1
EXIT_CODES: dict[Verdict, int] = {"healthy": 0, "faulty": 1, "undecided": 4}


@dataclass(frozen=True)
class Evidence:
    """One observation beside its expectation: ``what`` was looked at, what was ``expected``, what was ``measured``.

    ``expected`` and ``measured`` are numbers or short texts ("0.138 .. 0.181", "at most 1e-6"); None leaves one out.
    ``what`` is a noun phrase ("sum of each row of p"), or a whole sentence when both values are None.
    """

    what: str
    expected: Value = None
    measured: Value = None

    def __post_init__(self) -> None:
        need_text(self, "what")
        complete(self, "expected", to_value(self.expected, "evidence 'expected'"))
        complete(self, "measured", to_value(self.measured, "evidence 'measured'"))


@dataclass(frozen=True)
class Mark:
    """A place in the user's source to underline, with a few words beside it.

    Without ``column`` the whole line (or lines) is meant. ``file`` None: the finding's own file.
    """

    line: int
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    label: str = ""
    role: Role = "primary"
    file: str | None = None

    def __post_init__(self) -> None:
        need_one_of(self.role, ROLES, "role of a mark")
        for name in ("line", "column", "end_line", "end_column"):
            complete(self, name, to_whole(getattr(self, name), f"mark {name!r}"))
        if self.end_line is None:
            complete(self, "end_line", self.line)
        assert self.end_line is not None
        if self.line < 1 or self.end_line < self.line:
            raise InputError(f"a mark spans lines {self.line} to {self.end_line}; lines count from 1 and go forward.")
        if self.column is not None and self.column < 1:
            raise InputError(f"a mark starts at column {self.column}; columns count from 1.")
        one_line = self.end_line == self.line
        if self.column is not None and self.end_column is not None and one_line and self.end_column <= self.column:
            raise InputError(f"a mark spans columns {self.column} to {self.end_column}; the end lies after the start.")

    @classmethod
    def of(cls, node: ast.AST, source: str, label: str = "", role: Role = "primary", file: str | None = None) -> Mark:
        """The mark for a syntax node of ``source`` (whose byte offsets become character columns)."""
        place = cast(Any, node)  # every expression and statement has these four; the base class does not declare them
        lines = source.splitlines()

        def characters(line: int, offset: int) -> int:
            return len(lines[line - 1].encode()[:offset].decode(errors="replace")) + 1

        return cls(
            line=place.lineno,
            column=characters(place.lineno, place.col_offset),
            end_line=place.end_lineno,
            end_column=characters(place.end_lineno, place.end_col_offset),
            label=label,
            role=role,
            file=file,
        )


@dataclass(frozen=True)
class Fix:
    """What to do: one sentence, the change as a unified diff, and the whole mended text for ``--fix`` to write."""

    summary: str
    diff: str | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        need_text(self, "summary")


@dataclass(frozen=True)
class Proof:
    """What was measured by running the mended copy beside the original, same seed, nothing else changed.

    ``metric`` names ``before`` and ``after`` ("test accuracy"); the gradient errors are worst relative errors of the
    gradient check. One of the two pairs must be there. ``seeds``: how many seeds agree; ``seconds``: what it took.
    """

    metric: str | None = None
    before: float | None = None
    after: float | None = None
    seeds: int = 1
    gradient_before: float | None = None
    gradient_after: float | None = None
    seconds: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("before", "after", "gradient_before", "gradient_after", "seconds"):
            complete(self, name, to_number(getattr(self, name), f"proof {name!r}"))
        complete(self, "seeds", to_whole(self.seeds, "proof 'seeds'"))
        if self.seeds < 1:
            raise InputError(f"a proof over {self.seeds} seeds; at least one run is needed.")
        by_metric = bool(self.metric) and self.before is not None and self.after is not None
        by_gradient = self.gradient_before is not None and self.gradient_after is not None
        if not (by_metric or by_gradient):
            raise InputError("a proof without numbers; give metric, before and after, or both gradient errors.")


@dataclass(frozen=True)
class Finding:
    """One named fault (or remark): where it is, how it shows, what mends it, and what was done to be sure.

    ``title`` states the fact about this program. ``level``: error (it does not learn, or learns something wrong),
    warning (it learns clearly worse than it would), note (good to know). ``confidence`` says what was done: proved
    (mended copy run, learning or the gradient check came back), likely (an experiment separates this cause from the
    others), suspect (the pattern only, hence never above note). ``mathematics`` is the explanation with this program's
    own numbers for ``--teach``; ``consequences`` are findings that vanish once this one is mended. ``line`` None: the
    finding is about the program or its data as a whole.
    """

    cause: str
    level: Level
    confidence: Confidence
    title: str
    file: str
    line: int | None = None
    end_line: int | None = None
    function: str | None = None
    marks: Sequence[Mark] = ()
    evidence: Sequence[Evidence] = ()
    fix: Fix | None = None
    proof: Proof | None = None
    notes: Sequence[str] = ()
    mathematics: str | None = None
    consequences: Sequence[Finding] = ()

    def __post_init__(self) -> None:
        _known_cause(self.cause)
        need_one_of(self.level, LEVELS, "level")
        need_one_of(self.confidence, CONFIDENCES, "confidence")
        need_text(self, "title", "file")
        for name, kind in (("marks", Mark), ("evidence", Evidence), ("notes", str), ("consequences", Finding)):
            need_tuple(self, name, kind)
        for name in ("line", "end_line"):
            complete(self, name, to_whole(getattr(self, name), f"finding {name!r}"))
        if self.confidence == "suspect" and self.level != "note":
            raise InputError(f"{self.cause}: a suspicion given as {self.level}; only proved or likely findings may be.")
        if self.confidence == "proved" and self.proof is None:
            raise InputError(f"{self.cause}: called proved without a proof; run the mended copy or call it likely.")
        if self.line is None:
            primary = next((m for m in self.marks if m.role == "primary" and m.file in (None, self.file)), None)
            if primary is not None:
                complete(self, "line", primary.line)
                complete(self, "end_line", primary.end_line)
        if self.end_line is None:
            complete(self, "end_line", self.line)
        if self.line is not None and not 1 <= self.line <= cast(int, self.end_line):
            raise InputError(f"{self.cause}: lines {self.line} to {self.end_line}; lines count from 1 and go forward.")

    @property
    def column(self) -> int | None:
        """Column of the main place, where it is known."""
        return next((m.column for m in self.marks if m.role == "primary" and m.file in (None, self.file)), None)

    @property
    def is_fault(self) -> bool:
        """Whether this makes the program faulty (an error or a warning), rather than being a remark."""
        return self.level != "note"

    @property
    def rank(self) -> tuple[int, int]:
        """Sort key, most important first."""
        return LEVELS.index(self.level), CONFIDENCES.index(self.confidence)

    def to_json(self) -> dict[str, Any]:
        """This finding as schema 1 has it, with the extra keys ``function``, ``column``, ``marks`` and so on."""
        return {
            "cause": self.cause,
            "level": self.level,
            "confidence": self.confidence,
            "title": self.title,
            "file": self.file,
            "line": self.line,
            "end_line": self.end_line,
            "also": [to_plain(m) for m in self.marks if m.role != "primary"],
            "evidence": [to_plain(e) for e in self.evidence],
            "fix": to_plain(self.fix) if self.fix else None,
            "proof": to_plain(self.proof) if self.proof else None,
            "function": self.function,
            "column": self.column,
            "marks": [to_plain(m) for m in self.marks],
            "notes": list(self.notes),
            "mathematics": self.mathematics,
            "consequences": [f.to_json() for f in self.consequences],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Finding:
        """Read one finding of schema 1; raises InputError for a missing key or a wrong value."""
        values = known_fields(cls, data)
        marks = data["marks"] if "marks" in data else data.get("also", [])
        values["marks"] = [build(Mark, m) for m in marks]
        values["evidence"] = [build(Evidence, e, numbers=("expected", "measured")) for e in data.get("evidence", [])]
        values["fix"] = build(Fix, data["fix"]) if data.get("fix") else None
        numbers = ("before", "after", "gradient_before", "gradient_after", "seconds")
        values["proof"] = build(Proof, data["proof"], numbers=numbers) if data.get("proof") else None
        values["consequences"] = [cls.from_json(f) for f in data.get("consequences", [])]
        return make(cls, values)


@dataclass(frozen=True)
class RuledOut:
    """A cause that was tested and is not there, and why that is certain ("2 of 32 units")."""

    cause: str
    why: str

    def __post_init__(self) -> None:
        _known_cause(self.cause)


@dataclass(frozen=True)
class NotChecked:
    """A cause that could not be tested, and why; never to be mistaken for one that was ruled out."""

    cause: str
    why: str

    def __post_init__(self) -> None:
        _known_cause(self.cause)
        need_text(self, "why")


@dataclass(frozen=True)
class ProgramError:
    """The program under diagnosis stopped with an exception: what, where, and with which values around.

    ``values``: pairs of a name and its description, such as ("W1", "float64 (784, 16)").
    """

    kind: str
    message: str
    file: str | None = None
    line: int | None = None
    function: str | None = None
    values: Sequence[tuple[str, str]] = ()

    def __post_init__(self) -> None:
        need_text(self, "kind")
        complete(self, "values", tuple((str(name), str(text)) for name, text in self.values))


@dataclass(frozen=True)
class Report:
    """Everything one diagnosis says about one subject.

    ``network`` is the network that was understood ("784 → 16 sigmoid → 10 sigmoid, squared error, SGD 0.005, batch
    125"), ``not_understood`` what was not, ``checked`` the measurements on the whole program (worst gradient error,
    loss at both ends), ``sources`` the text of each file for those who show the report (not part of the JSON). Findings
    are kept most important first: error before warning before note, then proved before likely before suspect.
    """

    subject: str
    verdict: Verdict
    findings: Sequence[Finding] = ()
    ruled_out: Sequence[RuledOut] = ()
    not_checked: Sequence[NotChecked] = ()
    network: str | None = None
    not_understood: Sequence[str] = ()
    checked: Sequence[Evidence] = ()
    seconds: float | None = None
    notes: Sequence[str] = ()
    program_error: ProgramError | None = None
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        need_text(self, "subject")
        need_one_of(self.verdict, VERDICTS, "verdict")
        kinds = {"findings": Finding, "ruled_out": RuledOut, "not_checked": NotChecked, "checked": Evidence}
        for name, kind in {**kinds, "not_understood": str, "notes": str}.items():
            need_tuple(self, name, kind)
        complete(self, "findings", tuple(sorted(self.findings, key=lambda f: f.rank)))
        complete(self, "seconds", to_number(self.seconds, "seconds"))
        if self.verdict == "faulty" and not self.faults:
            raise InputError(f"{self.subject}: called faulty, but no finding is an error or a warning.")
        if self.verdict != "faulty" and self.faults:
            raise InputError(f"{self.subject}: called {self.verdict}, but {self.faults[0].cause} was found.")
        if self.verdict == "healthy" and self.program_error is not None:
            raise InputError(f"{self.subject}: called healthy, but it stopped with {self.program_error.kind}.")
        both = {f.cause for f in self.faults} & {r.cause for r in self.ruled_out}
        if both:
            raise InputError(f"{self.subject}: {min(both)} is both found and ruled out.")

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that make the program faulty: errors and warnings."""
        return tuple(f for f in self.findings if f.is_fault)

    @property
    def exit_code(self) -> int:
        """0 healthy · 1 a fault was found · 4 undecided."""
        return EXIT_CODES[self.verdict]

    def to_json(self) -> dict[str, Any]:
        """Schema 1 as plain dicts and lists, ready for ``json.dumps(..., allow_nan=False)``.

        NaN and infinities become the strings "nan", "inf" and "-inf", because JSON has no such numbers.
        """
        return {
            "schema": SCHEMA,
            "subject": self.subject,
            "verdict": self.verdict,
            "findings": [f.to_json() for f in self.findings],
            "ruled_out": [to_plain(r) for r in self.ruled_out],
            "not_checked": [to_plain(n) for n in self.not_checked],
            "network": self.network,
            "not_understood": list(self.not_understood),
            "checked": [to_plain(e) for e in self.checked],
            "seconds": to_finite(self.seconds),
            "notes": list(self.notes),
            "program_error": to_plain(self.program_error) if self.program_error else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """Read schema 1 (the keys of the design are enough); raises InputError for another schema or a wrong value."""
        if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
            given = data.get("schema") if isinstance(data, Mapping) else type(data).__name__
            raise InputError(f"a report of schema {given!r} cannot be read; this version reads schema {SCHEMA}.")
        values = known_fields(cls, data)
        try:
            values["findings"] = [Finding.from_json(f) for f in data.get("findings", [])]
            values["ruled_out"] = [build(RuledOut, r) for r in data.get("ruled_out", [])]
            values["not_checked"] = [build(NotChecked, n) for n in data.get("not_checked", [])]
            values["checked"] = [build(Evidence, e, numbers=("expected", "measured")) for e in data.get("checked", [])]
            values["program_error"] = build(ProgramError, data["program_error"]) if data.get("program_error") else None
            return build(cls, values, numbers=("seconds",))
        except (TypeError, ValueError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"this report of schema {SCHEMA} is damaged ({error}); write it anew.") from None

    def _repr_html_(self) -> str:
        """What a notebook shows for a report (the one place that looks up to the views, and only when asked)."""
        from unstuck.report import notebook

        return notebook.repr_html(self)


def _known_cause(slug: str) -> None:
    if slug not in causes.names():
        raise causes.unknown_cause(slug)
