"""What a probe may ask: how well the program learns, how well an edited copy learns, and what data it uses."""

from __future__ import annotations

import ast
import difflib
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
from ..edits.text import expression
from ..nudge import Key, Objective
from ..program import Program
from ..session import Array, Followed, Outcome, Series, Session, Sites, WatchError, Window
from ..understand import Parameter, Understanding

if TYPE_CHECKING:
    from .data import Data

# Causes that spoil what is printed, not what is learnt.
ABOUT_FIGURES = {"prediction-ignores-input", "metric-wrong", "preprocessing-differs", "printed-loss-not-trained-loss"}
TAIL = 60  # passes at the end of training over which the quality is taken


@dataclass(frozen=True)
class Quality:
    """How well a run ended: ``score`` is accuracy or R² on the last training rows, ``loss`` the mean of the descended number.

    ``kind``: "accuracy" or "R²" or "" where no targets are known. ``outcome`` is the whole run; ``passes`` its training steps.
    """

    kind: str
    score: float
    loss: float
    passes: int
    outcome: Outcome

    @property
    def failed(self) -> bool:
        """The run broke off or ended in NaN."""
        return self.outcome.error is not None or not (np.isfinite(self.score) or np.isfinite(self.loss))


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
        self.excerpt: Excerpt | None = None  # set when the inputs are too large to be followed as a whole

    @property
    def time_left(self) -> float:
        return self.deadline - time.monotonic()

    # What is compared with what ------------------------------------------------------------------------------------------
    @cached_property
    def objective(self) -> tuple[Key, Key | None]:
        """The recorded output and target of the best objective that has both; else the descended number alone."""
        best = self.comparisons[0]
        near = [c.objective for c in self.comparisons if c.score >= best.score - 0.45 and _tells(c.objective)]
        near = [o for o in near if self._fits(o)]
        pair = self._by_difference()
        if pair is not None and (not near or any(self._same_numbers(pair[1], o.target) for o in near)):
            return pair
        if near:  # a target of the output's own size says more than a label that fits its number of rows
            first = next((o for o in near if self._same_size(o)), near[0])
            return first.value, first.target
        # Right as far as it reaches: a bias that starts at 0 hides in an earlier value of the same numbers.
        large = sum(p.before.size > 1 for p in self.known.parameters)
        for comparison in self.comparisons:
            objective, right = comparison.objective, [v for v in comparison.of("right") if not v.small]
            if _tells(objective) and self._fits(objective) and len(right) == large:
                return objective.value, objective.target
        return best.objective.value, best.objective.target

    def _fits(self, objective: Objective) -> bool:
        """The value differs from row to row, and the target is no counter."""
        output = self.recorded(objective.value)
        if objective.target is None or output is None or self._counts(objective.target):
            return False
        return output.flat.size < 2 or float(np.ptp(output.flat)) > 0

    def _counts(self, target: Key) -> bool:
        """A counter or an index instead of targets: 0, 1, 2 … in some order, or a single number that counts rows."""
        series = self.recorded(target)
        if target in self.known.touched:  # a number that the step itself changes
            return True
        if series is None or series.is_float or len(series.flat) < 3:
            return False
        return len(np.unique(series.flat)) == len(series.flat)

    def _same_numbers(self, one: Key, two: Key | None) -> bool:
        a, b = self.recorded(one), None if two is None else self.recorded(two)
        return a is not None and b is not None and np.array_equal(a.flat, b.flat)

    def _same_size(self, objective: Objective) -> bool:
        output, target = self.recorded(objective.value), None
        if objective.target is not None:
            target = self.recorded(objective.target)
        return output is not None and target is not None and output.flat.size == target.flat.size

    def _by_difference(self) -> tuple[Key, Key] | None:
        """Output and target from a difference of the two that the step computes."""
        window = self.known.window.series
        fixed = {key: s for key, s in window.items() if key not in self.known.touched and not key[1]}
        for key in sorted(set(self.known.influenced) & set(window), key=lambda k: window[k].order[0]):
            difference = window[key]
            sides = _difference(self.table.sites[key[0]].text)
            if sides is None or key[1] or difference.count > 1 or not difference.is_float:
                continue
            for target, t in fixed.items():
                if t.flat.size != difference.flat.size or t.count > 1 or self.table.sites[target[0]].text not in sides:
                    continue
                output = (
                    t.flat - difference.flat
                    if self.table.sites[target[0]].text == sides[0]
                    else t.flat + difference.flat
                )
                found = self._where(output, float(difference.order[0]))
                if found is not None:
                    return found, target
        return None

    def _where(self, numbers: Array, moment: float) -> Key | None:
        """The recorded value with these numbers; ``(site, "@2")`` is the third occurrence of a site."""
        best: tuple[float, Key] | None = None  # the latest: earlier ones may lack a bias that is still 0
        for key in self.known.influenced:
            series = self.known.window.series.get(key)
            if series is None or key[1]:
                continue
            for i in range(min(series.count, 64)):
                value = series.occurrence(i)
                order = float(series.order[i])
                if order >= moment or value.size != numbers.size or (best is not None and order < best[0]):
                    continue
                if np.allclose(value.ravel(), numbers, rtol=1e-12, atol=1e-14):
                    best = order, key if series.count == 1 else (key[0], f"@{i}")
        return None if best is None else best[1]

    def targets(self) -> tuple[Array, Array] | None:
        """Outputs and targets of the step that was understood, both (rows, columns) with labels as one-hot rows."""
        value, target = self.objective
        if target is None:
            return None
        output, answer = self.recorded(value), self.recorded(target)
        return None if output is None or answer is None else paired(output, answer)

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
        if int(place) >= series.count:
            return None
        value = series.occurrence(int(place))
        return Series(key, value.ravel(), [value.shape], series.order[int(place) : int(place) + 1], series.is_float)

    @cached_property
    def data(self) -> Data:
        """The rows that training uses."""
        from .data import Data

        return Data(self)

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
    ) -> tuple[Followed, dict[int, int]] | None:
        """Run a variant to its end with the sites of ``keys`` recorded; also the variant's site number of each site."""
        program = program or self.program
        try:
            new = self.session.table(program)
            sites, loops = same_sites(self.table, new)
            loop = loops.get(self.known.loop)
            if loop is None:
                return None
            wanted = {sites[k[0]] for k in keys if k[0] in sites}  # (site -1, a constant variable, needs no recording)
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
        outputs, answers, own = [], [], []
        for window in followed.tail:
            o = self.recorded(value, window, sites)
            t = None if target is None else self.recorded(target, window, sites)
            if o is not None:
                own.append(float(np.mean(o.flat)))
            pair = paired(o, t) if o is not None and t is not None else None
            if pair is not None:
                outputs.append(pair[0])
                answers.append(pair[1])
        loss = float(np.mean(own)) if own else float("nan")
        if not outputs or len({o.shape[1] for o in outputs}) != 1:
            return Quality("", float("nan"), loss, followed.passes, followed.outcome)
        kind, score, error = scored(np.concatenate(outputs), np.concatenate(answers))
        return Quality(kind, score, error, followed.passes, followed.outcome)

    @cached_property
    def start(self) -> Quality | None:
        """The quality of the program as it is."""
        return self._measured(self.baseline)

    def learns_well(self) -> bool:
        """The last training rows are answered almost as they should be: nothing that hinders learning is to be looked for."""
        q = self.start
        return q is not None and ((q.kind == "accuracy" and q.score >= 0.93) or (q.kind == "R²" and q.score >= 0.9))

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

    @cached_property
    def first_error(self) -> float | None:
        """Mean squared error of the first passes."""
        if self.baseline is None or self.objective[1] is None:
            return None
        errors = []
        for window in self.baseline[0].head[:TAIL]:
            o, t = (self.recorded(k, window, self.baseline[1]) for k in self.objective if k is not None)
            pair = paired(o, t) if o is not None and t is not None else None
            if pair is not None:
                errors.append(scored(*pair)[2])
        return float(np.mean(errors)) if errors else None

    @cached_property
    def silent_units(self) -> float | None:
        """Share of the units of the worst hidden layer with zeros that are zero for every row of the last passes."""
        window = self.known.window.series
        value = self.objective[0]
        keys = [
            k
            for k in self.known.influenced
            if k in window
            and k != value
            and not k[1]
            and window[k].order[0] < window.get(value, window[k]).order[0]
            and window[k].flat.size > 1
            and window[k].flat.min() == 0 < window[k].flat.max()
        ]
        if not keys or self.time_left < 0:
            return None
        found = self.follow(keys=keys)
        if found is None:
            return None
        shares = []
        for key in keys:
            parts = [s for w in found[0].tail if (s := self.recorded(key, w, found[1])) is not None]
            if not parts or len({p.shapes[0] for p in parts}) != 1 or len(parts[0].shapes[0]) not in (1, 2):
                continue
            units = parts[0].shapes[0][-1] if len(parts[0].shapes[0]) == 2 or parts[0].shapes[0][0] > 1 else 1
            rows = np.concatenate([p.flat.reshape(-1, units) for p in parts])
            shares.append(float(np.mean(np.all(rows == 0, axis=0))))
        return max(shares, default=None)

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


def _difference(text: str) -> tuple[str, str] | None:
    """Both sides of ``a - b`` as they are written (without brackets around them)."""
    tree = expression(text)
    if not isinstance(tree, ast.BinOp) or not isinstance(tree.op, ast.Sub):
        return None
    return ast.unparse(tree.left), ast.unparse(tree.right)


def _tells(objective: Objective) -> bool:
    """A textbook loss that is more than a sum (an absolute error whose signs are all the same fits any target)."""
    return objective.kind == "loss" and (objective.vector.size < 2 or float(np.ptp(objective.vector)) > 0)


# Values ---------------------------------------------------------------------------------------------------------------------
def paired(output: Series, target: Series) -> tuple[Array, Array] | None:
    """Outputs and targets as two matrices (rows, columns); integer labels become one-hot rows. None if they do not fit."""
    shapes = set(output.shapes)
    if len(shapes) != 1 or not np.all(np.isfinite(target.flat)):
        return None
    shape = [n for n in next(iter(shapes)) if n != 1]
    o = output.flat
    if output.count > 1:
        shape = [output.count, *shape] if len(shape) <= 1 else [output.count * shape[0], *shape[1:]]
    if len(shape) > 2:
        shape = [int(np.prod(shape[:-1])), shape[-1]]
    t = target.flat
    if t.size == o.size:
        if len(shape) <= 1:
            single = output.count == 1 and len(shape) == 1 and is_one_hot(t.reshape(1, -1))
            return (o.reshape(1, -1), t.reshape(1, -1)) if single else (o.reshape(-1, 1), t.reshape(-1, 1))
        a, b = o.reshape(shape), t.reshape(shape)
        own = [n for n in target.shapes[0] if n != 1]
        if target.count == 1 and own == shape[::-1] and own != shape:
            b = t.reshape(own).T
        if is_one_hot(b.T) and not is_one_hot(b):
            return a.T, b.T
        if not is_one_hot(b) and shape[0] < shape[1] and shape[0] <= 4:  # features x samples
            return a.T, b.T
        return a, b
    if t.size and o.size % t.size == 0 and np.all(t == np.round(t)) and t.min() >= 0:
        classes = o.size // t.size
        if t.max() >= classes:
            return None
        rows = np.eye(classes)[t.astype(int)]
        if len(shape) == 2 and shape[0] == classes and shape[1] == t.size and shape[0] != shape[1]:
            return o.reshape(shape).T, rows
        return o.reshape(t.size, classes), rows
    return None


def is_one_hot(t: Array) -> bool:
    """Rows of zeros with a single one (or smoothed to it), more than one column."""
    if t.ndim != 2 or t.shape[1] < 2:
        return False
    return bool(np.all(np.abs(t.sum(axis=1) - 1) < 1e-6) and np.all(t >= 0) and np.all(t.max(axis=1) > 0.5))


def scored(o: Array, t: Array) -> tuple[str, float, float]:
    """("accuracy" or "R²", its value, mean squared error) of outputs and targets (rows, columns)."""
    with np.errstate(all="ignore"):
        error = float(np.mean((o - t) ** 2))
        if not np.all(np.isfinite(o)):
            return ("accuracy" if t.shape[1] > 1 and is_one_hot(t) else "R²"), float("nan"), float("nan")
        if is_one_hot(t):
            return "accuracy", float(np.mean(o.argmax(axis=1) == t.argmax(axis=1))), error
        values = np.unique(t) if t.size < 2_000_000 else np.zeros(0)
        if len(values) == 2:
            middle = float(values.mean())
            bounded = o.min() >= values[0] and o.max() <= values[1]
            limits = (middle,) if bounded else (middle, 0.0)  # a line through both, or logits
            return "accuracy", max(float(np.mean((o > limit) == (t > middle))) for limit in limits), error
        spread = ((t - t.mean(axis=0)) ** 2).sum()
        return "R²", float(1 - ((o - t) ** 2).sum() / spread) if spread > 0 else float("nan"), error


def same_sites(old: Sites, new: Sites) -> tuple[dict[int, int], dict[int, int]]:
    """Site and loop numbers of one variant -> those of another, by what stands at them and in which order."""
    if old is new:
        return {s.number: s.number for s in old.sites}, {n.number: n.number for n in old.loops}
    sites = _aligned(
        [(s.file, s.function, s.kind, s.text) for s in old.sites],
        [(s.file, s.function, s.kind, s.text) for s in new.sites],
    )
    loops = _aligned(
        [(p.file, p.function, p.depth) for p in old.loops], [(p.file, p.function, p.depth) for p in new.loops]
    )
    return (
        {old.sites[a].number: new.sites[b].number for a, b in sites.items()},
        {old.loops[a].number: new.loops[b].number for a, b in loops.items()},
    )


def _aligned(old: list[tuple[object, ...]], new: list[tuple[object, ...]]) -> dict[int, int]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    found: dict[int, int] = {}
    for tag, a0, a1, b0, b1 in matcher.get_opcodes():
        if tag == "equal" or (tag == "replace" and a1 - a0 == b1 - b0):
            found.update(zip(range(a0, a1), range(b0, b1), strict=True))
    return found


def diff_of(program: Program, edit: Edit) -> str:
    """The edit as a unified diff."""
    old, new = program.sources[edit.file].splitlines(keepends=True), edit.source.splitlines(keepends=True)
    return "".join(difflib.unified_diff(old, new, edit.file, edit.file + " (mended)", n=2))


GOOD_WORDS = (
    "acc",
    "r2",
    "r²",
    "right",
    "correct",
    "score",
    "hits",
    "genau",
    "treff",
    "precis",
    "exact",
    "acier",
    "correcto",
)
BAD_WORDS = ("loss", "error", "cost", "mse", "rmse", "mae", "nll", "fehler", "kosten", "perte", "err", "coste")


def proof_of(before: Quality, after: Quality, seeds: int = 1) -> Proof:
    """The two runs beside each other: the last figure that the program itself prints of the kind it was judged by."""
    for words, better in ((GOOD_WORDS, 1), (BAD_WORDS, -1)):
        own = printed(before.outcome, words), printed(after.outcome, words)
        for label in ("test", "valid", ""):
            a = [v for n, v in own[0] if label in n.lower()]
            b = [v for n, v in own[1] if label in n.lower()]
            if a and b and (not np.isfinite(a[-1]) or better * (b[-1] - a[-1]) > 0) and np.isfinite(b[-1]):
                name = next(n for n, v in reversed(own[1]) if label in n.lower())
                return Proof(metric=name[-40:].strip().lower(), before=a[-1], after=b[-1], seeds=seeds)
    if after.kind:
        return Proof(metric=f"training {after.kind}", before=before.score, after=after.score, seeds=seeds)
    return Proof(metric="loss", before=before.loss, after=after.loss, seeds=seeds)


def printed(outcome: Outcome, words: tuple[str, ...]) -> list[tuple[str, float]]:
    """The printed numbers whose label holds one of the words."""
    return [(label, value) for label, value in outcome.numbers if any(w in label.lower() for w in words)]


def figure_that_rises(
    e: Examination, edit: Edit, least: float = 0.03, losses: bool = True
) -> tuple[str, float, float] | None:
    """The last printed figure that is much better in an edited copy (words before it, before, after); None if one is worse."""
    after = e.quality(e.edited(edit))
    if after is None or after.failed or e.start is None:
        return None
    found = None
    for (label, old), (same, new) in zip(e.start.outcome.numbers, after.outcome.numbers, strict=False):
        if label != same or old == new:
            continue
        low = label.lower()
        if any(w in low for w in BAD_WORDS) and not any(w in low for w in GOOD_WORDS):
            better, worse = losses and new < 0.6 * old, losses and new > 1.2 * old
        else:
            top = 100.0 if max(abs(old), abs(new)) > 1.5 else 1.0
            better = new - old > least * top and top - new <= 0.6 * (top - old)
            worse = new - old < -0.05 * top
        if worse:
            return None
        if better:
            found = low[-40:].strip(), old, new
    return found
