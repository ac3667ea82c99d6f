"""The length and number of steps, the rule that ends them, and the size of the network: one number changed at a time."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from unstuck.doctor.findings import Evidence, Finding

from ..edits.base import Edit
from ..edits.literals import Literal
from ..edits.making import factors
from ..records import Array
from .base import TAIL, Examination, Verdicts
from .proofs import BAD_WORDS, GOOD_WORDS, printed
from .quality import Quality, shown
from .values import joined

CAUSES = ("lr-too-high", "lr-too-low", "too-few-steps", "capacity-too-small", "plateau", "stopping-rule-wrong")
LONGER = (5.0, 25.0, 125.0)  # times the epochs
FEW = 40  # training steps after which nothing can have been learnt yet
WIDER = 8.0  # times the hidden units
LITTLE = 0.03  # gain of accuracy or R² that is worth a note
WAITING = 1e-3  # first step beside the weights: above it a loss that stands still is a plateau
SITS = 0.85  # of the error of always giving the mean: above it nothing of the rows has been learnt
MOST_OF_IT = 0.6  # of the run that has to pass so
MOST_HEAD = 4000  # passes up to which the whole run is looked at
LARGE_STEP, SMALL_STEP = 0.3, 1e-4  # first step beside the weights: beyond these only one direction is tried first


def examine(e: Examination) -> Verdicts:
    """Other rates, a stricter rule to stop, more epochs, more units: which of them alone lets the program learn?"""
    out = Verdicts()
    if e.settled(out, *CAUSES):
        return out
    if e.start is None:
        return out.skip("the training could not be followed to its end", *CAUSES)
    notes: list[Finding] = []
    waits = _flat(e) and _largest_step(e) > WAITING  # its steps are not short, and yet the loss has not moved
    for attempt in (_stopping, _longer, _rate, _wider) if waits else (_stopping, _rate, _longer, _wider):
        if e.time_left < 0:
            return out.skip("no time was left for other rates, epochs and widths", *CAUSES)
        found = attempt(e, notes)
        if found is not None:
            out.findings.append(found)
            return out.rule_out(
                f"one change alone ({found.cause}) lets it learn", *(c for c in CAUSES if c != found.cause)
            )
    out.findings += notes[:1]
    noted = {f.cause for f in notes[:1]}
    return out.rule_out(
        "other rates, more epochs or more units do not help much", *(c for c in CAUSES if c not in noted)
    )


# The rate ---------------------------------------------------------------------------------------------------------------------
def _rate(e: Examination, notes: list[Finding]) -> Finding | None:
    rates = rates_of(e)
    if not rates or e.start is None:
        return None
    tried: dict[float, Quality] = {}
    for factor in _factors(e):
        if e.time_left < 0:
            break
        if abs(np.log10(factor)) > 1.5 and e.learns() and not any(_gains(e, q) for q in tried.values()):
            break  # it learns something, and ten times more or less changed nothing
        edit = scaled(e, rates, factor)
        after = e.quality(e.edited(edit)) if edit is not None else None
        if after is not None and not after.failed:
            tried[factor] = after
            if e.much_better(after) and (after.score > 0.9 or not after.kind):
                break
    better = {f: q for f, q in tried.items() if e.much_better(q)}
    if not better:
        gains = {f: q for f, q in tried.items() if _gains(e, q)}
        if gains:
            factor = max(gains, key=lambda f: gains[f].score)
            notes.append(_rate_finding(e, rates, factor, gains[factor], "note"))
        return None
    factor = max(better, key=lambda f: better[f].score if better[f].kind else -better[f].loss)
    return _rate_finding(e, rates, factor, better[factor], e.level())


def _factors(e: Examination) -> list[float]:
    """Rates to try, the likelier direction first."""
    if e.start is not None and e.start.failed:
        return [0.1, 0.01, 0.001]
    largest = _largest_step(e)
    if largest > LARGE_STEP:
        return [0.1, 0.01, 10.0, 0.001]
    if largest < SMALL_STEP:
        return [10.0, 100.0, 1000.0, 0.1]
    return [10.0, 0.1, 100.0, 0.01]


def _largest_step(e: Examination) -> float:
    """The length of the first step beside that of the weights, of the parameter that moves most."""
    ratios = [
        float(np.linalg.norm(p.update) / np.linalg.norm(p.before)) for p in e.known.parameters if np.any(p.before)
    ]
    return max(ratios, default=0.01)


def rates_of(e: Examination) -> list[Literal]:
    """Literals that multiply the whole step of a parameter, also as the first factor of a product of matrices."""
    literals = e.experiments.literals
    if literals.rates:
        return literals.rates
    found: dict[int, Literal] = {}
    for update in e.experiments.reading.updates:
        moved = update.moved_by
        while isinstance(moved, ast.UnaryOp) or (isinstance(moved, ast.BinOp) and isinstance(moved.op, ast.MatMult)):
            moved = moved.operand if isinstance(moved, ast.UnaryOp) else moved.left
        for part, times in factors(moved):
            inner = part.operand if isinstance(part, ast.UnaryOp) else part
            if times and isinstance(inner, ast.Constant | ast.Name | ast.Attribute | ast.Subscript):
                for source in literals.sources(inner):
                    literal = literals.literal(source)
                    if literal is not None and literal.value > 0:
                        found.setdefault(literal.start, literal)
    return list(found.values())


def scaled(e: Examination, rates: list[Literal], factor: float, cause: str = "lr-too-high") -> Edit | None:
    """All rates times a factor."""
    return e.experiments.set_numbers({k: k.value * factor for k in rates if k.value}, cause)


def _rate_finding(e: Examination, rates: list[Literal], factor: float, after: Quality, level: str) -> Finding:
    cause, literal = "lr-too-high" if factor < 1 else "lr-too-low", rates[0]
    edit = scaled(e, rates, factor, cause)
    assert edit is not None and e.start is not None
    word = "long: it jumps over what it looks for" if factor < 1 else "short: the weights hardly move"
    title = (
        f"the step is too {word}"
        if level != "note"
        else f"a learning rate of {literal.value * factor:g} gains a little"
    )
    evidence = [
        Evidence("learning rate", f"about {literal.value * factor:g}", literal.value),
        Evidence(f"{after.kind or 'loss'} at the end with that rate", None, shown(after)),
        Evidence(f"{after.kind or 'loss'} at the end as it is", None, shown(e.start)),
    ]
    silent = max((layer.silent_last for layer in e.hidden_layers), default=0.0)
    if silent > 0.3:
        evidence.append(Evidence("hidden units that are silent for every row at the end", "few", f"{silent:.0%}"))
    return e.finding(
        cause,
        level,
        title,
        edit,
        evidence,
        after=after,
        help_text=f"a learning rate of about {literal.value * factor:g}",
    )


def _gains(e: Examination, after: Quality) -> bool:
    """A point or two more, far from enough to say that something is wrong; below the mean's score no gain means anything."""
    before = e.start
    comparable = before is not None and bool(after.kind) and after.kind == before.kind
    return before is not None and comparable and after.score > max(before.score + LITTLE, e.chance)


# The end of training --------------------------------------------------------------------------------------------------------
def _stopping(e: Examination, notes: list[Finding]) -> Finding | None:
    """A limit in a condition that ends training: with another one it goes on, and learns."""
    assert e.start is not None
    for edit in stopping_edits(e):
        if e.time_left < 0:
            return None
        after = e.quality(e.edited(edit))
        if after is None or after.passes < 1.5 * e.start.passes or not e.much_better(after):
            continue
        evidence = [
            Evidence("training steps until it stopped", f"about {after.passes}", e.start.passes),
            Evidence(f"training {after.kind} when it stopped", None, shown(e.start)),
            Evidence(f"training {after.kind} when it goes on", None, shown(after)),
        ]
        return e.finding(
            "stopping-rule-wrong",
            e.level(),
            "training stops long before it has learnt",
            edit,
            evidence,
            after=after,
            help_text=f"let it go on while it still gains: {edit.summary}",
        )
    return None


def stopping_edits(e: Examination) -> Iterator[Edit]:
    """Stricter numbers in the conditions that leave a training loop, and their comparisons turned round."""
    literals, text = e.experiments.literals, e.experiments.text
    for test in leaving_conditions(e):
        for node in ast.walk(test):
            if not isinstance(node, ast.Compare) or len(node.ops) != 1:
                continue
            sides = [node.left, node.comparators[0]]
            for source in (s for side in sides for s in literals.sources(side)):
                literal = literals.literal(source)
                if literal is None or literal.value <= 0:
                    continue
                factors = (0.01, 1e-4) if literal.value < 1 or literal.value != int(literal.value) else (20.0, 0.01)
                for factor in factors:
                    edit = e.experiments.set_number(literal, literal.value * factor, "stopping-rule-wrong")
                    if edit is not None:
                        yield edit
            turned = {ast.Lt: ">", ast.LtE: ">=", ast.Gt: "<", ast.GtE: "<="}.get(type(node.ops[0]))
            if turned and not any(isinstance(s, ast.Constant) for s in sides):
                new = f"{text.of(sides[0])} {turned} {text.of(sides[1])}"
                edit = e.experiments._edit(
                    "stopping-rule-wrong", node.lineno, [text.swap(node, new)], "compare the other way round"
                )
                if edit is not None:
                    yield edit


def leaving_conditions(e: Examination) -> list[ast.expr]:
    """Conditions of ``while`` loops around the training step, and of the ``if`` statements that leave one; with the
    conditions that feed a counter of patience."""
    found: list[ast.expr] = []
    for loop in e.experiments.literals.training_loops:
        if isinstance(loop, ast.While) and not isinstance(loop.test, ast.Constant):
            found.append(loop.test)
        leaves = [
            n
            for n in ast.walk(loop)
            if isinstance(n, ast.If) and any(isinstance(b, ast.Break | ast.Return) for b in n.body)
        ]
        found += [n.test for n in leaves]
        if leaves:
            counters = {n.id for leave in leaves for n in ast.walk(leave.test) if isinstance(n, ast.Name)}
            for node in ast.walk(loop):
                if isinstance(node, ast.If) and node not in leaves:
                    stored = {
                        n.id
                        for b in [*node.body, *node.orelse]
                        for n in ast.walk(b)
                        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
                    }
                    if stored & counters:
                        found.append(node.test)
    return found


def _longer(e: Examination, notes: list[Finding]) -> Finding | None:
    """Go on: five times as long, and where only a handful of steps was made, far longer while that helps."""
    if e.start is None:
        return None
    took = e.start.outcome.seconds
    a_round = took  # seconds of one more time the training, at most
    flat = e.start.passes > FEW and _flat(e)
    for times in LONGER if e.start.passes <= FEW else LONGER[: 1 + flat]:
        edit = e.experiments.scale_epochs(times)
        if edit is None or took + a_round * (times - 1) > max(e.time_left, 0):
            break
        after = e.quality(e.edited(edit))
        if after is None or after.passes < 1.5 * e.start.passes:
            break
        # (rows can be learnt by heart: it must also show in the last figure of the program itself)
        if e.much_better(after) and _shows(e, after):
            return _longer_finding(e, times, after, "plateau" if flat else "too-few-steps")
        if times == LONGER[0] and _gains(e, after):
            evidence = _longer_evidence(e, times, after)
            notes.append(
                e.finding(
                    "too-few-steps", "note", "more epochs would gain a little", edit, evidence, after=after,
                    help_text="more epochs",
                )
            )  # fmt: skip
        a_round = max(after.outcome.seconds - took, 0.05) / (times - 1)
    return None


def _shows(e: Examination, after: Quality) -> bool:
    """The last figure that a much longer run prints is much better, too (where it prints any of a known kind)."""
    if e.start is None:
        return False
    for words, sign in ((GOOD_WORDS, 1.0), (BAD_WORDS, -1.0)):
        a, b = printed(e.start.outcome, words), printed(after.outcome, words)
        if a and b:
            x, y = a[-1][1], b[-1][1]
            return sign * (y - x) > 0.1 * max(abs(x), abs(y))
    return True


def _longer_finding(e: Examination, times: float, after: Quality, cause: str) -> Finding:
    title = (
        "training ends on a flat stretch of the loss, before it falls"
        if cause == "plateau"
        else "training ends while it still gains"
    )
    edit = e.experiments.scale_epochs(times, cause)
    evidence = _longer_evidence(e, times, after)
    if cause == "plateau" and (curve := e.errors) is not None:
        evidence += [
            Evidence("mean squared error in the middle of the run", None, float(f"{np.median(curve[0]):.4g}")),
            Evidence("that of always giving the mean of the targets", None, float(f"{curve[1]:.4g}")),
        ]
    return e.finding(cause, e.level(), title, edit, evidence, after=after, help_text="more epochs")


def _longer_evidence(e: Examination, times: float, after: Quality) -> list[Evidence]:
    assert e.start is not None
    return [
        Evidence("training steps", f"about {after.passes}", e.start.passes),
        Evidence(f"training {after.kind} as it is", None, shown(e.start)),
        Evidence(f"training {after.kind} with {times:g} times the epochs", None, shown(after)),
    ]


def _flat(e: Examination) -> bool:
    """For most of the run the error is that of always giving the mean, although the steps are many."""
    if e.start is None or e.start.passes < 4 * TAIL:
        return False
    curve = e.errors
    if curve is None:
        return False
    blocks, constant = curve
    return float(np.mean(blocks > SITS * constant)) > MOST_OF_IT


def errors(e: Examination) -> tuple[Array, float] | None:
    """Mean squared error in stretches of the run, first to last, and that of always giving the mean of the targets.

    Of a long run only the beginning and the end are looked at.
    """
    keys = [k for k in e.objective if k is not None]
    if e.baseline is None or len(keys) < 2:
        return None
    found = e.follow(keys=keys, head=MOST_HEAD) if e.baseline[0].passes <= MOST_HEAD else e.baseline
    if found is None:
        return None
    windows = found[0].head if len(found[0].head) >= found[0].passes else [*found[0].head, *found[0].tail]
    pairs = []
    for window in windows:
        o, t = (e.recorded(k, window, found[1]) for k in keys)
        pair = e.paired(o, t) if o is not None and t is not None else None
        if pair is not None and np.all(np.isfinite(pair[0])):
            pairs.append(pair)
    if len(pairs) < 4 * TAIL:
        return None
    blocks = [joined(pairs[i : i + TAIL]) for i in range(0, len(pairs), TAIL)]
    every = joined(pairs)
    if every is None:
        return None
    means = [float(np.mean((o - t) ** 2)) for o, t in (b for b in blocks if b is not None)]
    return np.array(means), float(np.mean((every[1] - every[1].mean(axis=0)) ** 2))


def _wider(e: Examination, notes: list[Finding]) -> Finding | None:
    edit = e.experiments.scale_widths(WIDER)
    if edit is None or e.start is None:
        return None
    after = e.quality(e.edited(edit))
    if after is None or not e.much_better(after):
        return None
    longer = e.experiments.scale_epochs(LONGER[1])
    if longer is not None and e.start.outcome.seconds * LONGER[1] < e.time_left:
        gone_on = e.quality(e.edited(longer))
        if gone_on is not None and e.much_better(gone_on):  # as it is, it only takes its time
            return _longer_finding(e, LONGER[1], gone_on, "plateau" if _flat(e) else "too-few-steps")
    evidence = [
        Evidence(f"training {after.kind} as it is", None, shown(e.start)),
        Evidence(f"training {after.kind} with {WIDER:g} times the hidden units", None, shown(after)),
    ]
    return e.finding(
        "capacity-too-small",
        e.level(),
        "the network is too small for its task",
        edit,
        evidence,
        after=after,
        help_text="more hidden units",
    )
