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
import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast, get_args

from unstuck.doctor import causes
from unstuck.errors import InputError, unknown_name

Level = Literal["error", "warning", "note"]
Confidence = Literal["proved", "likely", "suspect"]
Verdict = Literal["faulty", "healthy", "undecided"]
Role = Literal["primary", "symptom", "also"]
Value = float | int | str | bool | None

LEVELS: tuple[Level, ...] = get_args(Level)
CONFIDENCES: tuple[Confidence, ...] = get_args(Confidence)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
ROLES: tuple[Role, ...] = get_args(Role)
SCHEMA = 1
EXIT_CODES: dict[Verdict, int] = {"healthy": 0, "faulty": 1, "undecided": 4}

_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
T = TypeVar("T")


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
        _filled(self, "what")
        _set(self, "expected", _value(self.expected, "evidence 'expected'"))
        _set(self, "measured", _value(self.measured, "evidence 'measured'"))


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
        _one_of(self.role, ROLES, "role of a mark")
        for name in ("line", "column", "end_line", "end_column"):
            _set(self, name, _whole(getattr(self, name), f"mark {name!r}"))
        if self.end_line is None:
            _set(self, "end_line", self.line)
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
        _filled(self, "summary")


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
            _set(self, name, _number(getattr(self, name), f"proof {name!r}"))
        _set(self, "seeds", _whole(self.seeds, "proof 'seeds'"))
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
    marks: tuple[Mark, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    fix: Fix | None = None
    proof: Proof | None = None
    notes: tuple[str, ...] = ()
    mathematics: str | None = None
    consequences: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        _known_cause(self.cause)
        _one_of(self.level, LEVELS, "level")
        _one_of(self.confidence, CONFIDENCES, "confidence")
        _filled(self, "title", "file")
        for name in ("marks", "evidence", "notes", "consequences"):
            _set(self, name, tuple(getattr(self, name)))
        for name in ("line", "end_line"):
            _set(self, name, _whole(getattr(self, name), f"finding {name!r}"))
        if self.confidence == "suspect" and self.level != "note":
            raise InputError(f"{self.cause}: a suspicion given as {self.level}; only proved or likely findings may be.")
        if self.confidence == "proved" and self.proof is None:
            raise InputError(f"{self.cause}: called proved without a proof; run the mended copy or call it likely.")
        if self.line is None:
            primary = next((m for m in self.marks if m.role == "primary" and m.file in (None, self.file)), None)
            if primary is not None:
                _set(self, "line", primary.line)
                _set(self, "end_line", primary.end_line)
        if self.end_line is None:
            _set(self, "end_line", self.line)
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
            "also": [_plain(m) for m in self.marks if m.role != "primary"],
            "evidence": [_plain(e) for e in self.evidence],
            "fix": _plain(self.fix) if self.fix else None,
            "proof": _plain(self.proof) if self.proof else None,
            "function": self.function,
            "column": self.column,
            "marks": [_plain(m) for m in self.marks],
            "notes": list(self.notes),
            "mathematics": self.mathematics,
            "consequences": [f.to_json() for f in self.consequences],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Finding:
        """Read one finding of schema 1; raises InputError for a missing key or a wrong value."""
        values = _fields(cls, data)
        marks = data["marks"] if "marks" in data else data.get("also", [])
        values["marks"] = [_build(Mark, m) for m in marks]
        values["evidence"] = [_build(Evidence, e, finite=("expected", "measured")) for e in data.get("evidence", [])]
        values["fix"] = _build(Fix, data["fix"]) if data.get("fix") else None
        numbers = ("before", "after", "gradient_before", "gradient_after", "seconds")
        values["proof"] = _build(Proof, data["proof"], finite=numbers) if data.get("proof") else None
        values["consequences"] = [cls.from_json(f) for f in data.get("consequences", [])]
        return _make(cls, values)


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
        _filled(self, "why")


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
    values: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        _filled(self, "kind")
        _set(self, "values", tuple((str(name), str(text)) for name, text in self.values))


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
    findings: tuple[Finding, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    network: str | None = None
    not_understood: tuple[str, ...] = ()
    checked: tuple[Evidence, ...] = ()
    seconds: float | None = None
    notes: tuple[str, ...] = ()
    program_error: ProgramError | None = None
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        _filled(self, "subject")
        _one_of(self.verdict, VERDICTS, "verdict")
        for name in ("ruled_out", "not_checked", "not_understood", "checked", "notes"):
            _set(self, name, tuple(getattr(self, name)))
        _set(self, "findings", tuple(sorted(self.findings, key=lambda f: f.rank)))
        _set(self, "seconds", _number(self.seconds, "seconds"))
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
            "ruled_out": [_plain(r) for r in self.ruled_out],
            "not_checked": [_plain(n) for n in self.not_checked],
            "network": self.network,
            "not_understood": list(self.not_understood),
            "checked": [_plain(e) for e in self.checked],
            "seconds": _finite(self.seconds),
            "notes": list(self.notes),
            "program_error": _plain(self.program_error) if self.program_error else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """Read schema 1 (the keys of the design are enough); raises InputError for another schema or a wrong value."""
        if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
            given = data.get("schema") if isinstance(data, Mapping) else type(data).__name__
            raise InputError(f"a report of schema {given!r} cannot be read; this version reads schema {SCHEMA}.")
        values = _fields(cls, data)
        values["findings"] = [Finding.from_json(f) for f in data.get("findings", [])]
        values["ruled_out"] = [_build(RuledOut, r) for r in data.get("ruled_out", [])]
        values["not_checked"] = [_build(NotChecked, n) for n in data.get("not_checked", [])]
        values["checked"] = [_build(Evidence, e, finite=("expected", "measured")) for e in data.get("checked", [])]
        values["program_error"] = _build(ProgramError, data["program_error"]) if data.get("program_error") else None
        return _make(cls, values)


def _set(instance: object, name: str, value: object) -> None:
    object.__setattr__(instance, name, value)  # the one way to complete a frozen dataclass while it is being made


def _filled(instance: object, *names: str) -> None:
    for name in names:
        text = getattr(instance, name)
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{type(instance).__name__}.{name} is {text!r}; a text is needed.")


def _one_of(value: object, known: Iterable[str], what: str) -> None:
    if value not in tuple(known):
        raise unknown_name(what, value, known)


def _known_cause(slug: str) -> None:
    if slug not in causes.names():
        raise causes.unknown_cause(slug)


def _value(value: object, what: str) -> Value:
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", 1) == 0:  # a NumPy scalar
        value = item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise InputError(f"{what} is {type(value).__name__}; expected a number or a short text.")


def _number(value: object, what: str) -> float | None:
    plain = _value(value, what)
    if isinstance(plain, str):
        raise InputError(f"{what} is {plain!r}; expected a number.")
    return plain


def _whole(value: object, what: str) -> int | None:
    plain = _value(value, what)
    if plain is None or (isinstance(plain, int) and not isinstance(plain, bool)):
        return plain
    raise InputError(f"{what} is {plain!r}; expected a whole number.")


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


def _plain(instance: Any) -> dict[str, Any]:
    return {f.name: _finite(getattr(instance, f.name)) for f in dataclasses.fields(instance)}


def _fields(cls: type, data: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise InputError(f"{cls.__name__} is {data!r}; expected a JSON object.")
    return {f.name: data[f.name] for f in dataclasses.fields(cls) if f.name in data}


def _make(cls: type[T], values: dict[str, Any]) -> T:
    required = [
        f.name
        for f in dataclasses.fields(cast(Any, cls))
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    missing = [name for name in required if name not in values]
    if missing:
        raise InputError(f"{cls.__name__} lacks {', '.join(missing)}; a report of schema {SCHEMA} has them.")
    return cls(**values)


def _build(cls: type[T], data: Mapping[str, Any], finite: tuple[str, ...] = ()) -> T:
    values = _fields(cls, data)
    for name in finite:
        if isinstance(values.get(name), str):
            values[name] = _NON_FINITE.get(values[name], values[name])
    return _make(cls, values)
