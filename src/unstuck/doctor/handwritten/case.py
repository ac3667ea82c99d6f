"""One diagnosis under way: the program as it stands, what was found, and how a mended copy is taken on and proved."""

from __future__ import annotations

import contextlib
import difflib
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Literal

from unstuck.doctor import causes
from unstuck.doctor.findings import Evidence, Finding, Fix, Mark, NotChecked, Proof, RuledOut

from . import computed
from .edits.model import Edit
from .examine import Examination
from .outcomes import ALL, CLEAR, MUCH, compared, gained, improved, worsened
from .probes import frozen
from .probes.base import Examination as Subject
from .program import Program
from .records import Outcome
from .repair import Mended, mapped_loop, search
from .session import Session
from .step import WatchError
from .teach import mathematics

_TIME = ("time-index-wrong", "bptt-broken")


@dataclass
class Case:
    """What the parts of a diagnosis share. ``program`` is the original with all edits that were taken on.

    ``open_questions``: what keeps a program without findings from being healthy. ``before``: cause -> the program in which it
    was found. ``whole_run``: the original, run to its end beside the first look at it. ``closed_form``: the known rule that
    the steps follow, where that was found out.
    """

    session: Session
    original: Program
    started: float
    budget: float
    whole_run: Future[Outcome]
    findings: list[Finding] = field(default_factory=list)
    ruled_out: list[RuledOut] = field(default_factory=list)
    not_checked: list[NotChecked] = field(default_factory=list)
    checked: list[Evidence] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    open_questions: list[str] = field(default_factory=list)
    before: dict[str, Program] = field(default_factory=dict)
    known_outcome: Outcome | None = None
    examination: Examination | None = None
    loop: int = -1
    closed_form: str | None = None

    def __post_init__(self) -> None:
        self.program = self.original

    def left(self) -> float:
        """Seconds of the budget that are left."""
        return self.budget - (time.monotonic() - self.started)

    @property
    def outcome(self) -> Outcome:
        """How the whole program ends, as it stands; waits for the first run of it."""
        if self.known_outcome is None:
            self.known_outcome = self.whole_run.result()
            if self.known_outcome.cut:
                seconds = self.known_outcome.seconds
                self.notes.append(f"the program was stopped after {seconds:.0f} s; it is judged on what was seen")
        return self.known_outcome

    def take(
        self, current: Examination, what: str, *, accept: Callable[[Examination, Program], bool] | None = None,
        evidence: tuple[Evidence, ...] = (), only: tuple[str, ...] = (), must_help: bool = False, must_not_hurt: bool = False,
        first_cause: bool = False, everywhere: bool = False,
    ) -> Mended | None:  # fmt: skip
        """Search for an edit that mends what ``current`` shows; report the first that holds, and go on from the mended program
        and its examination.

        ``accept``, ``only`` and ``everywhere`` as in `repair.search`. ``must_help``: the program's own figures have to get better
        as well; ``must_not_hurt``: they must not get worse, not even a little. A mend that makes them much worse is never taken.
        ``first_cause``: the likeliest cause of the edit has to be one of ``only``.
        """
        seconds = min(0.5 * self.budget, self.left() - 4.0)
        if seconds < 1.0:
            return None
        known_causes = {f.cause for f in self.findings}
        for mended in search(
            self.session, self.program, self.loop, current,
            seconds=seconds, accept=accept, only=only, everywhere=everywhere,
        ):  # fmt: skip
            if first_cause and mended.edit.cause not in only:
                continue
            proof, outcome = self.proof(current, mended)
            own = mended.examination.best is not None and mended.examination.best.objective.kind == "own"
            sure = (own or current.state in ("right", "wrong") or accept is not None) and not must_help
            harm = CLEAR if must_not_hurt else (ALL if _outright(current, mended.examination) else MUCH)
            if worsened(self.outcome, outcome, harm):
                continue
            if not sure and not self.helps(outcome, proof):
                continue  # fits a loss that the program may never have meant, and it does not learn better
            mended = replace(mended, edit=named(mended.edit, current, only))
            if mended.edit.cause in known_causes:
                continue
            self.before[mended.edit.cause] = self.program
            self.add(current, mended, what, proof, outcome, evidence)
            self.loop = mapped_loop(self.session, self.program, mended.program, self.loop) or self.loop
            self.program, self.known_outcome = mended.program, outcome
            self.examination = mended.examination  # its numbers of sites and loops belong to the mended program
            return mended
        return None

    def proof(self, current: Examination | None, mended: Mended) -> tuple[Proof, Outcome]:
        """Run the mended program to its end, and compare. ``current`` None: no step of a network was found before."""
        start = time.monotonic()
        outcome = self.session.finish(mended.program, seconds=max(3.0, min(20.0, self.left() - 2.0)))
        figure = compared(self.outcome, outcome) or self._computed(mended, outcome)
        before, after = 1.0 if current is None else current.worst, mended.examination.worst
        proof = Proof(
            metric=figure[0] if figure else None, before=figure[1] if figure else None, after=figure[2] if figure else None,
            gradient_before=before, gradient_after=after, seconds=round(time.monotonic() - start, 2),
        )  # fmt: skip
        return proof, outcome

    def _computed(self, mended: Mended, outcome: Outcome) -> tuple[str, float, float] | None:
        """A figure of our own where the program prints none."""
        if self.outcome.error is not None or outcome.error is not None:
            return None
        seconds = min(2.5 * (self.outcome.seconds + outcome.seconds) + 2.0, 0.3 * self.left())
        return computed.figure(self.session, self.program, mended.program, mended.examination, seconds)

    def helps(self, outcome: Outcome, proof: Proof) -> bool:
        """The mended copy does clearly better by the program's own figures, or by ours where it prints none."""
        if (
            proof.metric is None
            or proof.before is None
            or proof.after is None
            or compared(self.outcome, outcome) is not None
        ):
            return improved(self.outcome, outcome)
        return gained(proof.metric, proof.before, proof.after)

    def add(
        self, current: Examination, mended: Mended, what: str, proof: Proof, outcome: Outcome, evidence: tuple[Evidence, ...]
    ) -> None:  # fmt: skip
        """Report a mended fault: ``what`` completes the title of its cause."""
        edit = mended.edit
        rows = list(evidence)
        if current.best is not None:
            for verdict in current.best.verdicts:
                if verdict.status in ("wrong", "scaled"):
                    name = verdict.path.split(": ")[-1]
                    rows.append(
                        Evidence(f"gradient check of {name}: relative error", "at most 1e-5", float(verdict.residual))
                    )
        level: Literal["error", "warning"] = "error" if self.helps(outcome, proof) else "warning"
        marks = [Mark(edit.line, end_line=edit.end_line, label="here")]
        marks += [Mark(line, label=role, role="also") for line, role in edit.marks if line != edit.line]
        title = f"{causes.get(edit.cause).title}: {what}"
        notes: tuple[str, ...] = ()
        if self.left() > 5.0 and _hidden_is_wrong(current):
            shown, notes = self._floor(current, mended)
            rows += shown
        self.findings.append(
            Finding(
                cause=edit.cause, level=level, confidence="proved", title=title, file=edit.file, line=edit.line,
                end_line=edit.end_line, marks=tuple(marks), evidence=tuple(rows), proof=proof,
                fix=Fix(edit.summary, diff(self.program, edit), edit.source),
                mathematics=mathematics(current, mended, edit.cause),
                notes=notes,
            )
        )  # fmt: skip

    def _floor(self, current: Examination, mended: Mended) -> tuple[list[Evidence], tuple[str, ...]]:
        """How far a regression can get while its hidden layer is not trained, and how far the mended copy gets."""

        def of(program: Program, found: Examination) -> frozen.Floor | None:
            if not found.ranking:
                return None
            seconds = self.left() / 3
            if seconds < 1.0:
                return None
            subject = Subject(self.session, program, found.known, found.ranking, seconds=seconds, run_seconds=seconds)
            return frozen.floor(subject)

        with contextlib.suppress(WatchError):
            stuck = of(self.program, current)
            if stuck is None:
                return [], ()
            freed = of(mended.program, mended.examination)
            if freed is not None and freed.complete and freed.reached >= stuck.best:
                return [], ()  # the run is too short for the floor to matter
            rows = stuck.evidence()
            if freed is not None and freed.complete:
                rows.append(Evidence("summed squared error of the mended program", None, float(f"{freed.reached:.4g}")))
            return rows, tuple(stuck.notes(freed.reached if freed is not None and freed.complete else None))
        return [], ()


def _outright(current: Examination, mended: Examination) -> bool:
    """The loss that some weights already descended is descended by all of them now: what it is was never in doubt."""
    if current.best is None or mended.best is None or current.state != "wrong" or mended.state != "right":
        return False
    agreed = [v for v in current.best.of("right") if not v.small]
    return bool(agreed) and mended.best.objective.name == current.best.objective.name


def diff(program: Program, edit: Edit) -> str:
    """The edit as a unified diff of the program's text."""
    old, new = program.sources[edit.file].splitlines(keepends=True), edit.source.splitlines(keepends=True)
    return "".join(difflib.unified_diff(old, new, edit.file, edit.file + " (mended)", n=2))


def named(edit: Edit, examination: Examination, only: tuple[str, ...]) -> Edit:
    """The edit under the name that fits: what was looked for, and no time index where the index is one of layers."""
    fitting = [c for c in (edit.cause, *edit.other_causes) if c in only]
    if fitting:
        return replace(edit, cause=fitting[0])
    layers = any(p.path.rstrip("]").rsplit("[", 1)[-1].isdigit() for p in examination.known.parameters)
    if layers and edit.cause in _TIME:
        return replace(edit, cause=next((c for c in edit.other_causes if c not in _TIME), "gradient-operand-wrong"))
    return edit


def _hidden_is_wrong(examination: Examination) -> bool:
    """The gradient of a parameter before the last layer is wrong (the last layer acts on the fewest values)."""
    if examination.best is None or examination.best.objective.name not in ("squared error", "sum", "last"):
        return False
    acts = {p.path: 0 for p in examination.known.parameters}
    for paths in examination.known.influenced.values():
        for path in paths & acts.keys():
            acts[path] += 1
    fewest = min(acts.values())
    return any(acts[v.path] > fewest for v in examination.best.of("wrong"))
