"""What a probe may ask: how well the program learns, how well an edited copy learns, and what data it uses."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from unstuck.doctor.findings import Evidence, Finding, Fix, Mark, NotChecked, Proof, RuledOut

from ..compare import Comparison
from ..edits.base import Edit
from ..edits.experiments import Experiments
from ..nudge import Key
from ..program import Program
from ..records import Array, Followed, Series, Window
from ..session import Session, Sites
from ..step import WatchError
from ..understand import Parameter, Understanding
from .copies import diff_of, same_sites
from .objective import output_and_target
from .proofs import proof_of
from .quality import Quality, last_passes
from .values import joined, paired, scored

if TYPE_CHECKING:
    from .data import Data
    from .units import HiddenLayer

# Causes that spoil what is printed, not what is learnt.
ABOUT_FIGURES = {"prediction-ignores-input", "metric-wrong", "preprocessing-differs", "printed-loss-not-trained-loss"}
TAIL = 60  # passes at the end of training over which the quality is taken at most
SHORT = 1.5  # seconds of a run under which nothing is gained by training less


@dataclass
class Verdicts:
    """What a probe concluded."""

    findings: list[Finding] = field(default_factory=list)
    ruled_out: list[RuledOut] = field(default_factory=list)
    not_checked: list[NotChecked] = field(default_factory=list)

    def rule_out(self, why: str, *causes: str) -> Verdicts:
        self.ruled_out += [RuledOut(cause, why) for cause in causes]
        return self

    def skip(self, why: str, *causes: str) -> Verdicts:
        self.not_checked += [NotChecked(cause, why) for cause in causes]
        return self


@dataclass(frozen=True)
class Excerpt:
    """Large inputs by some of their columns: the recorded batch, how wide its rows are, and that batch in those columns."""

    key: Key
    width: int
    columns: list[int]
    batch: Series


class Examination:
    """A program with its training step understood; runs variants of it and remembers what came out."""

    def __init__(
        self,
        session: Session,
        program: Program,
        known: Understanding,
        comparisons: list[Comparison],
        *,
        seconds: float = 30.0,
        run_seconds: float = 20.0,
    ) -> None:
        self.session, self.program, self.known, self.comparisons = session, program, known, comparisons
        self.deadline = time.monotonic() + seconds
        self.run_seconds = run_seconds
        self.table: Sites = session.table(program)
        self._qualities: dict[str, Quality | None] = {}
        self.causes_found: set[str] = set()
        self.first_weights: list[Parameter] | None = None  # set when they are first asked for
        self.single_row = False  # a step uses one row, and its outputs are made number by number
        self.excerpt: Excerpt | None = None  # set when the inputs are too large to be followed as a whole

    @property
    def time_left(self) -> float:
        return self.deadline - time.monotonic()

    # What is compared with what ------------------------------------------------------------------------------------------
    @cached_property
    def objective(self) -> tuple[Key, Key | None]:
        """The recorded output and target of the training step; the descended number alone where there is no target."""
        return output_and_target(self)

    def paired(self, output: Series, target: Series) -> tuple[Array, Array] | None:
        """Outputs and targets as two matrices (rows, columns), see `values.paired`; one row where a step uses one."""
        pair = paired(output, target)
        return (pair[0].reshape(1, -1), pair[1].reshape(1, -1)) if pair is not None and self.single_row else pair

    def targets(self) -> tuple[Array, Array] | None:
        """Outputs and targets of the step that was understood, both (rows, columns) with labels as one-hot rows."""
        value, target = self.objective
        if target is None:
            return None
        output, answer = self.recorded(value), self.recorded(target)
        return None if output is None or answer is None else self.paired(output, answer)

    def recorded(self, key: Key, window: Window | None = None, sites: Mapping[int, int] | None = None) -> Series | None:
        """The series of a key in a window of a variant. Site -1 names a variable that is constant while training."""
        if key[0] < 0:
            leaf = self.known.leaves.get(key[1])
            if leaf is None:
                return None
            return Series(key, np.asarray(leaf, np.float64).ravel(), [leaf.shape], np.zeros(1, int), True)
        if window is None and self.excerpt is not None and key == self.excerpt.key:
            return self.excerpt.batch  # of large data some columns stand for the rows, here as in what is followed
        number = key[0] if sites is None else sites.get(key[0], -2)
        part, _, place = key[1].partition("@")
        series = (window or self.known.window).series.get((number, part))
        if series is None or not place:
            return series
        if place == "-":
            return Series(key, -series.flat, series.shapes, series.order, series.is_float)
        if place.startswith(":"):  # the first numbers, as one row
            first = series.flat[: int(place[1:])]
            return Series(key, first, [first.shape], series.order[:1], series.is_float)
        if int(place) >= series.count:
            return None
        value = series.occurrence(int(place))
        return Series(key, value.ravel(), [value.shape], series.order[int(place) : int(place) + 1], series.is_float)

    @cached_property
    def data(self) -> Data:
        """The rows that training uses."""
        from .data import Data

        return Data(self)

    @cached_property
    def errors(self) -> tuple[Array, float] | None:
        """Mean squared error in stretches of the run, and that of always giving the mean of the targets."""
        from .step_length import errors

        return errors(self)

    @cached_property
    def hidden_layers(self) -> list[HiddenLayer]:
        """The hidden layers as they answer the first and the last rows of training."""
        from .units import hidden_layers

        return hidden_layers(self)

    # Running ---------------------------------------------------------------------------------------------------------------
    def follow(
        self,
        program: Program | None = None,
        *,
        keys: Iterable[Key] = (),
        head: int = 0,
        tail: int = TAIL,
        whole: Iterable[int] = (),
        head_only: bool = False,
        places: Iterable[int] = (),
    ) -> tuple[Followed, dict[int, int]] | None:
        """Run a variant to its end with the sites of ``keys`` recorded; also the variant's site number of each site.

        ``places``: numbers of sites of the variant that are recorded, too.
        """
        program = program or self.program
        try:
            new = self.session.table(program)
            sites, loops = same_sites(self.table, new)
            loop = loops.get(self.known.loop)
            if loop is None:
                return None
            wanted = {sites[k[0]] for k in keys if k[0] in sites}  # (site -1, a constant variable, needs no recording)
            wanted |= set(places)
            large = self.excerpt
            columns = (
                {}
                if large is None or large.key[0] not in sites
                else {sites[large.key[0]]: (large.width, large.columns)}
            )
            return self.session.follow(
                loop,
                program,
                sites=wanted,
                head=head,
                tail=tail,
                seconds=self.run_seconds,
                whole=whole,
                head_only=head_only,
                columns=columns,
            ), sites
        except (WatchError, SyntaxError):
            return None

    @cached_property
    def baseline(self) -> tuple[Followed, dict[int, int]] | None:
        """The program as it is: outputs, targets and input rows of its first and last passes, and where it prints."""
        keys, head = self.data.wanted
        return self.follow(keys=keys, head=head)

    @cached_property
    def printing(self) -> list[tuple[int, str]]:
        """Stretches of the run (see `follow`) in which something was printed, with the text."""
        return [] if self.baseline is None else self.baseline[0].prints

    @cached_property
    def stretches(self) -> dict[int, Window]:
        """Everything that the program did in up to four stretches in which it printed numbers, the last two included."""
        numbers = [n for n, text in self.printing if any(c.isdigit() for c in text)]
        chosen = {*numbers[-2:], *numbers[: len(numbers) // 2 + 1][-1:], *numbers[1:2]}
        found = self.follow(whole=chosen, tail=0) if chosen else None
        return {} if found is None else found[0].chosen

    def quality(self, program: Program | None = None) -> Quality | None:
        """How well a variant has learnt at the end; None when it could not be followed, or no time is left for it."""
        if program is None or program is self.program:
            return self.start
        key = "\0".join(f"{name}\0{text}" for name, text in sorted(program.sources.items()))
        if key not in self._qualities:
            took = self.start.outcome.seconds if self.start is not None else 0.0
            if self.time_left < 0.7 * took:
                return None
            value, target = self.objective
            self._qualities[key] = self._measured(
                self.follow(program, keys=[k for k in (value, target) if k is not None])
            )
        return self._qualities[key]

    def _measured(self, found: tuple[Followed, dict[int, int]] | None) -> Quality | None:
        if found is None or found[0].outcome.cut:
            return None
        value, target = self.objective
        followed, sites = found
        pairs, own = [], []
        for window in followed.tail:
            o = self.recorded(value, window, sites)
            t = None if target is None else self.recorded(target, window, sites)
            if o is not None:
                own.append(float(np.mean(o.flat)))
            pair = self.paired(o, t) if o is not None and t is not None else None
            if pair is not None:
                pairs.append(pair)
        last = last_passes(followed.passes, [len(o) for o, _ in pairs] or [1] * len(own))
        loss = float(np.mean(own[-last:])) if own else float("nan")
        together = joined(pairs[-last:])
        if together is None:
            return Quality("", float("nan"), loss, followed.passes, followed.outcome)
        kind, score, error = scored(*together)
        return Quality(kind, score, error, followed.passes, followed.outcome)

    @cached_property
    def start(self) -> Quality | None:
        """The quality of the program as it is."""
        return self._measured(self.baseline)

    def learns_well(self) -> bool:
        """The last training rows are answered almost as they should be: nothing that hinders learning is to be looked for."""
        q = self.start
        return q is not None and ((q.kind == "accuracy" and q.score >= 0.93) or (q.kind == "R²" and q.score >= 0.9))

    def settled(self, out: Verdicts, *causes: str) -> bool:
        """Nothing is to be looked for that hinders learning: it learns well, or something that explains it was found already."""
        if self.learns_well():
            out.rule_out("the training rows are answered well", *causes)
        elif self.explained:
            out.skip(f"first mend what was found ({self.explained})", *causes)
        return self.learns_well() or bool(self.explained)

    @cached_property
    def chance(self) -> float:
        """The score of always giving the same answer: share of the largest class, or 0 (of R²)."""
        pair = self.data.unique if self.data.unique is not None else self.targets()
        if pair is None or self.start is None or self.start.kind != "accuracy":
            return 0.0
        t = pair[1]
        if t.shape[1] > 1:
            return float(np.bincount(t.argmax(axis=1)).max() / len(t))
        share = float(np.mean(t > t.mean()))
        return max(share, 1 - share)

    def learns(self) -> bool:
        """Clearly more than always giving the same answer."""
        q = self.start
        return q is not None and bool(q.kind) and q.score > self.chance + 0.35 * (1 - self.chance)

    def level(self) -> str:
        """Of a cause whose repair is much better: an error where the program does not learn at all."""
        return "warning" if self.learns() else "error"

    def much_better(self, after: Quality | None) -> bool:
        """Whether a variant learns so much better that the change must have met the cause."""
        before = self.start
        if before is None or after is None or after.failed:
            return False
        if before.failed:
            return (
                bool(after.score > (0.6 if after.kind == "accuracy" else 0.3))
                if after.kind
                else np.isfinite(after.loss)
            )
        if not after.kind or after.kind != before.kind:
            return False
        gap = 1.0 - before.score
        return (
            after.score - before.score >= (0.12 if after.kind == "accuracy" else 0.25)
            and 1.0 - after.score <= 0.5 * gap
        )

    def better(self, after: Quality | None) -> bool:
        """A few points more, or a loss lower by a third: enough where the fault itself is beyond doubt."""
        before = self.start
        if before is None or after is None or after.failed or after.kind != before.kind:
            return False
        return (bool(after.kind) and after.score >= before.score + 0.02) or after.loss <= 0.67 * before.loss

    @property
    def explained(self) -> str:
        """What was found already that keeps the program from learning: other causes are looked for when it is mended."""
        return ", ".join(sorted(self.causes_found - ABOUT_FIGURES))

    # Editing ---------------------------------------------------------------------------------------------------------------
    @cached_property
    def experiments(self) -> Experiments:
        return Experiments(self.program.text, self.program.main)

    def shortened(self, edit: Edit) -> Edit | None:
        """An edited copy with a small part of the training rounds; None where the whole run is short anyway."""
        if self.start is None or self.start.outcome.seconds < SHORT:
            return None
        own = Experiments(edit.source, edit.file)
        share = max(0.05, 0.5 / self.start.outcome.seconds)
        counts = [k for k in own.literals.epochs if k.value >= 4 and k.value == int(k.value)]
        return own.set_numbers({k: float(max(2, round(k.value * share))) for k in counts}) if counts else None

    def edited(self, edit: Edit) -> Program:
        return self.program.with_source(edit.file, edit.source)

    # Findings --------------------------------------------------------------------------------------------------------------
    def finding(
        self,
        cause: str,
        level: str,
        title: str,
        edit: Edit | None,
        evidence: Iterable[Evidence],
        *,
        after: Quality | None = None,
        line: int | None = None,
        end_line: int | None = None,
        also: Iterable[tuple[int, str]] = (),
        help_text: str = "",
        confidence: str | None = None,
        notes: Iterable[str] = (),
        proof: Proof | None = None,
    ) -> Finding:
        """A finding with its fix as a diff and its proof: the one given, or from the two runs."""
        if proof is None and after is not None and self.start is not None:
            proof = proof_of(self.start, after)
        place = line if line is not None else edit.line if edit is not None else None
        last = end_line if end_line is not None else edit.end_line if edit is not None and line is None else place
        marks = [Mark(place, end_line=last, label="here")] if place is not None else []
        marks += [Mark(number, label=label, role="also") for number, label in also]
        fix = None
        if edit is not None:
            fix = Fix(help_text or edit.summary, diff_of(self.program, edit), edit.source)
        elif help_text:
            fix = Fix(help_text)
        if level != "note":
            self.causes_found.add(cause)
        sure = confidence or ("proved" if proof is not None else "likely")
        return Finding(
            cause=cause,
            level=level,  # type: ignore[arg-type]
            confidence=sure,  # type: ignore[arg-type]
            title=title,
            file=self.program.main,
            line=place,
            end_line=last,
            marks=tuple(marks),
            evidence=tuple(evidence),
            fix=fix,
            proof=proof if sure == "proved" else None,
            notes=tuple(notes),
        )
