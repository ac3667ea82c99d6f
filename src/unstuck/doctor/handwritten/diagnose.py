"""From a program to a report: watch it, check its gradients, mend it, prove it, look again, probe the rest."""

from __future__ import annotations

import contextlib
import difflib
import inspect
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from unstuck.doctor import causes
from unstuck.doctor.findings import Evidence, Finding, Fix, Mark, NotChecked, ProgramError, Proof, Report, RuledOut
from unstuck.errors import InputError

from . import applied, optimizer, probes, seeds, update
from .describe import network_sentence
from .edits.model import Edit
from .examine import Examination, examine, examine_step, later_steps
from .probes import frozen
from .probes.base import Examination as Subject
from .probes.base import Verdicts
from .probes.proofs import BAD_WORDS, GOOD_WORDS, printed
from .program import Program, from_text, load
from .repair import Mended, climbs, mapped_loop, search
from .session import Outcome, OutOfTime, Session, WatchError
from .teach import mathematics

_HIDING = (
    "inputs-unscaled",
    "init-too-large",
    "init-all-positive",
    "saturated-units",
    "init-too-small",
    "init-symmetric",
)
MORE = "give more with --seconds"
LAST_WORDS = 2.0  # seconds beyond the budget for what only words the report
LATER = (1, 20)  # passes of the training loop after which the gradient is checked again
ROUNDS = 3  # faults in the gradient that are mended one after the other
GRADIENT = (
    "output-delta-wrong", "activation-derivative-missing", "activation-derivative-wrong", "activation-derivative-misplaced",
    "backprop-weights-wrong", "gradient-operand-wrong", "bias-gradient-wrong", "softmax-jacobian-wrong", "updated-too-early",
    "buffer-overwritten", "gradient-overwritten", "product-or-axis-wrong", "samples-dropped",
)  # fmt: skip


def diagnose(
    subject: str | Path | Callable[..., Any], *, budget_seconds: float = 45.0, answers: Iterable[str] = ()
) -> Report:
    """Say why a hand-written network does not learn, or that it is healthy.

    Parameters
    ----------
    subject
        A ``.py`` file or an ``.ipynb`` notebook that trains a network when it is run; or a function or class of such a file
        (a function is called without arguments after the file was run). It runs in processes of its own, with the user's
        rights; nothing is imported here and nothing is written beside it.
    budget_seconds
        How long to look at most, in seconds of wall time. What was not reached by then is listed in ``report.not_checked``,
        and a program in which nothing was found is then "undecided", not "healthy".
    answers
        What to answer when the program asks for input, one after the other; afterwards every answer is "1".

    Raises
    ------
    InputError
        There is no such file, or it is not Python.
    """
    started = time.monotonic()
    program = _program(subject)
    try:
        with Session(program, answers=answers, deadline=started + budget_seconds) as session:
            report = _Diagnosis(session, program, started, budget_seconds).run()
    except (WatchError, OutOfTime) as error:
        report = Report(program.main, "undecided", notes=(str(error),))
    return replace(report, seconds=round(time.monotonic() - started, 2), sources=dict(program.sources))


def _program(subject: str | Path | Callable[..., Any]) -> Program:
    if isinstance(subject, (str, Path)):
        return load(subject)
    try:
        file = inspect.getsourcefile(subject)
    except TypeError:
        raise InputError(f"{subject!r} cannot be diagnosed; give a file, a function or a class.") from None
    if file is None or not Path(file).is_file():
        raise InputError(f"the source of {subject!r} is in no file; save it to a .py file and give that.")
    program = load(file)
    if inspect.isfunction(subject):
        return from_text(f"{program.text}\n\n{subject.__name__}()\n", program.folder, program.main)
    return program


@dataclass
class _Diagnosis:
    session: Session
    original: Program
    started: float
    budget: float
    findings: list[Finding] = field(default_factory=list)
    ruled_out: list[RuledOut] = field(default_factory=list)
    not_checked: list[NotChecked] = field(default_factory=list)
    checked: list[Evidence] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    before: dict[str, Program] = field(default_factory=dict)  # cause -> the program in which it was found
    open_questions: list[str] = field(default_factory=list)  # what keeps a program without findings from being healthy
    _outcome: Outcome | None = None
    examination: Examination | None = None  # of the program as it stands: with all edits that were taken on

    def left(self) -> float:
        return self.budget - (time.monotonic() - self.started)

    @property
    def outcome(self) -> Outcome:
        """How the whole program ends; it runs beside the first examination, and this waits for it."""
        if self._outcome is None:
            self._outcome = self._whole_run.result()
            if self._outcome.cut:
                seconds = self._outcome.seconds
                self.notes.append(f"the program was stopped after {seconds:.0f} s; it is judged on what was seen")
        return self._outcome

    def run(self) -> Report:
        self.program = self.original
        beside = ThreadPoolExecutor(1)
        self._whole_run: Future[Outcome] = beside.submit(self.session.finish, seconds=max(5.0, 0.4 * self.budget))
        try:
            self._look()
        except OutOfTime:
            self.open_questions.append(f"the time ({self.budget:.0f} s) was over before everything was checked; {MORE}")
        finally:
            beside.shutdown(wait=False)
        self.session.deadline = max(self.session.deadline, time.monotonic() + LAST_WORDS)
        return self._report() if self.examination is not None else self._nothing_found()

    def _look(self) -> None:
        found = examine(self.session, self.program, self.session.scout(seconds=15.0))
        if (found is None or (found[0].known.guessed and found[0].state != "right")) and self._applied():
            return
        if found is None or (found[0].state != "right" and self._applied(("wrong-variable",), "calls")):
            return
        self.examination, self.loop, _ = found
        for _ in range(ROUNDS):
            mended = self._gradient(self.examination)
            if mended is None:
                break
            self.examination = mended.examination
            if mended.complete and self.examination.state == "right":
                break
        if self.examination.state == "right":
            self._update(self.examination)
            self._later(self.examination)
        self._probe()
        self._look_again()
        self._more_seeds()

    def _applied(self, only: tuple[str, ...] = applied.LOST, family: str = "") -> bool:
        """Nothing is trained (or on nothing of the batch), and an edit by which an update is kept changes that."""
        with contextlib.suppress(WatchError):
            for mended, loop in applied.applied(self.session, self.program, 0.4 * self.budget, only, family):
                proof, outcome = self._proof(mended.examination, mended)
                if _improved(self.outcome, outcome) or (not family and compared(self.outcome, outcome) is None):
                    names = ", ".join(p.text for p in mended.examination.known.parameters)
                    rows = () if family else (Evidence(f"change of {names} in a step", "not zero", 0.0),)
                    what = (
                        "the step is taken with what an earlier run left behind" if family else f"{names} never changes"
                    )
                    self._add(mended.examination, mended, what, proof, outcome, rows)
                    self.program, self._outcome = mended.program, outcome
                    self.examination, self.loop = mended.examination, loop
                    return True
        return False

    # ------------------------------------------------------------------ the gradient

    def _gradient(self, current: Examination) -> Mended | None:
        """Judge the check; where it fails, look for the edit that mends it and take it on."""
        if current.state == "right":
            if climbs(current):
                only = applied.wrong_sign(current)
                return self._take(current, "the step climbs the loss", accept=self._descends, only=only)
            return None
        if _looks_ahead(current):
            self.notes.append(
                "velocities by which the gradient looks ahead were not checked where they are single numbers"
            )
            return None
        wrong = [v.path.split(": ")[-1] for v in (current.best.verdicts if current.best else []) if v.status == "wrong"]
        what = "the gradient of " + ", ".join(wrong) if wrong else "the gradient"
        mended = self._take(current, f"{what} is not the derivative of what is descended")
        if mended is None:
            self._unexplained(current)
        return mended

    def _unexplained(self, current: Examination) -> None:
        """No edit makes the steps of the program fit a loss."""
        chain_is_right = current.state == "delta"
        if chain_is_right and learns(self.outcome):
            self.notes.append(
                "the gradients are right from the output's error down; the error itself belongs to no loss that was tried, "
                "and the program learns with it"
            )
        elif chain_is_right:
            self.open_questions.append("what loss the error at the output belongs to: none that was tried fits it")
        else:
            self.open_questions.append(
                "what the program descends: its steps fit no loss that was tried, and no edit made them fit"
            )

    def _take(
        self, current: Examination, what: str, *, accept: Callable[[Examination, Program], bool] | None = None,
        evidence: tuple[Evidence, ...] = (), only: tuple[str, ...] = (), must_help: bool = False, first_cause: bool = False,
    ) -> Mended | None:  # fmt: skip
        seconds = min(0.5 * self.budget, self.left() - 4.0)
        if seconds < 1.0:
            return None
        known_causes = {f.cause for f in self.findings}
        for mended in search(self.session, self.program, self.loop, current, seconds=seconds, accept=accept, only=only):
            proof, outcome = self._proof(current, mended)
            if first_cause and mended.edit.cause not in only:
                continue
            own = mended.examination.best is not None and mended.examination.best.objective.kind == "own"
            sure = (own or current.state in ("right", "wrong") or accept is not None) and not must_help
            if not sure and not _improved(self.outcome, outcome):
                continue  # fits a loss that the program may never have meant, and it does not learn better
            mended = replace(mended, edit=named(mended.edit, current, only))
            if mended.edit.cause in known_causes:
                continue
            self.before[mended.edit.cause] = self.program
            self._add(current, mended, what, proof, outcome, evidence)
            self.loop = mapped_loop(self.session, self.program, mended.program, self.loop) or self.loop
            self.program, self._outcome = mended.program, outcome
            return mended
        return None

    def _proof(self, current: Examination, mended: Mended) -> tuple[Proof, Outcome]:
        start = time.monotonic()
        outcome = self.session.finish(mended.program, seconds=max(3.0, min(20.0, self.left() - 2.0)))
        figure = compared(self.outcome, outcome)
        before, after = current.worst, mended.examination.worst
        proof = Proof(
            metric=figure[0] if figure else None, before=figure[1] if figure else None, after=figure[2] if figure else None,
            gradient_before=before, gradient_after=after, seconds=round(time.monotonic() - start, 2),
        )  # fmt: skip
        return proof, outcome

    def _add(
        self,
        current: Examination,
        mended: Mended,
        what: str,
        proof: Proof,
        outcome: Outcome,
        evidence: tuple[Evidence, ...],
    ) -> None:
        edit = mended.edit
        rows = list(evidence)
        if current.best is not None:
            for verdict in current.best.verdicts:
                if verdict.status in ("wrong", "scaled"):
                    name = verdict.path.split(": ")[-1]
                    rows.append(
                        Evidence(f"gradient check of {name}: relative error", "at most 1e-5", float(verdict.residual))
                    )
        level: Literal["error", "warning"] = "error" if _improved(self.outcome, outcome) else "warning"
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

    def _later(self, current: Examination) -> None:
        """The same check with other rows and after some steps: a fault may show only then (state that is carried along)."""
        with contextlib.suppress(WatchError):
            found = later_steps(self.session, self.program, current, LATER)
            for ahead, one in zip(LATER, found, strict=False):
                if one.state == "right":
                    name = f"worst relative error {ahead} step{'s' if ahead > 1 else ''} later"
                    self.checked.append(Evidence(name, "at most 1e-5", one.worst))
            if not found or found[-1].state != "wrong":
                return
            # Twice in a row: a kink that a nudge happens to cross is not there again.
            found += later_steps(self.session, self.program, current, [LATER[len(found) - 1] + 1])
            wrong = [{v.path for v in one.best.of("wrong")} for one in found[-2:] if one.best is not None]
            always = set.intersection(*wrong) if len(wrong) == 2 and found[-1].state == "wrong" else set()
            if not always:
                return
            step = self.session.stop(self.loop, found[-1].known.hit, self.program)
            if step is None:
                return
            with step:
                there = examine_step(step, self.loop)
            if there is not None and there.state == "wrong" and self._gradient(there) is None:
                names = ", ".join(path.split(": ")[-1] for path in sorted(always))
                self.notes.append(
                    f"the gradient of {names} is right in the first step and differs from the derivative {LATER[-1]} steps "
                    "later; no edit was found that mends it"
                )

    # ------------------------------------------------------------------ the update

    def _update(self, current: Examination) -> None:
        with contextlib.suppress(WatchError):
            beside = update.frozen(self.session, self.program, self.loop, current)
            if beside is not None:
                reference, paths = beside
                names = ", ".join(p.split(": ")[-1] for p in paths)

                def moved(found: Examination, _variant: Program) -> bool:
                    through = {v.path: v.through for v in found.best.verdicts} if found.best is not None else {}
                    changed = {p.path for p in found.known.parameters if np.any(p.update)}
                    return found.state == "right" and all(p in changed and through.get(p) is not None for p in paths)

                row = Evidence(f"change of {names} in a step, although its gradient is computed", "not zero", 0.0)
                mended = self._take(reference, f"{names} never changes", accept=moved, evidence=(row,))
                if mended is not None:
                    self.examination = mended.examination
                    return
        with contextlib.suppress(WatchError):
            if self._unequal(current) or self._shared(current):
                return
            piled = None
            if update.direct(current.best):
                piled = update.accumulation(self.session, self.program, self.loop, current)
                if piled is None:
                    why = "the second step does not contain the first one again"
                    self.ruled_out.append(RuledOut("gradient-not-reset", why))
            if piled is not None:
                self._piled_up(current, piled)
            else:
                self._optimizer(current)

    def _unequal(self, current: Examination) -> bool:
        """One rate stands before gradients that are not equally scaled."""
        found = applied.unequal(current)
        if found is None:
            return False
        rows = tuple(
            Evidence(f"{path.split(': ')[-1]}: change per true gradient", f"{found.usual:.4g}", float(f"{factor:.4g}"))
            for path, factor in found.others.items()
        )
        names = ", ".join(path.split(": ")[-1] for path in found.others)
        what = f"the gradient of {names} is multiplied by another constant than the others, under the same rate"
        only = ("gradient-scale-wrong", "dropout-mask-wrong")
        few = 3 * len(found.others) <= len(current.known.parameters)
        accept = lambda checked, _: found.mended(checked)  # noqa: E731
        told = found.reference(current)
        return self._take(told, what, accept=accept, evidence=rows, only=only, must_help=not few) is not None

    def _shared(self, current: Examination) -> bool:
        """Two parameters are one array."""
        for mended in applied.unshared(self.session, self.program, self.loop, current, 0.3 * self.left()):
            proof, outcome = self._proof(current, mended)
            before = len(current.known.parameters)
            row = Evidence("parameters with memory of their own", len(mended.examination.known.parameters), before)
            self._add(current, mended, "two parameters are one array", proof, outcome, (row,))
            self.program, self._outcome, self.examination = mended.program, outcome, mended.examination
            return True
        return False

    def _piled_up(self, current: Examination, piled: update.Accumulation) -> None:
        """Each step contains the steps before: a gradient is added to and never cleared, or a momentum forgets nothing."""
        rate = current.best.factor if current.best is not None else 0.0

        def mended(found: Examination, variant: Program) -> bool:
            alone = update.direct(found.best) and found.best is not None and abs(found.best.factor / rate - 1) < 1e-3
            return alone or self._follows_a_rule(found, variant)

        row = Evidence("share of the first step that the second step contains", 0.0, piled.memory)
        what = "each step contains all steps before"
        self._take(piled.reference, what, accept=mended, evidence=(row,), only=_PILING)

    def _optimizer(self, current: Examination) -> None:
        """Where the steps follow from the gradients by the closed form of no known rule, mend the formula."""
        rules = optimizer.judge(self.session, self.program, current)
        wrong = [rule for rule in rules if rule.fault]
        if not wrong:
            names = sorted({rule.name for rule in rules} - {"not judged"})
            if names:
                why = f"the steps follow the closed form of {' and '.join(names)}, to {optimizer.EXACT:g}"
                self.ruled_out.append(RuledOut("optimizer-formula-wrong", why))
            return
        rows = tuple(
            Evidence(f"{rule.parameter}: {rule.fault}", rule.expected, float(f"{rule.measured:.6g}"))
            for rule in wrong[:3]
        )
        # Without the corrections of Adam a program may be tuned to its larger first steps: then there is nothing to mend.
        must_help = all(rule.by_choice for rule in wrong)
        kinds = {rule.parameter: rule.name for rule in wrong}

        def follows(found: Examination, variant: Program) -> bool:
            return self._follows_a_rule(found, variant, kinds)

        what = wrong[0].fault or ""
        only = _PILING[:1]
        self._take(current, what, accept=follows, evidence=rows, only=only, must_help=must_help, first_cause=True)

    def _descends(self, found: Examination, variant: Program) -> bool:
        """The check passes, the step goes down, and no moving average was turned round for that."""
        if found.state != "right" or climbs(found):
            return False
        return not any(rule.fault and not rule.by_choice for rule in optimizer.judge(self.session, variant, found))

    def _follows_a_rule(self, found: Examination, variant: Program, kinds: Mapping[str, str] | None = None) -> bool:
        """Every step has a known closed form, and an Adam was not made a plain momentum (``kinds``: rules as they were)."""
        if found.state != "right" or climbs(found):
            return False
        rules = optimizer.judge(self.session, variant, found)
        changed = [r for r in rules if (kinds or {}).get(r.parameter, r.name) not in (r.name, *optimizer.OPEN)]
        return bool(rules) and not changed and not any(rule.fault or rule.name == "not judged" for rule in rules)

    # ------------------------------------------------------------------ beyond the gradient

    def _probe(self) -> None:
        seconds = self.left() - 1.0
        assert self.examination is not None
        if not self.examination.ranking:
            return
        known = replace(self.examination.known, loop=self.loop)
        subject = Subject(self.session, self.program, known, self.examination.ranking, seconds=seconds)
        found_here: set[str] = set()
        for group, examine_group, group_causes in probes.all_probes():
            if subject.time_left < 1.0:
                self._no_time_for(group_causes)
                continue
            if group in ("initial", "step_length") and any(f.is_fault for f in self.findings if f.cause in found_here):
                continue  # the first weights and the step look wrong under a fault of the data; they are judged without it
            try:
                verdicts: Verdicts = examine_group(subject)
            except OutOfTime:
                self._no_time_for(group_causes)
                continue
            except WatchError as error:
                self.notes.append(str(error))
                continue
            except (
                Exception
            ) as error:  # a probe that breaks on an unusual program must not take the other results with it
                self.notes.append(f"a check broke off ({type(error).__name__}: {error}); its causes were not looked at")
                continue
            self.findings += verdicts.findings
            found_here |= {f.cause for f in verdicts.findings}
            subject.causes_found |= {f.cause for f in verdicts.findings if f.is_fault}
            self.ruled_out += verdicts.ruled_out
            self.not_checked += verdicts.not_checked

    def _no_time_for(self, group_causes: Iterable[str]) -> None:
        self.not_checked += [NotChecked(cause, f"no time was left; {MORE}") for cause in group_causes]
        question = f"some causes were not reached in {self.budget:.0f} s (they are listed); {MORE}"
        if question not in self.open_questions:
            self.open_questions.append(question)

    def _look_again(self) -> None:
        """A fault outside the gradient (inputs that saturate every unit) may hide one inside: mend it, and check again."""
        fixes = [
            f for f in self.findings if f.is_fault and f.confidence == "proved" and f.fix is not None and f.fix.source
        ]
        outside = [f for f in fixes if f.cause in _HIDING]
        if not outside or self.left() < 8.0:
            return
        fix = outside[0].fix
        assert fix is not None and fix.source is not None
        self.program = self.program.with_source(outside[0].file, fix.source)
        with contextlib.suppress(WatchError):
            found = examine(self.session, self.program, self.session.scout(self.program, seconds=10.0))
            if found is None:
                return
            again, self.loop, _ = found
            self._outcome = self.session.finish(self.program, seconds=max(3.0, self.left() - 4.0))
            if again.state == "right":
                self._update(again)
            elif again.state == "wrong":
                self._gradient(again)

    def _more_seeds(self) -> None:
        """Run what was mended with other seeds, where that takes little time."""
        shortest = 2 * (self.outcome.seconds + 0.3)
        for number, finding in enumerate(self.findings):
            if not finding.is_fault or finding.fix is None or finding.fix.source is None or finding.proof is None:
                continue
            if not any(word in (finding.proof.metric or "") for word in (*GOOD_WORDS, *BAD_WORDS)):
                continue  # what was counted is no figure of how well it learns
            left = self.left() - 2.0
            if left < 2 * shortest:
                return
            before = self.before.get(finding.cause, self.program)
            after = before.with_source(finding.file, finding.fix.source)
            with contextlib.suppress(WatchError):
                self.findings[number] = seeds.repeated(self.session, finding, before, after, _improved, left / 3)

    # ------------------------------------------------------------------ the report

    def _report(self) -> Report:
        assert self.examination is not None
        if self.examination.state == "right":
            found = {f.cause for f in self.findings}
            why = f"gradient check of every parameter passes: worst relative error {self.examination.worst:.1e}"
            self.ruled_out += [RuledOut(cause, why) for cause in GRADIENT if cause not in found]
            self.checked.append(
                Evidence("worst relative error of the gradient check", "at most 1e-5", self.examination.worst)
            )
        faults = any(f.is_fault for f in self.findings)
        open_questions = self.open_questions if not faults else []
        if faults:
            verdict: Literal["faulty", "healthy", "undecided"] = "faulty"
        else:
            verdict = "undecided" if open_questions or self._program_error() is not None else "healthy"
        network = None
        with contextlib.suppress(OutOfTime, WatchError):
            network = network_sentence(self.session, self.program, self.examination)
        return Report(
            self.original.main, verdict, tuple(self.findings), tuple(self._consistent()), tuple(self.not_checked),
            network=network, not_understood=tuple(open_questions), checked=tuple(self.checked), notes=tuple(self.notes),
            program_error=self._program_error(),
        )  # fmt: skip

    def _consistent(self) -> Iterator[RuledOut]:
        """Each cause once, and none that was found."""
        seen = {f.cause for f in self.findings}
        for row in self.ruled_out:
            if row.cause not in seen:
                seen.add(row.cause)
                yield row

    def _program_error(self) -> ProgramError | None:
        try:
            error = self.outcome.error
        except (OutOfTime, WatchError):
            return None
        if error is None:
            return None
        return ProgramError(error.type, error.text, error.file, error.line, None, tuple(error.values.items()))

    def _nothing_found(self) -> Report:
        error = self._program_error()
        if self.open_questions:
            note = self.open_questions[0]
        elif error is not None:
            note = f"the program stopped with {error.kind} before a network was trained"
        else:
            note = (
                "no variable was found that is changed step by step and acts on an output: no network is trained here"
            )
        return Report(self.original.main, "undecided", notes=(*self.notes, note), program_error=error)


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


def _looks_ahead(examination: Examination) -> bool:
    """Only single numbers disagree, and every parameter has a companion of its shape that starts at zero.

    Velocities that the gradient is taken ahead by act on the outputs like parameters; a single one may fit anything.
    """
    parameters = examination.known.parameters
    shapes = [p.shape for p in parameters]
    paired = len(shapes) > 1 and all(shapes.count(s) % 2 == 0 for s in shapes)
    resting = sum(not p.before.any() for p in parameters)
    off = [v for v in examination.best.verdicts if v.status in ("wrong", "scaled")] if examination.best else []
    return paired and 2 * resting >= len(parameters) and all(v.small for v in off)


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


_PILING = ("optimizer-formula-wrong", "gradient-not-reset")
_TIME = ("time-index-wrong", "bptt-broken")


def compared(before: Outcome, after: Outcome) -> tuple[str, float, float] | None:
    """The last figure that both runs print, best one first: of a test, of anything right, of a loss."""
    for words in (GOOD_WORDS, BAD_WORDS):
        a, b = printed(before, words), printed(after, words)
        for wanted in ("test", "valid", ""):
            x = [(n, v) for n, v in a if wanted in n.lower()]
            y = [v for n, v in b if wanted in n.lower()]
            if x and y and np.isfinite(y[-1]):
                return x[-1][0][-40:].strip().lower(), x[-1][1], y[-1]
    return None


def learns(outcome: Outcome) -> bool:
    """A figure that the program prints is clearly better at the end than at the beginning."""
    for words, sign in ((GOOD_WORDS, 1.0), (BAD_WORDS, -1.0)):
        series: dict[str, list[float]] = {}
        for label, value in printed(outcome, words):
            series.setdefault(label.rstrip("0123456789 "), []).append(value)
        for values in series.values():
            if (
                len(values) > 1
                and np.all(np.isfinite(values))
                and sign * (values[-1] - values[0]) > 0.3 * abs(values[0])
            ):
                return True
    return False


def _improved(before: Outcome, after: Outcome) -> bool:
    """The program's own last figure is clearly better in the mended copy."""
    if after.error is not None:
        return False
    if before.error is not None:
        return True
    votes = []
    for words, sign in ((GOOD_WORDS, 1.0), (BAD_WORDS, -1.0)):
        a, b = printed(before, words), printed(after, words)
        if a and b:
            x, y = a[-1][1], b[-1][1]
            if not np.isfinite(x) and np.isfinite(y):
                return True
            size = max(abs(x), abs(y), 1e-12)
            votes.append(sign * (y - x) / size)
    return any(v > 0.03 for v in votes) and not any(v < -0.03 for v in votes[:1])
