"""Do the targets depend on the inputs at all, and do the two belong together row by row?"""

from __future__ import annotations

import ast

import numpy as np

from unstuck.doctor.findings import Evidence, Proof

from ..edits.origins import given_to
from ..edits.reading import called
from ..program import Program
from ..records import Array, Series
from ..step import WatchError
from .base import Examination, Verdicts
from .copies import same_sites
from .models import signal
from .values import joined, scored

LEAST_ROWS = 60  # fewer rows cannot show that there is no relation
FEWEST_ROWS = 12  # fewer rows do not even allow a suspicion
MEMORISED = 0.9  # score from which a network does what it can with such targets
CLOSE = 0.1  # difference of two scores under which permuted targets are learnt as well as the real ones
CAUSES = ("no-signal", "labels-misaligned")


def examine(e: Examination) -> Verdicts:
    """Fit simple models to the training rows, cross-validated, beside the same with permuted targets."""
    out, data = Verdicts(), e.data
    if data.unique is None:
        return out.skip("the rows that training uses could not be matched with a variable of the program", *CAUSES)
    x, t = data.unique
    if len(x) < FEWEST_ROWS:
        return out.skip(f"only {len(x)} different training rows", *CAUSES)
    if not np.any(np.ptp(t, axis=0)):
        return out.skip("what the outputs are compared with is the same for every row: hardly the targets", *CAUSES)
    if not data.rows_are_independent:
        return out.skip("outputs depend on other rows (a sequence, or batch statistics)", *CAUSES)
    if len(x) < LEAST_ROWS:
        return _of_few_rows(e, x, t, out)
    score, null = signal(x, t)
    if score > null + 0.03:
        return out.rule_out(
            f"simple models find a relation in the data (score {score:.2f}, permuted targets {null:.2f})", *CAUSES
        )
    evidence = _evidence(score, null, len(x))
    for edit in e.experiments.join_shuffles():
        after = e.quality(e.edited(edit))
        if after is None or after.failed:
            continue
        mended = signal_of(e, edit.source)
        if mended is not None and mended[0] > mended[1] + 0.1:
            proved = after if e.much_better(after) or mended[0] > score + 0.2 else None
            out.findings.append(
                e.finding(
                    "labels-misaligned", "error",
                    "inputs and targets are shuffled apart: the targets no longer belong to their rows", edit,
                    [*evidence, Evidence("the same score after one common shuffle", None, round(mended[0], 3))],
                    after=proved, help_text="put inputs and targets into one common order",
                )
            )  # fmt: skip
            return out.rule_out("the relation is there before the rows are shuffled apart", "no-signal")
    _report(e, evidence, out)
    return out


def _of_few_rows(e: Examination, x: Array, t: Array, out: Verdicts) -> Verdicts:
    """A few rows prove nothing by themselves, unless it can be seen that their targets are drawn at random."""
    score, null = signal(x, t, trees=False)
    evidence = _evidence(score, null, len(x))
    if is_drawn(e):
        evidence.append(Evidence("targets", "made from the inputs, or measured", "drawn from a random generator"))
        _report(e, evidence, out)
        return out.skip(f"only {len(x)} different training rows", "labels-misaligned")
    if score <= null:
        title = "the targets show no relation to the inputs: memorised at best"
        finding = e.finding("no-signal", "note", title, None, evidence, line=target_line(e), confidence="suspect")
        out.findings.append(finding)
        return out.skip(f"only {len(x)} different training rows", "labels-misaligned")
    return out.skip(f"only {len(x)} different training rows", *CAUSES)


def _evidence(score: float, null: float, rows: int) -> list[Evidence]:
    return [
        Evidence(
            "cross-validated score of simple models (neighbours, a linear fit)",
            f"above {null:.2f}",
            round(score, 3),
        ),
        Evidence("the same with permuted targets (largest of nine)", None, round(null, 3)),
        Evidence("different training rows", None, rows),
    ]


def _report(e: Examination, evidence: list[Evidence], out: Verdicts) -> None:
    """No signal: proved where the program learns permuted targets as well as its own."""
    quality = e.start
    memorised = quality is not None and quality.score > MEMORISED
    level = "note" if memorised else "error"
    line, proof = target_line(e), None
    after = of_permuted(e)
    if quality is not None and after is not None and after[0] == quality.kind:
        evidence = [
            *evidence,
            Evidence(f"training {quality.kind} as it is", None, float(f"{quality.score:.4g}")),
            Evidence(f"training {quality.kind} with the targets permuted", "lower", float(f"{after[1]:.4g}")),
        ]
        if after[1] > quality.score - max(CLOSE, 1.5 / np.sqrt(len(e.data.unique[0]) if e.data.unique else 1)):
            metric = f"training {quality.kind}, with the program's targets and with permuted ones"
            proof = Proof(metric=metric, before=quality.score, after=after[1])
    title = "the targets have nothing to do with the inputs: there is nothing to learn but noise"
    if memorised:
        title = "the targets have nothing to do with the inputs: the network has learnt them by heart"
    out.findings.append(
        e.finding(
            "no-signal", level, title, None, evidence, line=line, proof=proof,
            help_text="check where the targets come from; a network can only memorise these rows",
        )
    )  # fmt: skip


def permuted(e: Examination) -> tuple[Program, dict[str, Array]] | None:
    """The program with its targets in a random order from the line on that makes them, and its variables in training."""
    made = origin(e)
    if made is None or e.data.inputs is None:
        return None
    statement, name = made
    edit = e.experiments.shuffle_rows(statement.lineno, [name], axis=0, cause="no-signal")
    if edit is None:
        return None
    program = e.edited(edit)
    try:
        loop = same_sites(e.table, e.session.table(program))[1].get(e.known.loop)
        step = None if loop is None else e.session.stop(loop, e.known.hit, program)
    except (WatchError, SyntaxError):
        return None
    if step is None:
        return None
    with step:
        return program, step.leaves


def of_permuted(e: Examination) -> tuple[str, float] | None:
    """How well the program learns its rows when the targets are permuted: "accuracy" or "R²", and its value."""
    made, (value, target) = permuted(e), e.objective
    if made is None or target is None:
        return None
    program, leaves = made
    found = e.follow(program, keys=[value, target])
    if found is None or found[0].outcome.cut or found[0].outcome.error is not None:
        return None
    pairs = []
    for window in found[0].tail:
        o, t = e.recorded(value, window, found[1]), e.recorded(target, window, found[1])
        if target[0] < 0 and target[1] in leaves:  # a variable that is only read
            own = leaves[target[1]]
            t = Series(target, own.ravel(), [own.shape], np.zeros(1, int), True)
        pair = e.paired(o, t) if o is not None and t is not None else None
        if pair is not None:
            pairs.append(pair)
    together = joined(pairs)
    if together is None:
        return None
    kind, score, _ = scored(*together)
    return kind, score


def is_drawn(e: Examination) -> bool:
    """The targets are drawn from a random generator, from nothing else, and the inputs are not made of them."""
    made = origin(e)
    if made is None or e.data.inputs is None:
        return False
    if not e.experiments.draws(made[0].lineno) or not _is_pure(e, made[0].value):
        return False
    other = permuted(e)
    inputs = other[1].get(e.data.inputs.path) if other is not None else None
    return inputs is not None and np.array_equal(inputs, e.data.inputs.values)


def _is_pure(e: Examination, value: ast.expr) -> bool:
    """No array and no function of the program's own goes into an expression."""
    large = {path.split(": ", 1)[-1] for path, leaf in e.known.leaves.items() if leaf.size > 1}
    sizes = [n for n in ast.walk(value) if (isinstance(n, ast.Attribute) and n.attr in ("shape", "size", "ndim"))
             or (isinstance(n, ast.Call) and (c := called(n)) is not None and c[0] == "len")]  # fmt: skip
    told = {id(part) for n in sizes for part in ast.walk(n)}  # how many they are says nothing of their values
    names = {n.id for n in ast.walk(value) if isinstance(n, ast.Name) and id(n) not in told}
    own = {
        c[0] for n in ast.walk(value) if (c := called(n)) is not None and e.experiments.reading.functions_named(c[0])
    }
    return not names & large and not own


def origin(e: Examination) -> tuple[ast.Assign, str] | None:
    """The statement that makes the targets, and the name it gives them: behind slices, copies and reshapes."""
    key = e.objective[1]
    if key is None:
        return None
    text = key[1].split(": ", 1)[-1] if key[0] < 0 else e.table.sites[key[0]].text
    name, found = root_name(text), None
    for _ in range(4):
        assigned = [(s, part) for s in e.experiments.reading.statements
                    if isinstance(s, ast.Assign) for part in given_to(s, name)]  # fmt: skip
        if len(assigned) != 1:
            break
        statement, value = assigned[0]
        found = (statement, name) if value is statement.value else found
        while isinstance(value, ast.Subscript | ast.Call | ast.Attribute):
            call = called(value)
            if call is not None and (call[1] is None or call[0] not in _SAME):
                break
            value = value.func if isinstance(value, ast.Call) else value.value
        if not isinstance(value, ast.Name):
            break
        name = value.id
    return found


_SAME = {"reshape", "copy", "astype", "tolist", "transpose", "ravel", "flatten"}


def signal_of(e: Examination, source: str) -> tuple[float, float] | None:
    """The signal in the training rows of an edited copy."""
    program = e.program.with_source(e.program.main, source)
    data = e.data
    found, target, value = data.inputs, e.objective[1], e.objective[0]
    if found is None or target is None:
        return None
    answer = e.follow(program, keys=[found.key, target, value], head=2000, tail=0, head_only=True)
    if answer is None:
        return None
    followed, sites = answer
    xs, ts = [], []
    for window in followed.head:
        x, t, o = (e.recorded(k, window, sites) for k in (found.key, target, value))
        pair = e.paired(o, t) if o is not None and t is not None else None
        if x is not None and pair is not None and x.flat.size == len(pair[1]) * found.rows.shape[1]:
            xs.append(x.flat.reshape(len(pair[1]), -1))
            ts.append(pair[1])
    if not xs:
        return None
    x_all, t_all = np.concatenate(xs), np.concatenate(ts)
    _, first = np.unique(x_all, axis=0, return_index=True)
    return signal(x_all[first], t_all[first])


def target_line(e: Examination) -> int | None:
    """The line that first assigned a variable which holds the targets."""
    key = e.objective[1]
    if key is None:
        return None
    text = key[1].split(": ", 1)[-1] if key[0] < 0 else e.table.sites[key[0]].text
    made = origin(e)
    if made is not None:
        return made[0].lineno
    lines = assigned_lines(e, root_name(text))
    if lines:
        return min(lines)
    return None if key[0] < 0 else e.table.sites[key[0]].line


def root_name(text: str) -> str:
    """``T`` of ``T[rows]``, ``self.y`` of ``self.y[k:k+8]``."""
    return text.split("[")[0].split("(")[-1].strip()


def assigned_lines(e: Examination, name: str) -> list[int]:
    """Lines on which a variable of this name is assigned."""
    return [s.line for s in e.table.sites if s.kind == "target" and s.text == name]
