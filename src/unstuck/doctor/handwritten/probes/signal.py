"""Do the targets depend on the inputs at all, and do the two belong together row by row?"""

from __future__ import annotations

import numpy as np

from unstuck.doctor.findings import Evidence

from ..session import Array
from .base import Examination, Verdicts
from .values import is_one_hot, paired

LEAST_ROWS = 60  # fewer rows cannot show that there is no relation
FEWEST_ROWS = 12  # fewer rows do not even allow a suspicion
MOST_ROWS = 1000
PERMUTATIONS = 9
CAUSES = ("no-signal", "labels-misaligned")


def examine(e: Examination) -> Verdicts:
    """Fit simple models to the training rows, cross-validated, beside the same with permuted targets."""
    out, data = Verdicts(), e.data
    if data.unique is None:
        return out.skip("the rows that training uses could not be matched with a variable of the program", *CAUSES)
    x, t = data.unique
    if FEWEST_ROWS <= len(x) < LEAST_ROWS and data.rows_are_independent:
        return _of_few_rows(e, x, t, out)
    if len(x) < LEAST_ROWS:
        return out.skip(f"only {len(x)} different training rows", *CAUSES)
    if not data.rows_are_independent:
        return out.skip("outputs depend on other rows (a sequence, or batch statistics)", *CAUSES)
    score, null = signal(x, t)
    if score > null + 0.03:
        return out.rule_out(
            f"simple models find a relation in the data (score {score:.2f}, permuted targets {null:.2f})", *CAUSES
        )
    evidence = [
        Evidence(
            "cross-validated score of nearest neighbours, trees and a linear model",
            f"above {null:.2f}",
            round(score, 3),
        ),
        Evidence("the same with permuted targets (largest of nine)", None, round(null, 3)),
        Evidence("different training rows", None, len(x)),
    ]
    quality = e.start
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
    line = target_line(e)
    level = "error" if quality is None or not (quality.score > 0.97) else "warning"
    out.findings.append(
        e.finding(
            "no-signal", level, "the targets have nothing to do with the inputs: there is nothing to learn but noise", None,
            evidence, line=line, confidence="likely",
            help_text="check where the targets come from; a network can only memorise these rows",
        )
    )  # fmt: skip
    return out


def _of_few_rows(e: Examination, x: Array, t: Array, out: Verdicts) -> Verdicts:
    """A remark where a few rows show no relation, which proves nothing."""
    score, null = signal(x, t)
    if score <= null:
        out.findings.append(
            e.finding(
                "no-signal", "note", "the targets show no relation to the inputs: memorised at best", None,
                [
                    Evidence("cross-validated score of simple models", f"above {null:.2f}", round(score, 3)),
                    Evidence("the same with permuted targets (largest of nine)", None, round(null, 3)),
                    Evidence("different training rows", None, len(x)),
                ],
                line=target_line(e), confidence="suspect",
            )
        )  # fmt: skip
        return out.skip(f"only {len(x)} different training rows", "labels-misaligned")
    return out.skip(f"only {len(x)} different training rows", *CAUSES)


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
        pair = paired(o, t) if o is not None and t is not None else None
        if x is not None and pair is not None and x.flat.size == len(pair[1]) * found.rows.shape[1]:
            xs.append(x.flat.reshape(len(pair[1]), -1))
            ts.append(pair[1])
    if not xs:
        return None
    x_all, t_all = np.concatenate(xs), np.concatenate(ts)
    _, first = np.unique(x_all, axis=0, return_index=True)
    return signal(x_all[first], t_all[first])


def signal(x: Array, t: Array) -> tuple[float, float]:
    """The best cross-validated score of three simple models, and the best of nine with permuted targets."""
    rng = np.random.default_rng(0)
    if len(x) > MOST_ROWS:
        chosen = rng.choice(len(x), MOST_ROWS, replace=False)
        x, t = x[chosen], t[chosen]
    classes = is_one_hot(t) or (t.shape[1] == 1 and len(np.unique(t)) == 2)
    if is_one_hot(t):
        y = t.argmax(axis=1)
    elif t.shape[1] == 1:
        y = (t[:, 0] > t[:, 0].mean()).astype(int) if classes else t[:, 0]
    else:
        y = t
    true = _best(x, y, classes, rng)
    clear = 1 / len(np.unique(y)) + 0.2 if classes else 0.15
    if true > clear and len(x) >= 100:
        return true, 0.0 if not classes else 1 / len(np.unique(y))  # far above anything that chance could give
    null = max(_best(x, y[rng.permutation(len(y))], classes, rng) for _ in range(PERMUTATIONS))
    return true, null


def _best(x: Array, y: Array, classes: bool, rng: np.random.Generator) -> float:
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
    from sklearn.linear_model import Ridge, RidgeClassifier
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    spread = x.std(axis=0)
    z = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    order = rng.permutation(len(z))
    fold = np.zeros(len(z), int)
    fold[order] = np.arange(len(z)) % 3
    models = (
        [KNeighborsClassifier(7), RidgeClassifier(1.0), ExtraTreesClassifier(25, random_state=0)]
        if classes
        else [KNeighborsRegressor(7), Ridge(1.0), ExtraTreesRegressor(25, random_state=0)]
    )
    scores = []
    for model in models:
        predicted = np.zeros(y.shape)
        for k in range(3):
            inside = fold != k
            if classes and len(np.unique(y[inside])) < 2:
                return 0.0
            predicted[~inside] = np.asarray(model.fit(z[inside], y[inside]).predict(z[~inside])).reshape(
                y[~inside].shape
            )
        if classes:
            scores.append(float(np.mean([np.mean(predicted[y == k] == k) for k in np.unique(y)])))
        else:
            spread_y = float(((y - y.mean(axis=0)) ** 2).sum()) or 1.0
            scores.append(1 - float(((y - predicted) ** 2).sum()) / spread_y)
    return max(scores)


def target_line(e: Examination) -> int | None:
    """The line that first assigned a variable which holds the targets."""
    key = e.objective[1]
    if key is None:
        return None
    text = key[1].split(": ", 1)[-1] if key[0] < 0 else e.table.sites[key[0]].text
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
